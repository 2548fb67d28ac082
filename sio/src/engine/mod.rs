//! Engine.IO v4: sessions over long-polling and WebSocket.
//!
//! A session opens with a handshake, keeps itself alive by a heartbeat, may move from long-polling to WebSocket and ends
//! with one reason. What travels inside its messages is the business of whoever stands above (Socket.IO, or anything else).
//!
//! The files of this folder are pure: no sockets, no clock (every input carries its `now`), no random numbers (a session
//! id is made from bytes passed in). [`Session`] is the machine of a server's session; the `server` and
//! `client` folders bring tokio.
//! Rule numbers in comments are those of the project's list of wire rules; the specification is
//! <https://socket.io/docs/v4/engine-io-protocol/>.

mod addresses;
#[cfg(feature = "tokio")]
mod alarm;
mod batch;
#[cfg(feature = "tokio")]
pub mod client;
mod coding;
mod config;
mod cookie;
mod cookies;
mod cors;
mod handler;
mod liveness;
mod open;
mod outgoing;
mod packet;
pub mod payload;
mod protocol;
mod query;
mod rate;
mod refusal;
#[cfg(feature = "tokio")]
pub mod server;
mod session;
mod sid;
pub mod v3;

pub use addresses::{AddressLimits, Household, Network, NetworkError};
#[cfg(feature = "tokio")]
pub(crate) use alarm::Alarm;
pub use batch::Batches;
pub use coding::{Coding, HttpCompression};
pub use config::{Config, ConfigError, Transport};
pub use cookie::{Cookie, SameSite};
pub use cookies::Cookies;
pub use cors::Cors;
pub use handler::SessionHandler;
pub use liveness::Liveness;
pub use open::{Open, OpenError};
pub use outgoing::Outgoing;
pub use packet::{Message, Packet, ParseError};
pub use protocol::{Dialect, Protocol};
pub use query::Query;
pub use rate::{Allowance, RateLimit};
pub use refusal::Refusal;
pub use session::{CloseReason, Output, SendError, Session, SocketId};
pub use sid::Sid;
pub use ws::OverflowPolicy;
pub use ws::handshake::Origins;
