//! Bytes: streams, timers, the accept loop, threads. Nothing here knows what a WebSocket is.
//!
//! `stream`, `server` and `client` stand on this floor, and so does whoever serves another protocol beside (`sio`).

mod accept;
mod crew;
mod runtime;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod wheel;

pub use accept::{Acceptor, Guard, Shutdown};
pub use crew::{Busy, Crew, Group, Threads};
pub use runtime::PerRuntime;
pub use stream::{Duplex, ReadHalf, Secure, Securing, Stream, WriteHalf};
#[cfg(feature = "tls")]
pub(crate) use tls::crypto_provider;
#[cfg(feature = "tls")]
pub use tls::{TlsAcceptor, TlsError};
pub use wheel::{Timed, Wheel};
