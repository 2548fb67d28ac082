//! Heartbeat in real time, handles used from inside their handlers, the end of the server, and the connection's place.

use std::sync::Arc;
use std::time::Duration;

use sio::engine::server::{Engine, Fallback, Remote, not_found};
use sio::engine::{CloseReason, Config};
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;

use crate::client::{HANDSHAKE, Http, OPEN, Polling, WEBSOCKET, assert_closed, receive, websocket};
use crate::rig::{Rig, out, soon};

fn hasty() -> Config {
    let mut config = Config::default();
    config.ping_interval = Duration::from_millis(60);
    config.ping_timeout = Duration::from_millis(200);
    config
}

#[tokio::test]
async fn rule_16_pings_that_are_answered_keep_a_session_alive() {
    let mut rig = Rig::with(hasty()).await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    rig.opened().await;
    for _ in 0..5 {
        assert_eq!(receive(&mut socket).await, "2");
        socket.send("3").await.unwrap();
    }
    assert_closed_with_ping_timeout(rig, socket).await;
}

async fn assert_closed_with_ping_timeout(mut rig: Rig, mut socket: ws::WebSocket) {
    assert_eq!(receive(&mut socket).await, "2");
    assert_closed(socket).await;
    assert_eq!(rig.closed().await, CloseReason::PingTimeout);
    rig.assert_quiet();
    assert_eq!(rig.engine.session_count(), 0);
}

#[tokio::test]
async fn rule_16_a_ping_that_finds_no_room_comes_later() {
    let mut config = hasty();
    config.ping_interval = Duration::from_millis(400);
    config.ping_timeout = Duration::from_secs(60);
    config.max_buffered_bytes = 1 << 16;
    let mut rig = Rig::with(config).await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    let handle = rig.opened().await;
    let filler = out(&"x".repeat(1 << 16));
    // Nobody reads: full over the time of the ping and beyond.
    let until = std::time::Instant::now() + Duration::from_millis(600);
    let mut sent = 0;
    while std::time::Instant::now() < until {
        sent += usize::from(handle.send(&filler).is_ok());
        tokio::task::yield_now().await;
    }
    let mut pinged = false;
    while sent > 0 || !pinged {
        match receive(&mut socket).await.as_str() {
            "2" => pinged = true,
            _ => sent -= 1,
        }
    }
}

#[tokio::test]
async fn rule_16_the_heartbeat_of_polling() {
    let mut rig = Rig::with(hasty()).await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    assert_eq!(session.receive().await, "2");
    session.send("3").await;
    assert_eq!(session.receive().await, "2");
    assert_eq!(session.receive().await, "1");
    assert_eq!(rig.closed().await, CloseReason::PingTimeout);
}

#[tokio::test]
async fn a_session_may_be_closed_and_used_from_inside_its_handler() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    rig.opened().await;
    socket.send("4echo hello").await.unwrap();
    assert_eq!(receive(&mut socket).await, "4hello");
    assert_eq!(rig.text().await, "echo hello");
    socket.send("4close me").await.unwrap();
    let _ = socket.send("4too late").await;
    assert_closed(socket).await;
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    rig.assert_quiet();
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    session.send("4echo a\x1e4close me\x1e4too late").await;
    assert_eq!(rig.text().await, "echo a");
    assert_eq!((session.receive().await, session.receive().await), ("4a".into(), "1".into()));
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    rig.assert_quiet();
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_session_and_no_other() {
    let mut rig = Rig::start().await;
    let mut other = websocket(rig.addr, WEBSOCKET).await;
    rig.opened().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    rig.opened().await;
    socket.send("4panic").await.unwrap();
    assert_eq!(rig.closed().await, CloseReason::TransportError);
    let session = Polling::open(rig.addr).await;
    rig.opened().await;
    let mut post = session.post;
    post.send("POST", &session.target, "", "4panic").await;
    assert_eq!(rig.closed().await, CloseReason::TransportError);
    other.send("4fine").await.unwrap();
    assert_eq!(rig.text().await, "fine");
    assert_eq!(rig.engine.session_count(), 1);
}

#[tokio::test]
async fn a_shutdown_tells_everybody_and_opens_no_more() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    rig.opened().await.send(out("last")).unwrap();
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    session.get.send("GET", &session.target, "", "").await;
    session.send("4sync").await;
    assert_eq!(rig.text().await, "sync");
    soon(rig.engine.shutdown(Duration::from_secs(5))).await;
    assert_eq!(rig.engine.session_count(), 0);
    assert_eq!(receive(&mut socket).await, "4last");
    assert_closed(socket).await;
    session.get.answer().await.assert(200, "1");
    assert_eq!(
        (rig.closed().await, rig.closed().await),
        (CloseReason::ForcedClose, CloseReason::ForcedClose)
    );
    rig.assert_quiet();
    let mut rest = Vec::new();
    soon(session.get.stream.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn while_the_server_shuts_down_clients_may_finish_and_nobody_may_begin() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await.send(out("last")).unwrap();
    let engine = rig.engine.clone();
    let shutdown = tokio::spawn(async move { engine.shutdown(Duration::from_secs(60)).await });
    assert_eq!(Http::connect(rig.addr).await.get(OPEN).await.status, 503);
    assert_eq!((session.receive().await, session.receive().await), ("4last".into(), "1".into()));
    soon(shutdown).await.unwrap();
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    assert_eq!(
        Http::connect(rig.addr).await.rest().await,
        "",
        "and then there is nothing to be had"
    );
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_who_does_not_listen() {
    let mut rig = Rig::start().await;
    let _session = Polling::open(rig.addr).await;
    rig.opened().await;
    soon(rig.engine.shutdown(Duration::from_millis(20))).await;
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    assert_eq!(rig.engine.session_count(), 0);
}

struct Told(Option<oneshot::Sender<()>>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

#[tokio::test]
async fn a_websocket_keeps_its_place_among_the_connections() {
    let rig = Rig::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut http = Http::connect(listener.local_addr().unwrap()).await;
    let (stream, _) = listener.accept().await.unwrap();
    let (told, mut dropped) = oneshot::channel();
    let fallback: Fallback = Arc::new(|_| Box::pin(async { not_found() }));
    let engine: Engine = rig.engine.clone();
    let place = std::sync::Mutex::new(Told(Some(told)));
    let serving = tokio::spawn(async move {
        engine.serve_connection(stream, Remote::default(), fallback, place).await
    });
    http.send("GET", WEBSOCKET, HANDSHAKE, "").await;
    assert_eq!(http.answer().await.status, 101);
    serving.await.unwrap();
    assert!(dropped.try_recv().is_err(), "it is a WebSocket now, and still there");
    drop(http);
    soon(dropped).await.unwrap();
}
