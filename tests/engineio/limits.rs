//! What one address may have, and how fast a client may send.

use std::net::IpAddr;

use sio::engine::{CloseReason, Config, Network, RateLimit};
use tokio::io::AsyncReadExt;

use crate::client::{HANDSHAKE, Http, OPEN, Polling, WEBSOCKET, receive, websocket};
use crate::rig::{Rig, soon};

/// Loopback is not exempt, as if it were the Internet.
fn strict(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    config.addresses.exempt = Vec::new();
    change(&mut config);
    config
}

#[tokio::test]
async fn sessions_per_address_are_limited_and_come_back() {
    let mut rig = Rig::with(strict(|config| config.addresses.max_sessions = 2)).await;
    let _first = Polling::open(rig.addr).await;
    let _second = websocket(rig.addr, WEBSOCKET).await;
    Http::connect(rig.addr)
        .await
        .get(OPEN)
        .await
        .assert(429, r#"{"code":3,"message":"Too many requests"}"#);
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", WEBSOCKET, HANDSHAKE, "").await;
    assert_eq!(http.answer().await.status, 429);
    rig.opened().await.close();
    let _handle = rig.opened().await;
    // The first one waits for a GET to be told; the place is free once it has been.
    let mut first = _first;
    assert_eq!(first.receive().await, "1");
    rig.closed().await;
    let _third = Polling::open(rig.addr).await;
}

#[tokio::test]
async fn handshakes_that_fail_take_no_place() {
    let rig = Rig::with(strict(|config| config.addresses.max_sessions = 1)).await;
    let mut http = Http::connect(rig.addr).await;
    for _ in 0..5 {
        assert_eq!(http.get("/engine.io/?EIO=3&transport=polling").await.status, 400);
    }
    for _ in 0..5 {
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", WEBSOCKET, &HANDSHAKE.replace("13", "12"), "").await;
        assert_eq!(http.answer().await.status, 426);
    }
    assert_eq!(http.get(OPEN).await.status, 200);
}

#[tokio::test]
async fn addresses_that_are_not_of_the_internet_are_exempt() {
    let mut config = Config::default();
    config.addresses.max_sessions = 1;
    let rig = Rig::with(config).await;
    let _first = Polling::open(rig.addr).await;
    let _second = Polling::open(rig.addr).await;
}

#[tokio::test]
async fn handshakes_per_address_have_a_rate() {
    let slow = strict(|config| config.addresses.handshakes = Some(RateLimit::new(1, 3)));
    let rig = Rig::with(slow).await;
    let mut http = Http::connect(rig.addr).await;
    for _ in 0..3 {
        assert_eq!(http.get(OPEN).await.status, 200);
    }
    assert_eq!(http.get(OPEN).await.status, 429);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_of_the_client_counts() {
    let mut rig = Rig::with(strict(|config| {
        config.addresses.max_sessions = 1;
        config.addresses.trusted_proxies = vec!["127.0.0.0/8".parse::<Network>().unwrap()];
    }))
    .await;
    for (forwarded, status) in [
        ("8.8.8.8", 200),
        ("8.8.8.8", 429),
        ("6.6.6.6, 8.8.8.8", 429),
        ("6.6.6.6", 200),
        ("", 200),
        ("", 200),
    ] {
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", OPEN, &format!("X-Forwarded-For: {forwarded}\r\n"), "").await;
        assert_eq!(http.answer().await.status, status, "{forwarded}");
    }
    let client: IpAddr = "8.8.8.8".parse().unwrap();
    assert_eq!(rig.opened().await.request().client_ip, Some(client));
}

#[tokio::test]
async fn a_client_that_sends_too_many_packets_loses_its_session() {
    let mut config = Config::default();
    config.packet_rate = Some(RateLimit::new(1, 5));
    let mut rig = Rig::with(config).await;

    let mut client = Polling::open(rig.addr).await;
    rig.opened().await;
    client.send("4a\x1e4b\x1e4c").await;
    let answer = client.post.post(&client.target, "4d\x1e4e\x1e4f").await;
    answer.assert(429, r#"{"code":3,"message":"Too many requests"}"#);
    for text in ["a", "b", "c", "d", "e"] {
        assert_eq!(rig.text().await, text);
    }
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);

    // Packets that are no messages count, too.
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    rig.opened().await;
    receive(&mut socket).await;
    for _ in 0..6 {
        socket.send("3").await.unwrap();
    }
    let end = soon(socket.recv()).await;
    assert!(end.is_ok(), "{end:?}");
    let report = socket.sender().report().expect("it has ended");
    assert_eq!(report.received.map(|frame| frame.code), Some(ws::CloseCode::POLICY_VIOLATION));
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    rig.assert_quiet();
}

#[tokio::test]
async fn a_refusal_for_want_of_room_ends_the_connection() {
    let rig = Rig::with(strict(|config| config.addresses.max_sessions = 1)).await;
    let _first = Polling::open(rig.addr).await;
    let mut http = Http::connect(rig.addr).await;
    assert_eq!(http.get(OPEN).await.header("connection"), Some("close"));
    let mut rest = Vec::new();
    soon(http.stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
}
