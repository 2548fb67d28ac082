//! Bytes: streams, timers, the accept loop. Nothing here knows what a WebSocket is.
//!
//! `stream`, `server` and `client` stand on this floor, and so does whoever serves another protocol beside (`sio`).

mod accept;
mod runtime;
mod stream;
mod wheel;

pub use accept::{AcceptConfig, Acceptor, Drained, Guard, Peer, Shutdown};
pub use runtime::PerRuntime;
pub use stream::{ReadHalf, Stream, WriteHalf};
pub use wheel::{Timed, Wheel};
