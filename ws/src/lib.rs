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
//!
//! How a message travels through them, and what each step costs, is told in `docs/message.md`.
#![deny(unsafe_code)]

#[cfg(feature = "tokio")]
pub mod client;
pub mod handshake;
#[cfg(feature = "tokio")]
pub mod net;
pub mod outbox;
pub mod proto;
#[cfg(feature = "tokio")]
pub mod server;
#[cfg(feature = "tokio")]
pub mod stream;

#[cfg(feature = "tokio")]
pub use client::{Client, ConnectError, connect};
#[cfg(feature = "tokio")]
pub use net::Threads;
pub use proto::{
    CloseCode, CloseFrame, CloseReport, Compress, Config, Deflate, DeflateConfig, Failure,
    Initiator, Message, OverflowPolicy, Payload, Prepared, ProtocolError, Role, Text,
};
/// The TLS that [`Client::tls`] and [`net::TlsAcceptor`] take configurations of.
#[cfg(feature = "tls")]
pub use rustls;
#[cfg(feature = "tokio")]
pub use server::{Server, ServerConfig, ServerHandle};
#[cfg(feature = "tokio")]
pub use stream::{
    Context, Error, Handler, SendError, Sender, TrySendError, WebSocket, WebSocketReader,
};
