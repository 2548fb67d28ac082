//! Sessions that do not begin as they should.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sio::client::{Config, ConnectError, Transport};
use sio::engine::client::{ConnectError as SessionError, HttpError};

use crate::memory::Meter;
use crate::server::{Reply, ok, serve, status};
use crate::support::{OPEN, client, configured, scripted, soon};

fn hasty(change: impl FnOnce(&mut Config)) -> Config {
    configured(|config| {
        config.timeout = Duration::from_millis(500);
        config.engine.open_timeout = Duration::from_millis(300);
        change(config);
    })
}

async fn refusal(addr: SocketAddr, way: Transport) -> ConnectError {
    let builder = client(addr).config(hasty(|_| ())).transports([way]);
    let begun = Instant::now();
    let error = soon(builder.connect()).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2), "{error}");
    error
}

#[tokio::test]
async fn whatever_answers_a_first_poll_is_told() {
    let open = |change: &str, to: &str| {
        assert!(OPEN.contains(change));
        ok(OPEN.replace(change, to))
    };
    let table: Vec<(Vec<u8>, &str)> = vec![
        (ok("<html>Please log in to the network</html>"), "open packet"),
        (ok(""), "open packet"),
        (ok([0xff, 0xfe, 0]), "open packet"),
        (ok("2"), "open packet"),
        (open("25000", "\"25000\""), "open packet"),
        (open("25000", "-1"), "open packet"),
        (open("25000", "1e400"), "open packet"),
        (open("25000", "0"), "open packet"),
        (open("[]", "[5]"), "open packet"),
        (open("[]", "null"), "open packet"),
        (open("abc", ""), "open packet"),
        (open("abc", &"a".repeat(100_000)), "open packet"),
        (status("301 Moved Permanently", "Location: http://a.test/\r\n", ""), "301"),
        (status("307 Temporary Redirect", "Location: /x\r\n", ""), "307"),
        (status("401 Unauthorized", "", "who are you?"), "who are you?"),
        (
            status("400 Bad Request", "", r#"{"code":5,"message":"Unsupported protocol version"}"#),
            "Unsupported",
        ),
        (status("204 No Content", "", ""), "204"),
        (status("503 Service Unavailable", "Retry-After: 5\r\n", "later"), "503"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), "HTTP failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n".to_vec(), "HTTP failed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(), "can't be read"),
    ];
    for (answer, expected) in table {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(120)]).into_owned();
        let (addr, _) = serve(move |_, _| Reply::Bytes(answer.clone())).await;
        let error = refusal(addr, Transport::Polling).await;
        assert!(error.to_string().contains(expected), "{shown}: {error}");
    }
}

#[tokio::test]
async fn what_breaks_off_is_told() {
    for cut in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n0{"] {
        let (addr, _) = serve(move |_, _| Reply::Cut(cut.into())).await;
        let error = refusal(addr, Transport::Polling).await;
        let http = matches!(error, ConnectError::Session(SessionError::Http(_)));
        assert!(http, "{cut}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_or_slow_is_given_up() {
    let (silent, _) = serve(|_, _| Reply::Nothing).await;
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n0{".to_vec();
    let (half, _) = serve(move |_, _| Reply::Endless(head.clone(), Vec::new())).await;
    for addr in [silent, half] {
        let error = refusal(addr, Transport::Polling).await;
        assert!(matches!(error, ConnectError::Session(SessionError::Timeout(_))), "{error:?}");
    }
    // 101, and then nothing.
    let (addr, _heard) = scripted(&[]).await;
    let error = refusal(addr, Transport::WebSocket).await;
    assert!(matches!(error, ConnectError::Session(SessionError::Timeout(_))), "{error:?}");
}

#[tokio::test]
async fn redirects_of_a_websocket_are_told_and_not_followed() {
    let (addr, requests) =
        serve(|_, _| Reply::Bytes(status("302 Found", "Location: ws://a.test/secret\r\n", "")))
            .await;
    let error = refusal(addr, Transport::WebSocket).await;
    assert!(error.to_string().contains("302"), "{error}");
    assert_eq!(requests.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn bodies_without_end_are_bounded_in_time_and_memory() {
    let chunked = |status: &str| {
        format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes()
    };
    let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000)).into_bytes();
    for (line, bound, what) in
        [("200 OK", 600_000, "can't be read"), ("400 Bad Request", 300_000, "400")]
    {
        let (head, piece) = (chunked(line), chunk.clone());
        let (addr, _) = serve(move |_, _| Reply::Endless(head.clone(), piece.clone())).await;
        let config = hasty(|config| {
            config.engine.max_message_size = 64 << 10;
            config.engine.open_timeout = Duration::from_secs(10);
            config.timeout = Duration::from_secs(10);
        });
        let meter = Meter::start();
        let builder = client(addr).config(config).transports([Transport::Polling]);
        let error = soon(builder.connect()).await.unwrap_err();
        assert!(meter.peak() < bound, "{line}: {}", meter.peak());
        assert!(error.to_string().contains(what), "{line}: {error}");
    }
    let (addr, _) =
        serve(|_, _| Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(1000)))
            .await;
    let meter = Meter::start();
    let error = refusal(addr, Transport::Polling).await;
    assert!(
        matches!(error, ConnectError::Session(SessionError::Http(HttpError::Io(_)))),
        "{error:?}"
    );
    assert!(meter.peak() < 1_000_000, "{}", meter.peak());
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_told_of() {
    for way in ["1", "2"] {
        let open = OPEN.replace("1000000", way);
        let (addr, _heard) = scripted(&[&open]).await;
        let builder = client(addr).config(hasty(|_| ())).auth(async || serde_json::json!({}));
        let error = soon(builder.connect()).await.unwrap_err();
        assert!(error.to_string().contains("large"), "{error}");
    }
}
