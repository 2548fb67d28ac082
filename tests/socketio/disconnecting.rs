//! The end of sockets, from either side: rules 20, 25 and 26.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use sio::server::{DisconnectReason, EmitError, Io, Socket};
use tokio::sync::mpsc;

use crate::peer::{Peer, configured, serve, soon};

type Ends = mpsc::UnboundedReceiver<(Box<str>, DisconnectReason, Vec<String>)>;

/// A server that tells how its sockets in `/` and `/admin` end.
fn telling(io: &Io) -> Ends {
    let (sender, receiver) = mpsc::unbounded_channel();
    for name in ["/", "/admin"] {
        let sender = sender.clone();
        io.of(name).on_connect(async move |socket: Socket| {
            socket.join("room");
            socket.on("leave me", async |socket: Socket| socket.disconnect(false));
            socket.on("end me", async |socket: Socket| socket.disconnect(true));
            socket.on("ping", async || "pong");
            socket.on_disconnect(async move |socket: Socket, reason: DisconnectReason| {
                assert!(!socket.connected());
                let rooms = socket.rooms().iter().map(|room| room.to_string()).collect();
                let _ = sender.send((socket.namespace_name().into(), reason, rooms));
            });
        });
    }
    receiver
}

async fn both(io: &Io) -> Peer {
    let mut peer = Peer::join(serve(io).await).await;
    peer.send("0/admin").await;
    peer.granted("0/admin,").await;
    peer
}

async fn ended(ends: &mut Ends, namespace: &str, reason: DisconnectReason) {
    let (name, why, rooms) = soon(ends.recv()).await.unwrap();
    assert_eq!((&*name, why), (namespace, reason));
    assert_eq!(rooms, ["room"], "the rooms are still known");
}

#[tokio::test]
async fn the_client_leaves_one_namespace_and_may_come_back() {
    let io = Io::new();
    let mut ends = telling(&io);
    let mut peer = both(&io).await;
    peer.send("1/admin,").await;
    ended(&mut ends, "/admin", DisconnectReason::ClientNamespaceDisconnect).await;
    assert!(io.of("/admin").sockets().is_empty());
    peer.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
    peer.send("0/admin").await;
    peer.granted("0/admin,").await;
    peer.asks(r#"2/admin,0["ping"]"#, r#"3/admin,0["pong"]"#).await;
}

#[tokio::test]
async fn rule_25_what_was_under_way_when_the_server_disconnected_a_namespace_is_ignored() {
    let io = Io::new();
    let mut ends = telling(&io);
    let mut peer = both(&io).await;
    peer.asks(r#"2/admin,["leave me"]"#, "1/admin,").await;
    ended(&mut ends, "/admin", DisconnectReason::ServerNamespaceDisconnect).await;
    peer.send(r#"2/admin,0["ping"]"#).await;
    peer.send("3/admin,0[]").await;
    peer.send("1/admin,").await;
    peer.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
}

#[tokio::test]
async fn rule_26_disconnect_with_close_ends_all_namespaces_and_the_connection() {
    let io = Io::new();
    let mut ends = telling(&io);
    let mut peer = both(&io).await;
    peer.asks(r#"2["end me"]"#, "1").await;
    assert_eq!(peer.recv().await, "1/admin,");
    peer.is_closed().await;
    ended(&mut ends, "/", DisconnectReason::ServerNamespaceDisconnect).await;
    ended(&mut ends, "/admin", DisconnectReason::ServerNamespaceDisconnect).await;
}

#[tokio::test]
async fn rule_20_each_way_to_end_has_its_reason() {
    let io = Io::new();
    let mut ends = telling(&io);
    let addr = serve(&io).await;
    let mut garbage = Peer::join(addr).await;
    garbage.send("9").await;
    garbage.is_closed().await;
    ended(&mut ends, "/", DisconnectReason::ParseError).await;
    let mut twice = Peer::join(addr).await;
    twice.send("0").await;
    twice.is_closed().await;
    ended(&mut ends, "/", DisconnectReason::ForcedServerClose).await;
    Peer::join(addr).await.vanish();
    ended(&mut ends, "/", DisconnectReason::TransportClose).await;
}

#[tokio::test]
async fn a_shutdown_tells_all_sockets_and_closes_all_connections() {
    let io = Io::new();
    let mut ends = telling(&io);
    let mut peer = both(&io).await;
    soon(io.shutdown(Duration::from_secs(5))).await;
    peer.is_closed().await;
    let mut names = Vec::new();
    for _ in 0..2 {
        let (name, reason, _) = soon(ends.recv()).await.unwrap();
        assert_eq!(reason, DisconnectReason::ServerShuttingDown);
        names.push(name);
    }
    names.sort();
    assert_eq!(names, ["/".into(), "/admin".into()] as [Box<str>; 2]);
}

#[tokio::test]
async fn who_does_not_keep_up_with_broadcasts_is_disconnected_and_others_get_all() {
    let io = configured(|config| config.engine.max_buffered_bytes = 1 << 18);
    let mut ends = telling(&io);
    let addr = serve(&io).await;
    let mut steady = Peer::join(addr).await;
    let deaf = Peer::join(addr).await;
    let blob = "x".repeat(1 << 16);
    let mut number = 0;
    // The system's buffers take some of it first.
    while ends.is_empty() {
        io.emit("blob", (number, &blob)).unwrap();
        assert!(steady.recv().await.starts_with(&format!(r#"2["blob",{number},"#)));
        number += 1;
        assert!(number < 10_000, "still connected");
    }
    ended(&mut ends, "/", DisconnectReason::ForcedServerClose).await;
    assert_eq!(io.sockets().len(), 1);
    steady.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
    deaf.vanish();
}

#[tokio::test]
async fn a_socket_that_is_gone_refuses_and_its_closures_are_dropped() {
    let io = Io::new();
    let (sender, mut sockets) = mpsc::unbounded_channel::<(Socket, Weak<()>)>();
    io.on_connect(async move |socket: Socket| {
        let token = Arc::new(());
        let _ = sender.send((socket.clone(), Arc::downgrade(&token)));
        // A cycle: the socket holds the closure, which holds the socket.
        let own = socket.clone();
        socket.on("e", async move || (own.connected(), Arc::strong_count(&token)));
        let (own, done) = (socket.clone(), sender.clone());
        socket.on_disconnect(async move || {
            assert!(matches!(own.emit("e", ()), Err(EmitError::Disconnected)));
            assert!(matches!(own.emit_with_ack::<()>("e", ()).await, Err(EmitError::Disconnected)));
            assert!(!own.join("room"));
            let _ = done.send((own.clone(), Weak::new()));
        });
    });
    let peer = Peer::join(serve(&io).await).await;
    let (socket, token) = soon(sockets.recv()).await.unwrap();
    assert!(token.upgrade().is_some());
    peer.vanish();
    soon(sockets.recv()).await.unwrap();
    while token.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
    // Whoever asks too late is told at once.
    let (late, mut told) = mpsc::unbounded_channel();
    socket.on_disconnect(async move |reason: DisconnectReason| late.send(reason).unwrap());
    assert_eq!(soon(told.recv()).await, Some(DisconnectReason::TransportClose));
}

/// Puts everybody out, again and again, until it is dropped.
struct Bouncer(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Bouncer {
    fn start(io: &Io) -> Self {
        let (io, going) = (io.clone(), Arc::new(AtomicBool::new(true)));
        let goes_on = going.clone();
        let thread = std::thread::spawn(move || {
            while goes_on.load(Ordering::Relaxed) {
                io.disconnect_sockets(false);
            }
        });
        Self(going, Some(thread))
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_put_out_while_entering_is_told_that_it_came_in_and_went() {
    let io = Io::new();
    let addr = serve(&io).await;
    let bouncer = Bouncer::start(&io);
    for _ in 0..500 {
        let mut peer = Peer::open(addr).await;
        peer.send("0").await;
        peer.granted("0").await;
        assert_eq!(peer.recv().await, "1");
    }
    drop(bouncer);
}

#[tokio::test]
async fn a_socket_put_out_with_a_full_queue_does_not_hold_up_the_other_namespaces() {
    let io = configured(|config| config.max_queued_events = 1);
    let (sender, mut stuck) = mpsc::unbounded_channel();
    io.of("/stuck").on_connect(async move |socket: Socket| {
        let sender = sender.clone();
        socket.on("e", async move |socket: Socket| {
            let _ = sender.send(socket);
            std::future::pending::<()>().await;
        });
    });
    io.on_connect(async |socket: Socket| {
        socket.on("ping", async || "pong");
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send("0/stuck,").await;
    peer.granted("0/stuck,").await;
    peer.send(r#"2/stuck,["e"]"#).await;
    peer.send(r#"2/stuck,["e"]"#).await;
    peer.send(r#"20["ping"]"#).await;
    let socket = soon(stuck.recv()).await.unwrap();
    // The one that is handled is not in the queue; the other is, and fills it.
    while socket.queued_events() == 0 {
        tokio::task::yield_now().await;
    }
    socket.disconnect(false);
    assert_eq!(peer.recv().await, "1/stuck,");
    assert_eq!(peer.recv().await, r#"30["pong"]"#);
}

#[tokio::test]
async fn listeners_and_values_that_come_after_the_end_do_not_leak() {
    let io = Io::new();
    let (sender, mut sockets) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        let _ = sender.send(socket);
    });
    let _peer = Peer::join(serve(&io).await).await;
    let socket = soon(sockets.recv()).await.unwrap();
    socket.disconnect(true);
    let witness = Arc::new(());
    let held = (socket.clone(), witness.clone());
    socket.on("e", async move || drop(held));
    socket.insert((socket.clone(), witness.clone()));
    assert_eq!(Arc::strong_count(&witness), 1, "each held its own socket, for ever");
}
