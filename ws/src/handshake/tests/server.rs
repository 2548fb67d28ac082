//! The server's answer to handshakes, legal and not.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::*;

/// `REQUEST` with a line replaced; an empty `with` takes the line away.
fn edited(line: &str, with: &str) -> String {
    let lines = REQUEST.split_inclusive("\r\n");
    assert_eq!(lines.clone().filter(|found| found.starts_with(line)).count(), 1, "{line}");
    lines.map(|found| if found.starts_with(line) { with } else { found }).collect()
}

#[test]
fn malformed_handshakes_get_the_status_that_says_why() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let long = |len| "x".repeat(len);
    let cases: Vec<(&str, u16, String)> = vec![
        // The request line.
        ("a method we don't take", 405, edited("GET", "POST /chat HTTP/1.1\r\n")),
        ("HEAD", 405, edited("GET", "HEAD /chat HTTP/1.1\r\n")),
        ("CONNECT", 405, edited("GET", "CONNECT a.test:80 HTTP/1.1\r\n")),
        ("HTTP/1.0", 505, edited("GET", "GET /chat HTTP/1.0\r\n")),
        ("HTTP/2.0", 505, edited("GET", "GET /chat HTTP/2.0\r\n")),
        ("HTTP/1.2", 505, edited("GET", "GET /chat HTTP/1.2\r\n")),
        ("the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()),
        ("no version", 400, edited("GET", "GET /chat\r\n")),
        ("a version that is none", 400, edited("GET", "GET /chat HTTX/1.1\r\n")),
        ("a target that http::Uri refuses", 400, edited("GET", "GET /< HTTP/1.1\r\n")),
        ("a target with a fragment", 400, edited("GET", "GET /chat#a HTTP/1.1\r\n")),
        ("asterisk form", 400, edited("GET", "GET * HTTP/1.1\r\n")),
        ("authority form", 400, edited("GET", "GET a.test:80 HTTP/1.1\r\n")),
        ("two spaces", 400, edited("GET", "GET  /chat HTTP/1.1\r\n")),
        ("no method", 400, edited("GET", " /chat HTTP/1.1\r\n")),
        ("a long target", 414, edited("GET", &format!("GET /{} HTTP/1.1\r\n", long(8192)))),
        ("a first line without an end", 414, long(20_000)),
        ("TLS", 400, "\x16\x03\x01\x02\x00\x01".into()),
        ("two empty lines first", 400, format!("\r\n\r\n{REQUEST}")),
        // Lines.
        ("bare LF", 400, REQUEST.replace("\r\n", "\n")),
        ("one bare LF", 400, edited("Host", "Host: server.example.com\n")),
        ("one bare CR", 400, edited("Host", "Host: server.example.com\rX: y\r\n")),
        ("NUL", 400, edited("Host", "Host: server.example.com\0\r\n")),
        ("a folded line", 400, edited("Host", "Host: server.example.com\r\n X: y\r\n")),
        ("a space before the colon", 400, edited("Host", "Host : server.example.com\r\n")),
        ("a line without a colon", 400, edited("Host", "Host: server.example.com\r\nX\r\n")),
        ("an empty name", 400, edited("Host", "Host: server.example.com\r\n: y\r\n")),
        ("a header flood", 431, edited("Host", &"A: b\r\n".repeat(65))),
        ("a long header", 431, edited("Host", &format!("Host: {}\r\n", long(17_000)))),
        ("long headers", 431, edited("Host", &format!("A: {}\r\n", long(1000)).repeat(17))),
        // Host.
        ("no host", 400, edited("Host", "")),
        (
            "two hosts",
            400,
            edited("Host", "Host: server.example.com\r\nHost: server.example.com\r\n"),
        ),
        ("an empty host", 400, edited("Host", "Host:\r\n")),
        ("a host with a user", 400, edited("Host", "Host: a@server.example.com\r\n")),
        ("a host with a path", 400, edited("Host", "Host: server.example.com/x\r\n")),
        ("a host with a bad port", 400, edited("Host", "Host: server.example.com:99999\r\n")),
        ("two hosts in one line", 400, edited("Host", "Host: server.example.com, a b\r\n")),
        // A body.
        ("a length", 400, edited("Upgrade", "Upgrade: websocket\r\nContent-Length: 5\r\n")),
        (
            "a length that is none",
            400,
            edited("Upgrade", "Upgrade: websocket\r\nContent-Length: x\r\n"),
        ),
        ("chunks", 400, edited("Upgrade", "Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n")),
        // Upgrade, Connection and version.
        ("no Upgrade", 426, edited("Upgrade", "")),
        ("another Upgrade", 426, edited("Upgrade", "Upgrade: h2c\r\n")),
        ("a longer Upgrade", 426, edited("Upgrade", "Upgrade: websocket2\r\n")),
        ("no Connection", 426, edited("Connection", "")),
        ("another Connection", 426, edited("Connection", "Connection: keep-alive\r\n")),
        ("a longer Connection", 426, edited("Connection", "Connection: not-upgrade\r\n")),
        ("no version", 426, edited("Sec-WebSocket-Version", "")),
        ("an old version", 426, edited("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n")),
        (
            "a version list",
            426,
            edited("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8\r\n"),
        ),
        (
            "two versions",
            426,
            edited("Sec-WebSocket-Version", &"Sec-WebSocket-Version: 13\r\n".repeat(2)),
        ),
        ("013", 426, edited("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013\r\n")),
        // The key.
        ("no key", 400, edited("Sec-WebSocket-Key", "")),
        ("two keys", 400, edited("Sec-WebSocket-Key", &key.repeat(2))),
        ("an empty key", 400, edited("Sec-WebSocket-Key", "Sec-WebSocket-Key:\r\n")),
        (
            "a short key",
            400,
            edited("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"),
        ),
        (
            "a long key",
            400,
            edited("Sec-WebSocket-Key", &format!("Sec-WebSocket-Key: {}\r\n", long(64))),
        ),
        // Subprotocols and origin.
        ("an empty list", 400, edited("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: ,\r\n")),
        ("no token", 400, edited("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: a b\r\n")),
        (
            "a name twice",
            400,
            edited("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: a, b, a\r\n"),
        ),
        ("another origin", 403, edited("Origin", "Origin: http://evil.test\r\n")),
        ("an origin that is none", 403, edited("Origin", "Origin: server.example.com\r\n")),
        ("the null origin", 403, edited("Origin", "Origin: null\r\n")),
        ("two origins", 400, edited("Origin", &"Origin: http://server.example.com\r\n".repeat(2))),
    ];
    for (what, status, request) in cases {
        let response =
            answer_whole(request.as_bytes()).unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(response.status(), status, "{what}");
        let headers = response.headers();
        let of = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
        assert!(headers.contains_key(header::CONTENT_LENGTH), "{what}");
        match status {
            405 => assert_eq!(of(header::ALLOW), Some(b"GET".as_slice()), "{what}"),
            426 => {
                assert_eq!(of(header::UPGRADE), Some(b"websocket".as_slice()), "{what}");
                assert_eq!(of(header::CONNECTION), Some(b"Upgrade, close".as_slice()), "{what}");
            }
            _ => assert_eq!(of(header::CONNECTION), Some(b"close".as_slice()), "{what}"),
        }
        let about_version = what.contains("version") && status == 426 || what == "013";
        assert_eq!(
            of(header::SEC_WEBSOCKET_VERSION),
            about_version.then_some(b"13".as_slice()),
            "{what}"
        );
        // However it arrives, the answer is the same.
        let trickled = answer_trickled(request.as_bytes()).map(|response| response.status());
        assert_eq!(trickled, Some(response.status()), "{what}, byte by byte");
        for at in 0..=request.len().min(400) {
            let cut = answer_cut(request.as_bytes(), at).map(|response| response.status());
            assert_eq!(cut, Some(response.status()), "{what}, cut at {at}");
        }
    }
}

#[test]
fn unusual_but_legal_handshakes_are_taken() {
    for (what, request) in [
        ("the RFC's own", REQUEST.to_owned()),
        ("an empty line first", format!("\r\n{REQUEST}")),
        ("token lists", edited("Connection", "Connection: keep-alive, Upgrade\r\n")),
        (
            "lists over several lines",
            edited("Connection", "Connection: keep-alive\r\nConnection:, uPgRaDe,\r\n"),
        ),
        ("another protocol too", edited("Upgrade", "Upgrade: h2c, WebSocket\r\n")),
        ("a length of nothing", edited("Upgrade", "Upgrade: websocket\r\nContent-Length: 0\r\n")),
        ("no origin", edited("Origin", "")),
        ("no subprotocol", edited("Sec-WebSocket-Protocol", "")),
        ("absolute form", edited("GET", "GET http://server.example.com/chat HTTP/1.1\r\n")),
        ("a query", edited("GET", "GET /?a=b&c=%20 HTTP/1.1\r\n")),
        ("spaces around values", edited("Upgrade", "Upgrade: \t websocket \t\r\n")),
        ("bytes that aren't ASCII", edited("Upgrade", "Upgrade: websocket\r\nX-Name: \u{fc}\r\n")),
        ("as many headers as may be", edited("Origin", &"A: b\r\n".repeat(64 - 6))),
        (
            "a first line as long as may be",
            edited("GET", &format!("GET /{} HTTP/1.1\r\n", "x".repeat(8192 - 14))),
        ),
    ] {
        let response =
            answer_trickled(request.as_bytes()).unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(response.status(), 101, "{what}");
        assert_eq!(
            response.headers()[header::SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "{what}"
        );
    }
}

fn upgrade(request: &str) -> Upgrade {
    let (request, _) = HeadReader::default().request(request.as_bytes()).unwrap().unwrap();
    check(&request).unwrap()
}

#[test]
fn the_upgrade_knows_what_the_client_asked_for() {
    let request =
        edited("Origin", "Origin: http://server.example.com\r\nSec-WebSocket-Extensions: a; b\r\n");
    let upgrade = upgrade(&request);
    assert!(upgrade.subprotocols().iter().eq(["chat", "superchat"]));
    assert_eq!(
        (upgrade.host(), upgrade.origin()),
        ("server.example.com", Some("http://server.example.com"))
    );
    assert_eq!(upgrade.extensions(), ["a; b"]);
    assert_eq!(upgrade.key().as_bytes(), b"dGhlIHNhbXBsZSBub25jZQ==");
}

#[test]
fn the_absolute_form_decides_about_the_host() {
    let request = edited("GET", "GET http://other.test/chat HTTP/1.1\r\n");
    assert_eq!(answer_whole(request.as_bytes()).unwrap().status(), 403);
    let request = request.replace("Origin: http://server.example.com", "Origin: http://other.test");
    assert_eq!(upgrade(&request).host(), "other.test");
}

#[test]
fn the_accepted_response_is_the_one_of_the_rfc() {
    let mut extra = HeaderMap::new();
    let response = upgrade(REQUEST).accept(Some("chat"), extra.clone()).unwrap();
    assert_eq!(String::from_utf8(encode_response(&response)).unwrap(), RESPONSE);
    extra.append(header::SET_COOKIE, HeaderValue::from_static("a=b"));
    extra.append(header::SET_COOKIE, HeaderValue::from_static("c=d"));
    let response = upgrade(REQUEST).accept(None, extra).unwrap();
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    assert!(!response.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL));
}

#[test]
fn nothing_can_be_accepted_that_the_client_would_drop() {
    let upgrade = upgrade(REQUEST);
    for not_offered in ["Chat", "other", "", "chat\r\nX: y"] {
        let accepted = upgrade.accept(Some(not_offered), HeaderMap::new());
        assert_eq!(accepted.unwrap_err(), AcceptError::SubprotocolNotOffered, "{not_offered:?}");
    }
    for name in [
        "upgrade",
        "connection",
        "sec-websocket-accept",
        "sec-websocket-protocol",
        "sec-websocket-extensions",
        "content-length",
        "transfer-encoding",
    ] {
        let name = HeaderName::from_static(name);
        let extra = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("x"))]);
        assert_eq!(upgrade.accept(None, extra).unwrap_err(), AcceptError::ReservedHeader(name));
    }
}

#[test]
fn a_policy_of_your_own_decides_about_origins() {
    let request = edited("Origin", "Origin: https://app.test\r\n");
    let (request, _) = HeadReader::default().request(request.as_bytes()).unwrap().unwrap();
    assert_eq!(check(&request).unwrap_err().status(), 403);
    assert!(check_with_origins(&request, &Origins::Any).is_ok());
    assert!(check_with_origins(&request, &Origins::listed(["https://app.test"]).unwrap()).is_ok());
}

#[test]
fn a_head_that_is_not_complete_gets_no_answer() {
    for end in 0..REQUEST.len() {
        assert!(answer_whole(&REQUEST.as_bytes()[..end]).is_none(), "{end}");
        assert!(answer_trickled(&REQUEST.as_bytes()[..end]).is_none(), "{end}");
    }
}
