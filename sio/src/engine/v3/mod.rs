//! How version 3 of Engine.IO writes what version 4 writes simpler (rule 21): packets with binary, payloads, JSONP.
//!
//! The session machine and the server choose by the [`Dialect`](super::Dialect) of a session; the rest is as in version 4. The
//! protocol is that of engine.io-parser 2.x: <https://github.com/socketio/engine.io-protocol/tree/v3>.

mod jsonp;
mod packet;
mod payload;

pub use jsonp::{read_form, write_callback};
pub use packet::{frame, from_binary, from_text};
pub use payload::{BinaryDecoder, TextDecoder, encode, encode_binary};
