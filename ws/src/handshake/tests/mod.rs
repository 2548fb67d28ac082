//! Handshakes as bytes: what a server writes for every malformed one, what a client takes for an
//! answer, and that it doesn't matter how the bytes were cut on their way.

mod client;
#[cfg(feature = "deflate")]
mod deflate;
mod head;
mod server;

use super::*;

/// The request of RFC 6455 §1.2, with the `Origin` of the same host.
const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://server.example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// The response of RFC 6455 §1.2.
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

/// What a server does with the bytes of one handshake: the 101, or the rejection; `None` while it
/// waits for more.
fn answer(reader: &mut HeadReader, buffer: &[u8]) -> Option<(http::Response<()>, usize)> {
    let refuse = |rejection: Rejection| rejection.into_response::<String>().map(drop);
    match reader.request(buffer) {
        Ok(None) => None,
        Ok(Some((request, len))) => {
            let accept = |upgrade: Upgrade| upgrade.accept(None, http::HeaderMap::new()).unwrap();
            Some((check(&request).map_or_else(refuse, accept), len))
        }
        Err(error) => Some((refuse(error.into()), 0)),
    }
}

/// The answer when all arrives at once.
fn answer_whole(buffer: &[u8]) -> Option<http::Response<()>> {
    answer(&mut HeadReader::default(), buffer).map(|(response, _)| response)
}

/// The answer when it arrives in two pieces.
fn answer_cut(buffer: &[u8], at: usize) -> Option<http::Response<()>> {
    let mut reader = HeadReader::default();
    let first = answer(&mut reader, &buffer[..at]);
    first.or_else(|| answer(&mut reader, buffer)).map(|(response, _)| response)
}

/// The answer when it arrives byte by byte.
fn answer_trickled(buffer: &[u8]) -> Option<http::Response<()>> {
    let mut reader = HeadReader::default();
    (0..=buffer.len())
        .find_map(|end| answer(&mut reader, &buffer[..end]))
        .map(|(response, _)| response)
}
