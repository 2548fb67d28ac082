//! permessage-deflate (RFC 7692): messages are compressed one by one, each marked by RSV1 on its first frame.
//!
//! Pure, as all of `proto`. The handshake calls [`DeflateConfig`] to offer, accept and verify; what comes of it is a
//! [`Deflate`], from which [`Receiver`](super::Receiver) and [`Transmitter`](super::Transmitter) make their codecs.
//!
//! | file | what | section |
//! |---|---|---|
//! | `config` | the knobs | 7.1 |
//! | `negotiate` | offers and responses | 5, 7.1 |
//! | `inflate` | from compressed payload to messages | 7.2.2 |
//! | `compress` | from messages to compressed frames | 7.2.1 |
//! | `shared` | a message compressed once for many receivers | 7.2.1 |
//! | `pool` | codec states that no connection needs just now | |
//!
//! Without the feature `deflate` the file `without_deflate.rs` stands here: the same names, of which there are no values.

mod compress;
mod config;
mod inflate;
mod negotiate;
mod pool;
mod shared;

pub(super) use compress::Deflater;
pub use config::DeflateConfig;
pub(super) use inflate::Inflater;
pub use negotiate::Deflate;
pub(super) use shared::{Deflated, Share};
