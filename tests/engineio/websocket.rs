//! Sessions that start on a WebSocket (rules 11, 13, 16, 19, 20).

use sio::engine::{CloseReason, Config, Outgoing, SendError, Transport};
use ws::CloseCode;

use crate::client::{WEBSOCKET, assert_closed, receive, websocket};
use crate::rig::{Event, Rig, out, soon};

#[tokio::test]
async fn rule_11_the_open_packet_comes_first_and_offers_no_upgrade() {
    let rig = Rig::start().await;
    let mut socket = websocket(rig.addr, &format!("{WEBSOCKET}&greet")).await;
    let open = receive(&mut socket).await;
    assert!(
        open.starts_with(r#"0{"sid":""#) && open.contains(r#""upgrades":[],"pingInterval":25000"#),
        "{open}"
    );
    assert_eq!(receive(&mut socket).await, "4welcome");
}

#[tokio::test]
async fn rule_13_text_and_binary_both_ways() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    let handle = rig.opened().await;
    assert_eq!(handle.transport(), Transport::WebSocket);
    socket.send("4é").await.unwrap();
    assert_eq!(rig.text().await, "é");
    socket.send(vec![1, 2, 3]).await.unwrap();
    assert!(matches!(rig.event().await, Event::Binary(data) if data == [1, 2, 3]));
    socket.send("bAQIDBA==").await.unwrap();
    assert!(
        matches!(rig.event().await, Event::Binary(data) if data == [1, 2, 3, 4]),
        "clients may avoid binary frames"
    );
    handle.send_all(&[out("a"), Outgoing::binary(&[7])]).unwrap();
    assert_eq!(receive(&mut socket).await, "4a");
    let binary = soon(socket.recv()).await.unwrap().unwrap();
    assert_eq!((binary.as_text(), binary.as_bytes()), (None, &[7][..]));
}

#[tokio::test]
async fn rule_13_one_byte_too_many_is_1009_and_ends_the_session() {
    let mut config = Config::default();
    config.max_payload = 100;
    let mut rig = Rig::with(config).await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    rig.opened().await;
    socket.send("4".repeat(100)).await.unwrap();
    assert_eq!(rig.text().await.len(), 99);
    socket.send("4".repeat(101)).await.unwrap();
    let end = soon(socket.recv()).await;
    assert!(matches!(end, Ok(None) | Err(_)), "{end:?}");
    assert_eq!(
        socket.sender().report().and_then(|report| report.code()),
        Some(CloseCode::MESSAGE_TOO_BIG)
    );
    assert_eq!(rig.closed().await, CloseReason::TransportError);
}

#[tokio::test]
async fn rules_16_and_20_what_a_client_may_not_send_ends_the_session() {
    for (packet, reason) in [
        ("2", CloseReason::TransportError),
        ("2probe", CloseReason::TransportError),
        ("1", CloseReason::TransportClose),
        ("", CloseReason::ParseError),
        ("7", CloseReason::ParseError),
        ("b*", CloseReason::ParseError),
    ] {
        let mut rig = Rig::start().await;
        let mut socket = websocket(rig.addr, WEBSOCKET).await;
        receive(&mut socket).await;
        rig.opened().await;
        socket.send(packet).await.unwrap();
        assert_closed(socket).await;
        assert_eq!(rig.closed().await, reason, "{packet:?}");
        assert_eq!(rig.engine.session_count(), 0);
    }
}

#[tokio::test]
async fn rules_16_and_19_unsolicited_pongs_and_noops_are_harmless() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    rig.opened().await;
    for packet in ["3", "3", "6", "5", "0", "4alive"] {
        socket.send(packet).await.unwrap();
    }
    assert_eq!(rig.text().await, "alive");
}

#[tokio::test]
async fn rule_20_a_websocket_that_ends_is_a_transport_close() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    let handle = rig.opened().await;
    socket.close(CloseCode::NORMAL, "").await;
    assert_eq!(rig.closed().await, CloseReason::TransportClose);
    assert_eq!(handle.send(out("late")), Err(SendError::Closed));
    let socket = websocket(rig.addr, WEBSOCKET).await;
    rig.opened().await;
    drop(socket);
    assert_eq!(rig.closed().await, CloseReason::TransportClose);
    rig.assert_quiet();
}

#[tokio::test]
async fn rule_19_the_server_closes_after_what_it_sent() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    receive(&mut socket).await;
    let handle = rig.opened().await;
    handle.send(out("last")).unwrap();
    handle.close();
    assert_eq!(handle.send(out("late")), Err(SendError::Closed));
    assert_eq!(receive(&mut socket).await, "4last");
    assert!(matches!(soon(socket.recv()).await, Ok(None)), "closed in order");
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
}

#[tokio::test]
async fn what_waits_for_a_client_is_bounded() {
    let mut config = Config::default();
    config.max_buffered_bytes = 1 << 20;
    let mut rig = Rig::with(config).await;
    // A client that does not read.
    let _socket = websocket(rig.addr, WEBSOCKET).await;
    let handle = rig.opened().await;
    let message = out(&"x".repeat(100_000));
    let sent = (0..10_000).map(|_| handle.send(&message)).find(Result::is_err);
    assert_eq!(sent, Some(Err(SendError::Full)));
    assert!(handle.buffered_bytes() < 2 << 20);
}
