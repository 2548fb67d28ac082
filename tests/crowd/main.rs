//! A crowd: ten thousand clients at a time, half of them polling and upgrading at any moment, which join and leave a thousand rooms
//! while broadcasts go to all of those. Each delivery is accounted for, and nothing stays of them.
//!
//! The server has a thread of its own, whose memory is counted. The clients are honest and write every packet by hand.

mod client;
#[path = "../attacks/memory.rs"]
#[allow(dead_code)] // The other tests use the rest of it.
mod meter;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use meter::Meter;
use sio::server::{Config, Data, Io, Socket};
use tokio::sync::{Barrier, Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use client::Client;

#[global_allocator]
static ALLOCATOR: meter::Counting = meter::Counting;

const CROWD: usize = 10_000;
const ROOMS: usize = 1_000;
/// Rooms that each client joins, one after the other.
const STAYS: usize = 3;
/// How many may be connecting or upgrading at a time: a crowd, not a flood of handshakes.
const AT_THE_DOOR: usize = 128;
/// What tables may differ by from one crowd to the next: less than half of a socket for each client.
const KEPT: isize = 400_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One room as the server sees it: how many broadcasts it has had. Locked while a socket joins or leaves, and while one is sent.
type Rooms = Arc<[Mutex<u64>]>;

/// What the test knows of the server.
#[derive(Clone)]
struct Hall {
    addr: SocketAddr,
    io: Io,
    /// Deliveries that are due to those who were in a room, as the server counts them.
    due: Arc<AtomicU64>,
    /// Set when no more is broadcast.
    closed: Arc<AtomicBool>,
}

/// Serves, and broadcasts to one room after the other.
async fn serve(
    mut config: Config,
    started: oneshot::Sender<Hall>,
    requests: std_mpsc::Receiver<std_mpsc::Sender<isize>>,
) {
    config.connect_timeout = CONNECT_TIMEOUT;
    let io = Io::with_config(config).unwrap();
    let rooms: Rooms = (0..ROOMS).map(|_| Mutex::new(0)).collect();
    let due = Arc::new(AtomicU64::new(0));
    let (joins, leaves, owed) = (rooms.clone(), rooms.clone(), due.clone());
    io.on_connect(async move |socket: Socket| {
        let (joins, leaves, owed) = (joins.clone(), leaves.clone(), owed.clone());
        socket.on("join", async move |socket: Socket, Data(room): Data<usize>| {
            let sent = joins[room].lock().unwrap();
            assert!(socket.join(room.to_string()));
            socket.insert(*sent);
            *sent
        });
        socket.on("leave", async move |socket: Socket, Data(room): Data<usize>| {
            let sent = leaves[room].lock().unwrap();
            assert!(socket.leave(room.to_string()));
            owed.fetch_add(*sent - *socket.get::<u64>().unwrap(), Ordering::Relaxed);
            *sent
        });
    });
    let listening = io.bind("127.0.0.1:0").await.unwrap();
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    let closed = Arc::new(AtomicBool::new(false));
    let hall = Hall { addr, io: io.clone(), due, closed: closed.clone() };
    assert!(started.send(hall).is_ok());
    let mut meter = Meter::start();
    loop {
        for (name, room) in rooms.iter().enumerate() {
            {
                let mut sent = room.lock().unwrap();
                *sent += 1;
                io.to(name.to_string()).emit("news", *sent).unwrap();
            }
            // Its clients are served in between.
            tokio::task::yield_now().await;
        }
        for request in requests.try_iter() {
            let live = meter.live();
            meter = Meter::start();
            request.send(live).unwrap();
        }
        if closed.load(Ordering::Relaxed) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Joins rooms one after the other, and gets exactly what is sent to each meanwhile. Gives how much that was.
async fn visit(hall: Hall, number: usize, door: Arc<Semaphore>, all_here: Arc<Barrier>) -> u64 {
    let at_the_door = door.acquire().await.unwrap();
    let mut client = match number % 2 {
        0 => Client::websocket(hall.addr).await,
        _ => Client::polling(hall.addr).await,
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
async fn crowd(hall: &Hall, size: usize) {
    let door = Arc::new(Semaphore::new(AT_THE_DOOR));
    let all_here = Arc::new(Barrier::new(size));
    let before = hall.due.load(Ordering::Relaxed);
    let most = Arc::new(AtomicUsize::new(0));
    let mut visits: JoinSet<u64> = (0..size)
        .map(|number| visit(hall.clone(), number, door.clone(), all_here.clone()))
        .collect();
    let mut received = 0;
    while let Some(visit) = visits.join_next().await {
        most.fetch_max(hall.io.sockets().len(), Ordering::Relaxed);
        received += visit.unwrap();
    }
    assert_eq!(received, hall.due.load(Ordering::Relaxed) - before);
    assert!(received >= (size * STAYS) as u64);
    assert!(most.load(Ordering::Relaxed) > size / 2, "they were hardly there together");
    while !hall.io.sockets().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Both ends of each connection are ours; one that upgrades has two. Fewer clients if the system does not allow so many.
fn clients() -> usize {
    let wanted = (2 * CROWD + 4 * AT_THE_DOOR + 500) as u64;
    // An administrator may even raise the hard limit.
    let _ = rlimit::setrlimit(rlimit::Resource::NOFILE, wanted, wanted);
    let limit = rlimit::increase_nofile_limit(wanted).unwrap();
    CROWD.min((limit as usize - 4 * AT_THE_DOOR - 500) / 2)
}

/// A server on a thread of its own, and what to ask of it: how much its memory has grown since the last time.
struct Server {
    hall: Hall,
    measure: std_mpsc::Sender<std_mpsc::Sender<isize>>,
    thread: JoinHandle<()>,
}

impl Server {
    async fn start(ping_interval: Duration, ping_timeout: Duration) -> Self {
        let (started, hall) = oneshot::channel();
        let (measure, requests) = std_mpsc::channel();
        let mut config = Config::default();
        // Nobody answers pings while all wait for each other.
        config.engine.ping_interval = ping_interval;
        config.engine.ping_timeout = ping_timeout;
        let thread = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(serve(config, started, requests));
        });
        Self { hall: hall.await.unwrap(), measure, thread }
    }

    fn grown(&self) -> isize {
        let (sender, receiver) = std_mpsc::channel();
        self.measure.send(sender).unwrap();
        receiver.recv().unwrap()
    }

    fn stop(self) {
        self.hall.closed.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_clients_come_and_go_and_each_delivery_is_accounted_for() {
    let clients = clients();
    assert!(clients >= CROWD / 10, "only {clients} fit the limit on open files");
    let server = Server::start(Duration::from_secs(60), Duration::from_secs(120)).await;
    let whole = crowd(&server.hall, clients);
    timeout(Duration::from_secs(240), whole).await.expect("it takes half a minute");
    server.stop();
}

/// The first crowd gives the tables their size. What is left of the second is not theirs.
#[tokio::test]
async fn nothing_stays_of_a_crowd() {
    const CLIENTS: usize = 1_500;
    let (ping_interval, ping_timeout) = (Duration::from_secs(10), Duration::from_secs(20));
    clients();
    let server = Server::start(ping_interval, ping_timeout).await;
    let mut kept = 0;
    for _ in 0..2 {
        server.grown();
        let whole = crowd(&server.hall, CLIENTS);
        timeout(Duration::from_secs(120), whole).await.expect("it takes seconds");
        // A deadline of somebody who has gone keeps a little of it until it has passed.
        kept = server.grown();
        let patience = Instant::now() + ping_interval + ping_timeout + CONNECT_TIMEOUT;
        while kept >= KEPT && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(100)).await;
            kept += server.grown();
        }
    }
    assert!(kept < KEPT, "{kept} bytes are left of {CLIENTS} clients");
    server.stop();
}
