//! A crowd: ten thousand clients at a time, half of them polling and upgrading at any moment, which join and leave a thousand rooms
//! while broadcasts go to all of those. Each delivery is accounted for, and nothing stays of them.
//!
//! The server has a process of its own, whose memory is counted. The clients are honest and write every packet by hand.

mod client;
#[path = "../attacks/memory.rs"]
#[allow(dead_code)] // The other tests use the rest of it.
mod meter;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use client::Client;
use server::Server;

#[global_allocator]
static ALLOCATOR: meter::Counting = meter::Counting;

const CROWD: usize = 10_000;
const ROOMS: usize = 1_000;
/// Rooms that each client joins, one after the other.
const STAYS: usize = 3;
/// How many may be connecting or upgrading at a time: a crowd, not a flood of handshakes.
const AT_THE_DOOR: usize = 128;
/// Bytes that may be left when all have gone: buffers that are shared, and queues of the runtime, which never shrink. Less than 60
/// for each client, of whom the smallest thing that could be forgotten is larger.
const KEPT: isize = 600_000;
/// Bytes that a second crowd may leave beyond the first.
const GROWN: isize = 50_000;
/// Bytes of the system that the process may have more than when it began.
const RESIDENT: isize = 15_000_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Nobody answers pings while all wait for each other.
const PING_TIMEOUT: Duration = Duration::from_secs(40);

/// Joins rooms one after the other, and gets exactly what is sent to each meanwhile. Gives how much that was.
async fn visit(
    addr: SocketAddr,
    number: usize,
    door: Arc<Semaphore>,
    all_here: Arc<Barrier>,
) -> u64 {
    let at_the_door = door.acquire().await.unwrap();
    let mut client = match number % 2 {
        0 => Client::websocket(addr).await,
        _ => Client::polling(addr).await,
    };
    drop(at_the_door);
    all_here.wait().await;
    let mut received = 0;
    for stay in 0..STAYS {
        // Neighbours share rooms, and each is in others than before.
        let room = (number * 7 + stay * 331 + number / ROOMS) % ROOMS;
        let mut news = Vec::new();
        let first = client.ask("join", room, &mut news).await;
        if stay == number / 2 % (STAYS + 1) {
            let _at_the_door = door.acquire().await.unwrap();
            client.upgrade(&mut news).await;
        }
        while news.len() < 2 {
            client.hear(&mut news).await;
        }
        let last = client.ask("leave", room, &mut news).await;
        assert!(news.iter().copied().eq(first + 1..=last), "{first}..={last}: {news:?}");
        received += last - first;
    }
    client.leave().await;
    received
}

/// So many visit at the same time, and leave.
async fn crowd(server: &mut Server, size: usize) {
    let door = Arc::new(Semaphore::new(AT_THE_DOOR));
    let all_here = Arc::new(Barrier::new(size + 1));
    let before = server.due();
    let mut visits: JoinSet<u64> = (0..size)
        .map(|number| visit(server.addr, number, door.clone(), all_here.clone()))
        .collect();
    all_here.wait().await;
    assert!(server.sockets() > size / 2, "they are hardly there together");
    let mut received = 0;
    while let Some(visit) = visits.join_next().await {
        received += visit.unwrap();
    }
    assert_eq!(received, server.due() - before);
    assert!(received >= (size * STAYS) as u64);
    while server.sockets() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Fewer clients if the system does not allow so many files. One that upgrades has two connections for a moment.
fn clients() -> usize {
    let wanted = (CROWD + 4 * AT_THE_DOOR + 500) as u64;
    // An administrator may even raise the hard limit.
    let _ = rlimit::setrlimit(rlimit::Resource::NOFILE, wanted, wanted);
    let limit = rlimit::increase_nofile_limit(wanted).unwrap();
    CROWD.min(limit as usize - 4 * AT_THE_DOOR - 500)
}

#[tokio::test]
async fn ten_thousand_clients_come_and_go_each_delivery_is_accounted_for_and_memory_is_back_where_it_began()
 {
    let clients = clients();
    assert!(clients >= CROWD / 10, "only {clients} fit the limit on open files");
    let mut server = Server::start();
    let empty = server.memory();
    let mut before = empty.live + KEPT - GROWN;
    for _ in 0..2 {
        let whole = crowd(&mut server, clients);
        timeout(Duration::from_secs(240), whole).await.expect("it takes half a minute");
        // A deadline of somebody who has gone keeps a little of it until it has passed.
        let patience = Instant::now() + PING_INTERVAL + PING_TIMEOUT + CONNECT_TIMEOUT;
        let mut left = server.memory();
        while left.live - before >= GROWN && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(100)).await;
            left = server.memory();
        }
        eprintln!("{clients} clients; before: {empty:?}, after: {left:?}");
        assert!(left.live - before < GROWN, "{} bytes are left", left.live - empty.live);
        let resident = left.resident - empty.resident;
        assert!(resident < RESIDENT, "the process has {resident} bytes more than before");
        before = left.live;
    }
}
