//! Heads as bytes. Everything in an `http` type is checked already, so no value can end a line of
//! its own.

use http::header::{HeaderMap, HeaderName};
use http::{Request, Response};

/// The head of a request, ready to write; the body is the caller's.
///
/// The target is written in origin form (RFC 9112 §3.2.1), whatever else the URI holds. The version
/// is always 1.1.
pub fn encode_request<B>(request: &Request<B>) -> Vec<u8> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    // `http` leaves the slash of an empty path away before a query.
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut head = Vec::with_capacity(256);
    for part in [request.method().as_str(), " ", slash, target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    write_headers(&mut head, request.headers());
    head
}

/// The head of a response, ready to write; the body is the caller's. The version is always 1.1.
pub fn encode_response<B>(response: &Response<B>) -> Vec<u8> {
    let status = response.status();
    let mut head = Vec::with_capacity(256);
    for part in
        ["HTTP/1.1 ", status.as_str(), " ", status.canonical_reason().unwrap_or_default(), "\r\n"]
    {
        head.extend_from_slice(part.as_bytes());
    }
    write_headers(&mut head, response.headers());
    head
}

fn write_headers(head: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        write_name(head, name);
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
}

/// As RFC 6455 spells it. Case means nothing here, but there are small devices that compare bytes.
fn write_name(head: &mut Vec<u8>, name: &HeaderName) {
    let name = name.as_str();
    let rest = match name.strip_prefix("sec-websocket-") {
        Some(rest) => {
            head.extend_from_slice(b"Sec-WebSocket-");
            rest
        }
        None => name,
    };
    let mut starts_word = true;
    for byte in rest.bytes() {
        head.push(if starts_word { byte.to_ascii_uppercase() } else { byte });
        starts_word = byte == b'-';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_in_the_rfc_and_every_line_is_written() {
        let request = Request::get("http://example.com/a?b=c")
            .header("host", "example.com")
            .header("sec-websocket-key", "k")
            .header("x-many", "1")
            .header("x-many", "2");
        let head = encode_request(&request.body(()).unwrap());
        let expected = "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nSec-WebSocket-Key: k\r\nX-Many: 1\r\nX-Many: 2\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
    }

    #[test]
    fn a_status_without_a_known_reason_keeps_its_space() {
        let response = Response::builder().status(599).body(()).unwrap();
        assert_eq!(encode_response(&response), b"HTTP/1.1 599 \r\n\r\n");
    }
}
