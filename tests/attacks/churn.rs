//! Connections by the thousand, opened and closed: what is left of them.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use ws::{Config, ServerConfig};

use crate::flood::{Flood, echo, warm_up};
use crate::handshake::{is_served, server};
use crate::memory::Meter;
use crate::raw::{self, close, frame};

/// Of all together: tables that have grown for those that were there at a time.
const REST: isize = 64 * 1024;

/// The wheel sweeps out those who are gone once they are a thousand.
const SWEPT: isize = 1024 * 640 + REST;

#[tokio::test]
async fn ten_thousand_connections_to_a_server_leave_its_memory_as_it_was() {
    warm_up().await;
    let (addr, handle) = server(ServerConfig::default()).await;
    let meter = Meter::start();
    let begun = Instant::now();
    for i in 0..10_000 {
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        stream.write_all(raw::request(addr).as_bytes()).await.unwrap();
        raw::read_head(&mut stream).await;
        match i % 3 {
            0 => stream.set_zero_linger().unwrap(),
            1 => stream.write_all(&close(1000)).await.unwrap(),
            _ => {}
        }
    }
    is_served(addr).await;
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(meter.live() < SWEPT, "{}", meter.live());
}

/// The wheel knows each until its first deadline, which may be far away: it must not remember those who are gone.
#[tokio::test(start_paused = true)]
async fn connections_that_are_gone_do_not_wait_for_their_deadlines_in_memory() {
    warm_up().await;
    let mut config = Config::default();
    config.ping_interval = Some(Duration::from_secs(3600));
    let meter = Meter::start();
    for _ in 0..10 {
        for i in 0..1000 {
            let bytes = [frame(0x82, b"hello"), close(1000)].concat();
            let mut peer = Flood::new([(bytes, 1)]);
            peer.ends = true;
            if i % 2 == 0 {
                let _ = echo(peer.pull(config.clone())).await;
            } else {
                let _ = peer.push(config.clone()).1.await;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(meter.live() < SWEPT, "{}", meter.live());
    tokio::time::sleep(Duration::from_secs(7200)).await;
    assert!(meter.live() < REST, "{}", meter.live());
}

/// A runtime that ends takes its connections along.
#[test]
fn a_runtime_that_is_dropped_with_open_connections_leaves_nothing_behind() {
    let run = |count: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let peers = (0..count).map(|_| Flood::new([(frame(0x82, b"hello"), 1)]));
            for (i, peer) in peers.enumerate() {
                if i % 2 == 0 {
                    tokio::spawn(echo(peer.pull(Config::default())));
                } else {
                    peer.push(Config::default());
                }
            }
            tokio::task::yield_now().await;
        });
    };
    run(2);
    let meter = Meter::start();
    run(1000);
    assert!(meter.live() < 4 * 1024, "{}", meter.live());
}
