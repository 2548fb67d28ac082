//! From long-polling to WebSocket (rules 17-18).

use std::time::Duration;

use sio::engine::{CloseReason, Config, Transport};

use crate::client::{Polling, assert_closed, receive};
use crate::rig::{Rig, out, soon};

const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

#[tokio::test]
async fn rule_17_probe_pause_upgrade() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    session.get.send("GET", &session.target, "", "").await;
    let mut socket = session.websocket(rig.addr).await;
    socket.send("2probe").await.unwrap();
    assert_eq!(receive(&mut socket).await, "3probe");
    session.get.answer().await.assert(200, "6");
    session.send("4still here").await;
    assert_eq!(rig.text().await, "still here", "polling goes on until `5`");
    handle.send(out("buffered")).unwrap();
    assert_eq!(handle.transport(), Transport::Polling);
    socket.send("5").await.unwrap();
    assert_eq!(receive(&mut socket).await, "4buffered");
    assert_eq!(handle.transport(), Transport::WebSocket);
    socket.send("4over the socket").await.unwrap();
    assert_eq!(rig.text().await, "over the socket");
    handle.send(out("and back")).unwrap();
    assert_eq!(receive(&mut socket).await, "4and back");
}

#[tokio::test]
async fn rule_17_nothing_is_lost_or_reordered_by_the_upgrade() {
    const COUNT: usize = 2_000;
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    let sending = tokio::spawn(async move {
        for n in 0..COUNT {
            handle.send(out(&n.to_string())).unwrap();
            if n % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut received: Vec<String> = Vec::new();
    let take = |received: &mut Vec<String>, packets: &str| {
        received.extend(
            packets.split('\x1e').filter_map(|packet| packet.strip_prefix('4')).map(str::to_owned),
        );
    };
    take(&mut received, &session.receive().await);
    let mut socket = session.websocket(rig.addr).await;
    socket.send("2probe").await.unwrap();
    take(&mut received, &session.receive().await);
    assert_eq!(receive(&mut socket).await, "3probe");
    socket.send("5").await.unwrap();
    while received.len() < COUNT {
        let packet = receive(&mut socket).await;
        take(&mut received, &packet);
    }
    sending.await.unwrap();
    assert!(received.iter().enumerate().all(|(n, text)| *text == n.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rule_17_many_senders_keep_their_order_across_the_upgrade() {
    const SENDERS: usize = 4;
    const COUNT: usize = 500;
    for _ in 0..10 {
        let mut rig = Rig::start().await;
        let mut session = Polling::open(rig.addr).await;
        let handle = rig.opened().await;
        for sender in 0..SENDERS {
            let handle = handle.clone();
            tokio::spawn(async move {
                for n in 0..COUNT {
                    handle.send(out(&format!("{sender} {n}"))).unwrap();
                    if n % 20 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
        let mut next = [0; SENDERS];
        let mut take = |packets: &str| {
            for packet in packets.split('\x1e').filter_map(|packet| packet.strip_prefix('4')) {
                let (sender, n) = packet.split_once(' ').unwrap();
                let expected = &mut next[sender.parse::<usize>().unwrap()];
                assert_eq!(n.parse::<usize>().unwrap(), *expected);
                *expected += 1;
            }
            next == [COUNT; SENDERS]
        };
        let mut complete = take(&session.receive().await);
        let mut socket = session.upgrade(rig.addr).await;
        while !complete {
            complete = take(&receive(&mut socket).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_ways_end_a_session_at_once_its_handler_is_told_once() {
    for round in 0..50 {
        let mut rig = Rig::start().await;
        let mut session = Polling::open(rig.addr).await;
        let handle = rig.opened().await;
        let mut socket = session.upgrade(rig.addr).await;
        socket.send("4in").await.unwrap();
        assert_eq!(rig.text().await, "in");
        let (closing, engine) = (handle.clone(), rig.engine.clone());
        let server = tokio::spawn(async move { closing.close() });
        let shutdown = tokio::spawn(async move { engine.shutdown(Duration::ZERO).await });
        let _ = socket.send("4close me").await;
        let _ = socket.send(if round % 2 == 0 { "1" } else { "9" }).await;
        drop(socket);
        session.post.send("POST", &session.target, "", "4late").await;
        let _ = soon(session.post.rest()).await;
        let _ = (server.await, soon(shutdown).await);
        rig.closed().await;
        drop(handle);
        rig.assert_quiet();
        assert_eq!(rig.engine.session_count(), 0);
    }
}

#[tokio::test]
async fn rule_18_anything_else_closes_only_the_websocket() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    for wrong in ["5", "4hello", "2", "3probe", "9", ""] {
        let mut socket = session.websocket(rig.addr).await;
        socket.send(wrong).await.unwrap();
        assert_closed(socket).await;
    }
    let mut socket = session.websocket(rig.addr).await;
    socket.send(b"2probe".to_vec()).await.unwrap();
    assert_closed(socket).await;
    session.send("4alive").await;
    assert_eq!(rig.text().await, "alive");
    let mut socket = session.upgrade(rig.addr).await;
    socket.send("4and upgraded after all").await.unwrap();
    assert_eq!(rig.text().await, "and upgraded after all");
}

#[tokio::test]
async fn rule_18_a_probe_that_vanishes_leaves_the_session_alone() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    let mut socket = session.websocket(rig.addr).await;
    socket.send("2probe").await.unwrap();
    assert_eq!(receive(&mut socket).await, "3probe");
    drop(socket);
    session.send("4alive").await;
    assert_eq!(rig.text().await, "alive");
}

#[tokio::test]
async fn rule_18_a_probe_has_limited_time() {
    let mut config = Config::default();
    config.upgrade_timeout = Duration::from_millis(50);
    let mut rig = Rig::with(config).await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    assert_closed(session.websocket(rig.addr).await).await;
    session.send("4alive").await;
    assert_eq!(rig.text().await, "alive");
}

#[tokio::test]
async fn rule_18_a_second_websocket_is_closed() {
    let mut rig = Rig::start().await;
    let session = Polling::open(rig.addr).await;
    rig.opened().await;
    let mut first = session.websocket(rig.addr).await;
    first.send("2probe").await.unwrap();
    assert_eq!(receive(&mut first).await, "3probe");
    assert_closed(session.websocket(rig.addr).await).await;
    first.send("5").await.unwrap();
    first.send("4first").await.unwrap();
    assert_eq!(rig.text().await, "first");
    assert_closed(session.websocket(rig.addr).await).await;
    first.send("4still first").await.unwrap();
    assert_eq!(rig.text().await, "still first");
}

#[tokio::test]
async fn rule_18_polling_after_the_upgrade_is_refused() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    let mut socket = session.upgrade(rig.addr).await;
    socket.send("4upgraded").await.unwrap();
    assert_eq!(rig.text().await, "upgraded");
    session.get.get(&session.target).await.assert(400, BAD_REQUEST);
    session.post.post(&session.target, "4x").await.assert(400, BAD_REQUEST);
    socket.send("4fine").await.unwrap();
    assert_eq!(rig.text().await, "fine");
}

#[tokio::test]
async fn rule_18_closing_during_the_probe_ends_on_the_websocket() {
    let mut rig = Rig::start().await;
    let session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    let mut socket = session.websocket(rig.addr).await;
    socket.send("2probe").await.unwrap();
    assert_eq!(receive(&mut socket).await, "3probe");
    handle.send(out("last")).unwrap();
    handle.close();
    socket.send("5").await.unwrap();
    assert_eq!(receive(&mut socket).await, "4last");
    assert!(matches!(soon(socket.recv()).await, Ok(None)), "closed in order");
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
}

#[tokio::test]
async fn paused_reading_outlives_the_upgrade() {
    let mut rig = Rig::start().await;
    let session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.pause_reading();
    let mut socket = session.upgrade(rig.addr).await;
    socket.send("4held").await.unwrap();
    handle.send(out("meanwhile")).unwrap();
    assert_eq!(receive(&mut socket).await, "4meanwhile");
    rig.assert_quiet();
    handle.resume_reading();
    assert_eq!(rig.text().await, "held");
}
