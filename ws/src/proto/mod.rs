//! The protocol as a machine without I/O (RFC 6455 §5 to §8, RFC 7692).
//!
//! [`Receiver`] turns bytes into messages, [`Transmitter`] turns messages into bytes and keeps the state of the closing
//! handshake; [`Connection`] is both together. Neither reads a clock, a socket or random numbers: those are handed in. The
//! floor `stream` drives the halves apart, because they are used by different tasks.

mod close;
mod config;
mod connection;
#[cfg_attr(not(feature = "deflate"), path = "without_deflate.rs")]
mod deflate;
mod error;
mod extension;
pub mod frame;
mod framing;
mod keepalive;
pub mod mask;
mod message;
mod partial;
mod receive;
mod state;
mod text;
mod transmit;
mod utf8;

#[cfg(test)]
mod tests;

pub use close::{CloseCode, CloseFrame, CloseReport, Failure, Initiator};
pub use config::{Compress, Config, OverflowPolicy, Role};
pub use connection::{Connection, Event};
pub use deflate::{Deflate, DeflateConfig};
pub use error::ProtocolError;
pub(crate) use extension::Extension;
pub use framing::{Framing, MaskSource, Outgoing};
pub use keepalive::Heard;
pub use message::{Message, Payload, Prepared};
pub use receive::{Received, Receiver};
pub use text::{Spare, Text};
pub use transmit::{NotOpen, Transmitter};
pub use utf8::{InvalidUtf8, Utf8Validator};
