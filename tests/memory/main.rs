//! What a connection costs while nothing happens on it, and what is left of it when it has gone.
//!
//! Counted are the bytes that the server's thread has allocated: its runtime has no other, and the clients are blocking
//! sockets on a thread of their own. The bounds are a quarter above what was measured; what `malloc` adds is not in them.

mod client;
#[path = "../attacks/memory.rs"]
#[allow(dead_code)] // The other tests use the rest of it.
mod meter;

use std::net::SocketAddr;

use meter::Meter;
use sio::server::{Data, Io, Socket};
use tokio::sync::mpsc;

#[global_allocator]
static ALLOCATOR: meter::Counting = meter::Counting;

/// Clients before it is measured, so that what is there once for all of them is there.
const EARLIER: usize = 100;
const CLIENTS: usize = 500;

/// Bytes of an idle client over WebSocket, with one listener and in no room.
const IDLE: isize = 3800;
/// And of one by long-polling.
const IDLE_POLLING: isize = 4096;

/// Serves; whoever has left is told of by the channel.
async fn serve() -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
    let limit = rlimit::increase_nofile_limit(4 * CLIENTS as u64).unwrap();
    assert!(limit >= 3 * CLIENTS as u64, "too few file descriptors: {limit}");
    let io = Io::new();
    let (leave, left) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        // Takes two turns, so that what comes together has to wait.
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| {
            tokio::task::yield_now().await;
            a + b
        });
        socket.on_disconnect(async move || _ = leave.send(()));
    });
    let listening = io.bind("127.0.0.1:0").await.unwrap();
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    (addr, left)
}

async fn connected(
    count: usize,
    connect: impl Fn() -> client::Client + Send + 'static,
) -> Vec<client::Client> {
    tokio::task::spawn_blocking(move || (0..count).map(|_| connect()).collect()).await.unwrap()
}

/// What each of many clients costs once it is silent.
async fn cost(connect: impl Fn(SocketAddr) -> client::Client + Clone + Send + 'static) -> isize {
    let (addr, _left) = serve().await;
    let connect = move || connect(addr);
    let _earlier = connected(EARLIER, connect.clone()).await;
    let meter = Meter::start();
    let _clients = connected(CLIENTS, connect).await;
    meter.live() / CLIENTS as isize
}

#[tokio::test]
async fn an_idle_client_stays_within_the_budget() {
    let cost = cost(|addr| client::join(addr, "")).await;
    assert!((1000..IDLE).contains(&cost), "{cost}");
}

/// A client of long-polling is idle while its GET waits, on the one connection that it has.
#[tokio::test]
async fn an_idle_client_of_long_polling_stays_within_the_budget() {
    let (addr, _left) = serve().await;
    let _earlier = connected(EARLIER, move || client::poll(addr)).await;
    let meter = Meter::start();
    let _clients = connected(CLIENTS, move || client::poll(addr)).await;
    // Those before have been put aside once these are served.
    let _later = connected(10, move || client::poll(addr)).await;
    let cost = meter.live() / CLIENTS as isize;
    assert!((1000..IDLE_POLLING).contains(&cost), "{cost}");
}

#[tokio::test]
async fn the_headers_of_a_browser_cost_no_more_than_their_bytes() {
    let headers = format!("Cookie: id={}\r\n{}", "x".repeat(100), client::BROWSER);
    let length = headers.len() as isize;
    let cost = cost(move |addr| client::join(addr, &headers)).await;
    assert!(cost < IDLE + length, "{cost}");
}

#[tokio::test]
async fn a_client_is_as_cheap_after_a_burst_as_before() {
    let cost = cost(|addr| {
        let mut client = client::join(addr, "");
        let events: Vec<_> = (0..100).map(|id| format!(r#"42{id}["add",1,2]"#)).collect();
        client.send(&events);
        client.wait_for("4399[3]");
        client
    })
    .await;
    assert!(cost < IDLE, "{cost}");
}

#[tokio::test]
async fn nothing_stays_of_clients_that_come_and_go() {
    const WAVES: usize = 8;
    let (addr, mut left) = serve().await;
    let mut meter = None;
    for wave in 0..WAVES {
        let clients = connected(CLIENTS, move || client::join(addr, "")).await;
        drop(clients);
        for _ in 0..CLIENTS {
            left.recv().await.unwrap();
        }
        if wave == 1 {
            meter = Some(Meter::start());
        }
    }
    // The wheel lets go of who is gone only when it is worth it: of up to 1024 at a time.
    let stays = meter.unwrap().live();
    assert!(stays < 1024 * 1024, "{stays}: {} for each", stays / ((WAVES - 2) * CLIENTS) as isize);
}
