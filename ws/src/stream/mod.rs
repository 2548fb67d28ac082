//! A WebSocket on any byte stream, once the opening handshake is done: to pull messages from ([`WebSocket`]) or to be called
//! by ([`Handler`], [`spawn`]).
//!
//! Both are thin shells on the halves of the protocol machine. The receiving half belongs to whoever reads. The sending half
//! lies in the `Link`, behind a short lock, with the writing half of the byte stream: the reader, any [`Sender`] and the
//! flusher of the runtime put frames there, and any of them may write them out.

mod buffers;
mod cork;
mod driver;
mod error;
mod flusher;
mod handler;
mod link;
mod reader;
mod sender;
mod socket;
mod waiting;

pub use driver::spawn;
pub(crate) use driver::spawn_kept;
pub use error::{Error, SendError, TrySendError};
pub use handler::{Context, Handler};
pub use sender::Sender;
pub use socket::{WebSocket, WebSocketReader};
