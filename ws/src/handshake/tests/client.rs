//! What a client sends, and what it takes for an answer.

use http::header::{self, HeaderName, HeaderValue};

use super::*;

fn opening() -> Opening {
    let target = "ws://server.example.com/chat".parse().unwrap();
    let subprotocols = Subprotocols::new(["chat", "superchat"]).unwrap();
    Opening::new(target, *b"the sample nonce").subprotocols(subprotocols)
}

fn verify(response: &str) -> Result<Accepted, VerifyError> {
    let (response, len) = HeadReader::default().response(response.as_bytes()).unwrap().unwrap();
    assert!(len > 0);
    opening().extension(HeaderValue::from_static("x-offered; a=1, x-too")).verify(&response)
}

#[test]
fn the_request_is_the_one_of_the_rfc() {
    let origin = HeaderValue::from_static("http://server.example.com");
    let request = opening().header(header::ORIGIN, origin).unwrap().request();
    let sent = String::from_utf8(encode_request(&request)).unwrap();
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        lines[1..].sort();
        lines
    };
    assert_eq!(lines(&sent), lines(REQUEST));
}

#[test]
fn our_own_server_takes_our_own_request() {
    for url in [
        "ws://server.example.com",
        "wss://[::1]:9001/a?b=c",
        "http://a.test:8080/",
        "https://a.test",
    ] {
        let opening = Opening::new(url.parse().unwrap(), [7; 16]);
        let sent = encode_request(&opening.request());
        let (request, len) = HeadReader::default().request(&sent).unwrap().unwrap();
        assert_eq!(len, sent.len());
        let upgrade = check(&request).unwrap();
        assert_eq!(upgrade.host(), opening.target().host_header());
        let answered = encode_response(&upgrade.accept(None, http::HeaderMap::new()).unwrap());
        let (response, _) = HeadReader::default().response(&answered).unwrap().unwrap();
        assert_eq!(opening.verify(&response), Ok(Accepted::default()), "{url}");
    }
}

#[test]
fn headers_of_the_handshake_cannot_be_set() {
    for name in [
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "content-length",
    ] {
        let name = HeaderName::from_static(name);
        let refused = opening().header(name.clone(), HeaderValue::from_static("x")).unwrap_err();
        assert_eq!(refused, OpeningError::ReservedHeader(name));
    }
    let one = opening().header(header::COOKIE, HeaderValue::from_static("a=b")).unwrap();
    let two = one.header(header::COOKIE, HeaderValue::from_static("c=d")).unwrap();
    assert_eq!(two.request().headers().get_all(header::COOKIE).iter().count(), 2);
}

#[test]
fn the_answer_of_the_rfc_is_taken() {
    assert_eq!(verify(RESPONSE).unwrap().subprotocol(), Some("chat"));
}

#[test]
fn unusual_but_legal_answers_are_taken() {
    for (from, to) in [
        ("Upgrade: websocket", "upgrade: WebSocket"),
        ("Connection: Upgrade", "Connection: keep-alive, upgrade"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"),
        ("Switching Protocols", ""),
        ("Switching Protocols", "Web Socket Protocol Handshake"),
        ("Sec-WebSocket-Protocol: chat\r\n", ""),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: x-offered; b=2, x-too"),
    ] {
        let response = RESPONSE.replacen(from, to, 1);
        assert!(verify(&response).is_ok(), "{response}");
    }
}

#[test]
fn answers_to_something_else_are_refused_and_say_why() {
    for (from, to, error) in [
        ("HTTP/1.1", "HTTP/1.0", VerifyError::Version),
        ("Upgrade: websocket\r\n", "", VerifyError::Upgrade),
        ("Upgrade: websocket", "Upgrade: h2c", VerifyError::Upgrade),
        ("Upgrade: websocket", "Upgrade: websocket, h2c", VerifyError::Upgrade),
        ("Connection: Upgrade\r\n", "", VerifyError::Connection),
        ("Connection: Upgrade", "Connection: close", VerifyError::Connection),
        ("Sec-WebSocket-Accept: s3", "X-Accept: s3", VerifyError::Accept),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", VerifyError::Accept),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "S3PPLMBITXAQ9KYGZZHZRBK+XOO=", VerifyError::Accept),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &"A".repeat(999), VerifyError::Accept),
        (
            "Sec-WebSocket-Protocol: chat",
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            VerifyError::Accept,
        ),
        ("Protocol: chat", "Protocol: other", VerifyError::Subprotocol),
        ("Protocol: chat", "Protocol: Chat", VerifyError::Subprotocol),
        ("Protocol: chat", "Protocol: chat, superchat", VerifyError::Subprotocol),
        ("Protocol: chat", "Protocol:", VerifyError::Subprotocol),
        (
            "Sec-WebSocket-Protocol: chat",
            "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat",
            VerifyError::Subprotocol,
        ),
        ("Protocol: chat", "Extensions: permessage-deflate", VerifyError::Extension),
        ("Protocol: chat", "Extensions: x-offered, ;", VerifyError::Extension),
    ] {
        let response = RESPONSE.replacen(from, to, 1);
        assert_ne!(response, RESPONSE);
        assert_eq!(verify(&response), Err(error), "{response}");
    }
}

#[test]
fn a_refusal_carries_status_and_headers() {
    let response =
        "HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno";
    let Err(VerifyError::Refused { status, headers }) = verify(response) else {
        panic!("not refused")
    };
    assert_eq!(
        (status.as_u16(), &headers[header::WWW_AUTHENTICATE]),
        (401, &HeaderValue::from_static("Basic"))
    );
    for status in [100, 200, 204, 302, 426, 503] {
        let response = RESPONSE.replacen("101", &status.to_string(), 1);
        assert!(matches!(verify(&response), Err(VerifyError::Refused { .. })), "{status}");
    }
}
