//! What a Socket.IO client costs while nothing happens, and what is left of its connections.
//!
//! Counted are the bytes that the clients' thread has allocated: its runtime has no other, and the server has a thread of its own.
//! The bounds are a quarter above what was measured; what `malloc` adds is not in them. An optimized build shows more than another:
//! only there tasks lie in one piece with what they do.

#[path = "../attacks/memory.rs"]
#[allow(dead_code)] // The other tests use the rest of it.
mod meter;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use meter::Meter;
use sio::client::{Client, Config, Socket, Transport};
use sio::server::{self, Io};
use tokio::sync::mpsc::unbounded_channel;

#[global_allocator]
static ALLOCATOR: meter::Counting = meter::Counting;

/// Clients before it is measured, so that what is there once for all of them is there.
const EARLIER: usize = 20;
const CLIENTS: usize = 200;

fn serve() -> SocketAddr {
    let limit = rlimit::increase_nofile_limit(8 * CLIENTS as u64).unwrap();
    assert!(limit >= 6 * CLIENTS as u64, "too few file descriptors: {limit}");
    let (told, addr) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let io = Io::new();
            io.on_connect(async |socket: server::Socket| {
                socket.on("answer me", async || ());
                socket.on(
                    "flood me",
                    async |socket: server::Socket, server::Data(count): server::Data<u32>| {
                        (0..count).try_for_each(|n| socket.emit("n", n))
                    },
                );
                socket.on("greet me", async |socket: server::Socket| {
                    (0..100).try_for_each(|_| socket.emit("greeting", "x".repeat(10_000)))
                });
                socket.on("cut me", async |socket: server::Socket| socket.disconnect(true));
            });
            let listening = io.bind("127.0.0.1:0").await.unwrap();
            told.send(listening.local_addr().unwrap()).unwrap();
            listening.serve().await;
        });
    });
    addr.recv().unwrap()
}

async fn connect(addr: SocketAddr, transport: Transport) -> Socket {
    let builder = Client::builder(format!("http://{addr}")).transports([transport]);
    let socket = builder.connect().await.unwrap();
    socket.on("event", async || ());
    socket
}

/// What each of many clients costs that have been idle for so long, each with a connection of its own.
async fn cost(transport: Transport, idle: Duration) -> isize {
    let addr = serve();
    let mut clients = Vec::with_capacity(EARLIER + CLIENTS);
    for _ in 0..EARLIER {
        clients.push(connect(addr, transport).await);
    }
    tokio::time::sleep(idle).await;
    let meter = Meter::start();
    for _ in 0..CLIENTS {
        clients.push(connect(addr, transport).await);
    }
    // Past whatever connecting has left behind.
    tokio::time::sleep(idle).await;
    meter.live() / CLIENTS as isize
}

#[tokio::test]
async fn an_idle_client_over_websocket_stays_within_its_budget() {
    let cost = cost(Transport::WebSocket, Duration::from_millis(1000)).await;
    eprintln!("{cost} bytes for each client over WebSocket");
    assert!((1000..5000).contains(&cost), "{cost}");
}

/// One HTTP connection, with a request under way. Nearly all is hyper's: 8 KiB to read into, as much to write from, and 9 KiB for the
/// channel to the connection's task.
#[tokio::test]
async fn an_idle_client_over_polling_stays_within_its_budget() {
    // The connection on which CONNECT was posted is kept for four seconds.
    let cost = cost(Transport::Polling, Duration::from_secs(5)).await;
    eprintln!("{cost} bytes for each client over polling");
    assert!((1000..43_000).contains(&cost), "{cost}");
}

#[tokio::test]
async fn nothing_grows_over_many_reconnects() {
    let reconnects = std::env::var("SIO_RECONNECTS").map_or(1_000, |count| count.parse().unwrap());
    let addr = serve();
    let mut config = Config::default();
    config.reconnection.delay = Duration::ZERO;
    config.reconnection.max_delay = Duration::ZERO;
    config.reconnection.after_server_disconnect = true;
    let (connected, mut connects) = unbounded_channel();
    let builder = Client::builder(format!("http://{addr}")).config(config);
    let socket = builder.on_connect(async move || _ = connected.send(())).connect().await.unwrap();
    let mut meter = None;
    for round in 0..reconnects {
        connects.recv().await.unwrap();
        if round == 200 {
            meter = Some(Meter::start());
        }
        socket.emit("cut me", ()).unwrap();
    }
    connects.recv().await.unwrap();
    let grown = meter.unwrap().live();
    eprintln!("{grown} bytes more after {} reconnects", reconnects - 200);
    // The wheel lets go of who is gone only when it is worth it: of up to 1024 at a time.
    assert!(grown < 1024 * 1024, "{grown}: {} for each", grown / (reconnects - 200));
    assert!(reconnects < 5_000 || grown < 100 * reconnects, "{grown}");
}

/// They were once kept until somebody listened, if nobody ever did.
#[tokio::test]
async fn early_events_that_nobody_listens_to_are_forgotten() {
    let mut config = Config::default();
    config.early_events = Duration::from_millis(300);
    let builder = Client::builder(format!("http://{}", serve())).config(config);
    let socket = builder.connect().await.unwrap();
    let meter = Meter::start();
    socket.emit("greet me", ()).unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(meter.live() > 1_000_000, "they are kept at first");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(meter.live() < 100_000, "{}", meter.live());
}

/// Each was once left with a timer of its own, which rang again and again for as long as any other event was on its way.
#[tokio::test]
async fn events_that_were_answered_leave_no_timers() {
    const EVENTS: u32 = 40_000;
    let mut config = Config::default();
    config.retries = Some(1);
    let builder = Client::builder(format!("http://{}", serve())).config(config);
    let socket = builder.connect().await.unwrap();
    socket.emit_with_ack::<()>("answer me", ()).await.unwrap();
    let meter = Meter::start();
    for _ in 0..EVENTS {
        socket.emit_with_ack::<()>("answer me", ()).await.unwrap();
    }
    let grown = meter.live();
    assert!(grown < 64 * 1024, "{grown}");
}

/// The same, of each time that reading was paused.
#[tokio::test]
async fn pauses_leave_no_timers() {
    const PAUSES: u32 = 20_000;
    let mut config = Config::default();
    config.max_queued_events = 2;
    let builder = Client::builder(format!("http://{}", serve())).config(config);
    let socket = builder.keep_events().connect().await.unwrap();
    let ask = async |events| {
        socket.emit("flood me", events).unwrap();
        for _ in 0..events {
            socket.next().await.unwrap();
        }
    };
    ask(10).await;
    let meter = Meter::start();
    for _ in 0..PAUSES / 100 {
        ask(100).await;
    }
    let grown = meter.live();
    assert!(grown < 64 * 1024, "{grown}");
}
