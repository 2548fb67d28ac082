//! One HTTP connection through its life: in and out of hyper's hands, whatever comes when.

use std::time::Duration;

use sio::engine::{CloseReason, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{HANDSHAKE, Http, OPEN, Polling};
use crate::rig::{Rig, out, soon};

/// Waits until the session's GET waits.
async fn waits(handle: &sio::engine::server::Handle) {
    soon(async {
        while !handle.is_writable() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // And its connection has been put aside.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_serves_one_get_after_the_other_at_once_and_after_waiting() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    for round in 0..50 {
        let text = format!("message {round}");
        if round % 3 == 0 {
            handle.send(out(&text)).unwrap();
            assert_eq!(client.receive().await, format!("4{text}"));
        } else {
            client.get.send("GET", &client.target, "", "").await;
            waits(&handle).await;
            handle.send(out(&text)).unwrap();
            let answer = client.get.answer().await;
            answer.assert(200, &format!("4{text}"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
            assert!(answer.header("date").is_some());
        }
        client.send(&format!("4echo {text}")).await;
        assert_eq!(client.receive().await, format!("4{text}"));
        rig.text().await;
    }
}

#[tokio::test]
async fn what_comes_behind_a_get_that_waits_is_answered_after_it() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    // In one write with it, and later.
    let again = format!("GET {OPEN} HTTP/1.1\r\nHost: test\r\n\r\n");
    let get = format!("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", client.target);
    client.get.write(format!("{get}{again}")).await;
    waits(&handle).await;
    client.get.write(&again[..20]).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    handle.send(out("first")).unwrap();
    client.get.answer().await.assert(200, "4first");
    assert!(client.get.answer().await.body.starts_with('0'));
    client.get.write(&again[20..]).await;
    assert!(client.get.answer().await.body.starts_with('0'));
}

#[tokio::test]
async fn a_flood_behind_a_get_that_waits_is_not_read() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    client.get.send("GET", &client.target, "", "").await;
    waits(&handle).await;
    let (mut read, mut write) = client.get.stream.into_split();
    let flood = tokio::spawn(async move {
        let requests = format!("GET {OPEN} HTTP/1.1\r\nHost: test\r\n\r\n").repeat(1000);
        let mut written = 0;
        // Ends when the server reads no more, and the system's buffers are full.
        while tokio::time::timeout(Duration::from_millis(200), write.write_all(requests.as_bytes()))
            .await
            .is_ok_and(|result| result.is_ok())
        {
            written += requests.len();
            assert!(written < 64 << 20, "the server reads all of it");
        }
        write
    });
    let _write = soon(flood).await.unwrap();
    handle.send(out("still here")).unwrap();
    let mut head = vec![0; 15];
    soon(read.read_exact(&mut head)).await.unwrap();
    assert_eq!(head, b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_request_cut_at_every_byte_is_the_same_request() {
    let rig = Rig::start().await;
    let request = format!("GET {OPEN} HTTP/1.1\r\nHost: test\r\nX-A: b\r\n\r\n");
    for cut in 1..request.len() {
        let mut http = Http::connect(rig.addr).await;
        // The second request of a connection comes after it was idle.
        for _ in 0..2 {
            http.write(&request[..cut]).await;
            tokio::task::yield_now().await;
            http.write(&request[cut..]).await;
            assert_eq!(http.answer().await.status, 200, "{cut}");
        }
    }
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_no_request() {
    let rig = Rig::start().await;
    let smuggled = format!("GET {OPEN} HTTP/1.1\r\nHost: test\r\n\r\n");
    for target in
        ["/elsewhere".to_owned(), OPEN.to_owned(), format!("{OPEN}&sid=AAAAAAAAAAAAAAAAAAAA")]
    {
        let mut http = Http::connect(rig.addr).await;
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n",
            smuggled.len()
        );
        http.write(head).await;
        let refused = http.answer().await;
        assert!(refused.status >= 400, "{refused:?}");
        http.write(&smuggled).await;
        let _ = http.stream.shutdown().await;
        assert_eq!(http.rest().await, "", "{target}");
    }
    assert_eq!(rig.engine.session_count(), 0);
}

#[tokio::test]
async fn a_get_of_a_client_that_keeps_no_connection_alive_ends_it() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    client.get.send("GET", &client.target, "Connection: close\r\n", "").await;
    waits(&handle).await;
    handle.send(out("bye")).unwrap();
    client.get.answer().await.assert(200, "4bye");
    assert_eq!(client.get.rest().await, "");
    let mut http = Http::connect(rig.addr).await;
    http.write(format!("GET {} HTTP/1.0\r\nHost: test\r\n\r\n", client.target)).await;
    waits(&handle).await;
    handle.send(out("old")).unwrap();
    assert!(http.rest().await.ends_with("4old"));
}

#[tokio::test]
async fn rule_8_a_client_that_leaves_its_waiting_get_has_left() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    client.get.send("GET", &client.target, "", "").await;
    waits(&handle).await;
    drop(client.get);
    assert_eq!(rig.closed().await, CloseReason::TransportError);
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_while() {
    let mut config = Config::default();
    config.header_timeout = Duration::from_millis(50);
    let rig = Rig::with(config).await;
    let mut http = Http::connect(rig.addr).await;
    assert_eq!(http.get(OPEN).await.status, 200);
    assert_eq!(http.rest().await, "", "and no longer");
    let mut http = Http::connect(rig.addr).await;
    assert_eq!(http.rest().await, "", "nor if it never asks");
    // Half a request behind a whole one.
    let mut http = Http::connect(rig.addr).await;
    http.write(format!("GET {OPEN} HTTP/1.1\r\nHost: test\r\n\r\nGET /")).await;
    assert_eq!(http.answer().await.status, 200);
    http.rest().await;
}

#[tokio::test]
async fn rule_4_an_upgrade_to_elsewhere_is_answered_and_ends() {
    let rig = Rig::start().await;
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", "/elsewhere", HANDSHAKE, "").await;
    let answer = http.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));
    assert_eq!(http.rest().await, "");
}

#[tokio::test]
async fn an_answer_larger_than_what_the_system_takes_arrives_whole() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    client.get.send("GET", &client.target, "", "").await;
    waits(&handle).await;
    let text = "x".repeat(20 << 20);
    handle.send(out(&text)).unwrap();
    let answer = client.get.answer().await;
    assert!(answer.status == 200 && answer.body.len() == text.len() + 1);
    client.send("4echo on").await;
    assert_eq!(client.receive().await, "4on");
}

#[tokio::test]
async fn a_connection_that_is_reset_costs_nobody_else() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    rig.opened().await;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(rig.addr).await.unwrap();
        stream.set_zero_linger().unwrap();
        stream
            .write_all(b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: t")
            .await
            .unwrap();
    }
    client.send("4echo on").await;
    assert_eq!(client.receive().await, "4on");
}
