//! The opening handshake of RFC 6455 §4: an HTTP/1.1 upgrade, both sides.
//!
//! Pure: no sockets, no clock, no randomness. The sixteen random bytes of the client's key are an
//! argument, and the deadline of a handshake belongs to whoever owns the socket. Called by
//! `ws::server` and `ws::client`, which own a byte stream, and by anybody who already has an HTTP
//! server or client: both go through the same functions.
//!
//! | side | `http` types | bytes |
//! |---|---|---|
//! | server | [`check`] the request, then [`Upgrade::accept`] or a [`Rejection`] | [`HeadReader::request`], [`encode_response`] |
//! | client | [`Opening::request`], then [`Opening::verify`] | [`encode_request`], [`HeadReader::response`] |
//!
//! With bytes, on the server:
//!
//! ```
//! use ws::handshake::{self, HeadReader, Rejection};
//!
//! /// Bytes to write, and how much of the buffer was the head: what is behind it are frames already.
//! fn answer(
//!     reader: &mut HeadReader,
//!     received: &[u8],
//! ) -> Result<Option<(Vec<u8>, usize)>, Rejection> {
//!     let Some((request, len)) = reader.request(received)? else { return Ok(None) };
//!     let upgrade = handshake::check(&request)?;
//!     let subprotocol = upgrade.subprotocols().select(&["v2.chat", "v1.chat"]);
//!     let response = upgrade.accept(subprotocol, http::HeaderMap::new()).expect("it was offered");
//!     Ok(Some((handshake::encode_response(&response), len)))
//! }
//!
//! let mut reader = HeadReader::default();
//! let request = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
//! let (response, len) = answer(&mut reader, request)?.expect("the head is complete");
//! assert_eq!(len, request.len());
//! assert!(response.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//!
//! let plain = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
//! let refused = answer(&mut HeadReader::default(), plain).unwrap_err();
//! assert!(refused.to_bytes().starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
//! # Ok::<(), Rejection>(())
//! ```
//!
//! With `http` types, as a handler under hyper or axum has them:
//!
//! ```
//! use ws::handshake;
//!
//! fn handler<B>(request: &http::Request<B>) -> http::Response<String> {
//!     match handshake::check(request) {
//!         Ok(upgrade) => {
//!             let response = upgrade.accept(None, http::HeaderMap::new()).expect("nothing extra");
//!             response.map(|()| String::new()) // and spawn who waits for the upgraded stream
//!         }
//!         Err(rejection) => rejection.into_response(),
//!     }
//! }
//! # assert_eq!(handler(&http::Request::new(())).status(), 400); // no Host
//! ```

mod client;
mod extension;
mod head;
mod host;
mod key;
mod origin;
mod rejection;
mod server;
mod subprotocol;
mod target;
mod token;

#[cfg(test)]
mod tests;

pub use client::{Accepted, Opening, OpeningError, VerifyError};
pub use head::{HeadError, HeadReader, Limits, encode_request, encode_response};
pub use key::{Key, KeyError};
pub use origin::{OriginPattern, OriginPatternError, Origins};
pub use rejection::Rejection;
pub use server::{AcceptError, Upgrade, check, check_with_origins};
pub use subprotocol::{SubprotocolError, Subprotocols};
pub use target::{Target, TargetError};
