//! Socket.IO v5 packets as they stand inside an Engine.IO message: `<type>[<n>-][<nsp>,][<id>][json]`.
//!
//! Protocol revision 5, sections "Packet encoding" and "Packet types". [`PacketRef`] borrows everything from the received
//! text, [`Decoder`] adds the binary attachments that follow it, [`encode`] appends to a buffer of the caller, and
//! `json` checks its JSON, and
//! [`Arguments`] reads the span of the arguments straight into the handler's types. A [`Parser`] gives packets another form on the
//! wire, such as [`Msgpack`]. `emitter`, `adapter`, `server` and
//! `client` call it; it knows no transport, no clock and no socket.
//!
//! Nesting: JSON is checked iteratively, so depth costs no stack; what is *read* (and every binary packet) may nest 128 deep,
//! the limit of `serde_json`. Deeper data is an error of the one who reads, never an overflow.

mod args;
mod arguments;
mod binary;
mod decode;
pub mod encode;
mod error;
mod json;
mod kind;
mod msgpack;
mod owned;
mod parser;
mod value;

pub use args::{Args, is_spread};
pub use arguments::Arguments;
pub use binary::Decoder;
pub use decode::{Limits, PacketRef};
pub use error::{DecodeError, EncodeError, ReadError};
pub use kind::{Kind, is_reserved};
pub use msgpack::Msgpack;
pub use owned::{Incoming, Packet};
pub use parser::{Decode, Frame, Parser};
pub use value::Value;

/// The namespace that a packet without one belongs to.
pub const ROOT: &str = "/";
