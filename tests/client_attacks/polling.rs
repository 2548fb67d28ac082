//! Polling sessions that go wrong once they are open.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sio::client::{DisconnectReason, Socket, Transport};

use crate::memory::Meter;
use crate::server::{Reply, joined, ok, polling, serve, status};
use crate::support::{OPEN, client, configured, soon};

async fn connect(addr: std::net::SocketAddr) -> Socket {
    let config = configured(|config| {
        config.reconnection.enabled = false;
        config.engine.max_message_size = 64 << 10;
    });
    let builder = client(addr).config(config).transports([Transport::Polling]);
    soon(builder.connect()).await.unwrap()
}

/// Each ping once had a pong of its own among what waits, though one tells the server as much as a million.
#[tokio::test]
async fn pings_without_number_are_answered_by_one_pong() {
    let pings = "2\u{1e}".repeat(100_000);
    let pings = pings.trim_end_matches('\u{1e}').to_owned();
    let gets = AtomicUsize::new(0);
    let (addr, _) = polling(move |line| match line.starts_with("GET") {
        true if gets.fetch_add(1, Ordering::Relaxed) < 3 => Reply::Bytes(ok(&pings)),
        // And nothing that the client sends is taken.
        _ => Reply::Nothing,
    })
    .await;
    let meter = Meter::start();
    let socket = connect(addr).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(meter.peak() < 3_000_000, "{}", meter.peak());
    assert!(socket.buffered_bytes() < 100, "{}", socket.buffered_bytes());
    assert!(socket.connected());
}

/// It once asked again at once, tens of thousands of times in each second.
#[tokio::test]
async fn answers_without_a_packet_do_not_make_it_run() {
    for nothing in ["6", "", "6\u{1e}6"] {
        let (addr, requests) = joined(move || Reply::Bytes(ok(nothing))).await;
        let socket = connect(addr).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let requests = requests.load(Ordering::Relaxed);
        assert!(requests < 100, "{requests} for {nothing:?}");
        assert!(socket.connected());
    }
}

#[tokio::test]
async fn what_is_no_payload_ends_the_session() {
    let endless = || {
        let chunk = format!("2000\r\n{}\r\n", "4x".repeat(0x1000));
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Reply::Endless(head.into(), chunk.into_bytes())
    };
    type Answer = fn() -> Reply;
    let parse: [Answer; 5] = [
        || Reply::Bytes(ok("<html>")),
        || Reply::Bytes(ok([0xff])),
        || Reply::Bytes(ok("49")),
        || Reply::Bytes(ok("b!!!")),
        || Reply::Bytes(ok("\u{1e}")),
    ];
    let transport: [Answer; 4] = [
        || Reply::Bytes(status("400 Bad Request", "", "")),
        || Reply::Bytes(status("302 Found", "Location: /\r\n", "")),
        || Reply::Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n4".to_vec()),
        || Reply::Cut(Vec::new()),
    ];
    let parse = parse.map(|answer| (answer, DisconnectReason::ParseError));
    let transport = transport.map(|answer| (answer, DisconnectReason::TransportError));
    for (answer, reason) in parse.into_iter().chain(transport) {
        let (addr, _) = joined(answer).await;
        assert_eq!(soon(connect(addr).await.closed()).await, reason);
    }
    let (addr, _) = joined(endless).await;
    let meter = Meter::start();
    let reason = soon(connect(addr).await.closed()).await;
    assert_eq!(reason, DisconnectReason::TransportError);
    assert!(meter.peak() < 1_200_000, "{}", meter.peak());
}

#[tokio::test]
async fn a_post_that_is_not_taken_ends_the_session() {
    for answer in [
        None,
        Some(status("413 Payload Too Large", "", "")),
        Some(status("400 Bad Request", "", "")),
    ] {
        let late = answer.is_none();
        let (addr, _) = polling(move |line| match &answer {
            Some(answer) if line.starts_with("POST") => Reply::Bytes(answer.clone()),
            _ => Reply::Nothing,
        })
        .await;
        let config = configured(|config| {
            config.reconnection.enabled = false;
            config.engine.request_timeout = Duration::from_millis(200);
        });
        let builder = client(addr).config(config).transports([Transport::Polling]);
        let socket = soon(builder.connect()).await.unwrap();
        let answer = socket.emit_with_ack::<()>("e", ());
        assert_eq!(soon(socket.closed()).await, DisconnectReason::TransportError, "{late}");
        assert!(soon(answer).await.is_err());
    }
}

/// The WebSocket that a session could move to answers 101 and then nothing, or nothing at all.
#[tokio::test]
async fn a_probe_that_is_not_answered_leaves_the_session_where_it_is() {
    for silent in [true, false] {
        let gets = AtomicUsize::new(0);
        let (addr, _) = polling(move |line| match line.split_once(' ').unwrap().0 {
            "POST" => Reply::Bytes(ok("ok")),
            _ if line.contains("transport=websocket") && !silent => {
                Reply::Bytes(status("302 Found", "", ""))
            }
            _ if line.contains("transport=websocket") => Reply::Nothing,
            _ => match gets.fetch_add(1, Ordering::Relaxed) {
                0 => Reply::Bytes(ok(r#"42["e",1]"#)),
                _ => Reply::Nothing,
            },
        })
        .await;
        let config =
            configured(|config| config.engine.upgrade_timeout = Duration::from_millis(100));
        let builder = client(addr).config(config).keep_events();
        let builder = builder.transports([Transport::Polling, Transport::WebSocket]);
        let socket = soon(builder.connect()).await.unwrap();
        assert_eq!(soon(socket.next()).await.unwrap().name(), "e");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(socket.connected() && socket.transport() == Some(Transport::Polling));
    }
}

/// The reference client encodes them, too.
#[tokio::test]
async fn a_session_id_of_any_form_stays_within_its_parameter() {
    let open = OPEN.replace("abc", r"a b&c\r\nX: y#é");
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let (addr, _) = serve(move |_, line| {
        if !line.contains("sid=") {
            return Reply::Bytes(ok(&open));
        }
        let _ = told.send(line.to_owned());
        Reply::Nothing
    })
    .await;
    let builder = client(addr).transports([Transport::Polling]);
    let _socket = builder.start().unwrap();
    let line = soon(tells.recv()).await.unwrap();
    assert!(line.ends_with("&sid=a%20b%26c%0D%0AX%3A%20y%23%C3%A9 HTTP/1.1"), "{line}");
}
