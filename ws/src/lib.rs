//! WebSocket (RFC 6455), server and client, written from scratch.
//!
//! The floors, each standing on the ones before it:
//!
//! - [`proto`]: frames, masks, messages, close and keepalive, as a machine without I/O;
//! - [`handshake`]: the HTTP/1.1 upgrade of both sides, without I/O;
//! - `net`: listeners, TLS, the accept loop, timers;
//! - `stream`: a WebSocket on any byte stream, to pull messages from or to be called by;
//! - `server` and `client`.
//!
//! Without the default feature `tokio` only [`proto`] and [`handshake`] remain.
#![deny(unsafe_code)]

pub mod handshake;
pub mod outbox;
pub mod proto;
#[cfg(feature = "tokio")]
pub mod net;
#[cfg(feature = "tokio")]
pub mod stream;

pub use proto::{
    CloseCode, CloseFrame, CloseReport, Config, Failure, Initiator, Message, OverflowPolicy,
    Payload, Prepared, ProtocolError, Role, Text,
};
#[cfg(feature = "tokio")]
pub use stream::{Context, Error, Handler, SendError, Sender, TrySendError, WebSocket, WebSocketReader};
