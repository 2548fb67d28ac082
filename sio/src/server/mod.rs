//! The Socket.IO server: namespaces, sockets, handlers, acks, broadcasts (protocol revision 5, on top of `engine::server`).
//!
//! [`Io`] owns the namespaces and is what an application holds. `connection` takes the messages of one Engine.IO session and
//! is the state machine of rule 25; `state` is that of one socket; how its handlers are called in order, and what makes a closure one,
//! is in [`handler`](crate::handler), the same for a client. Locks are short and never held while user code runs.

mod answer;
mod broadcast;
mod config;
mod connection;
mod embed;
mod endpoint;
mod extract;
mod handshake;
mod hooks;
mod io;
mod middleware;
mod namespace;
#[cfg(feature = "axum")]
#[path = "axum.rs"]
mod peer;
#[cfg(not(feature = "axum"))]
mod peer;
mod reason;
mod revision4;
mod serve;
mod shutdown;
mod socket;
mod state;
#[cfg(feature = "tower")]
mod tower;
mod values;

pub use answer::{Ack, Answers};
pub use broadcast::Broadcast;
pub use config::{Config, ConfigError};
pub use embed::{Answering, IoService};
pub use extract::{Auth, State};
pub use handshake::Handshake;
pub use io::Io;
pub use middleware::{ConnectError, Middleware};
pub use namespace::Namespace;
pub use reason::DisconnectReason;
pub use serve::Listening;
pub use socket::{Socket, Timed};
#[cfg(feature = "tower")]
pub use tower::{IoLayer, Layered, LayeredFuture};

pub use crate::handler::{
    AckSender, Answer, Data, EmitError, Event, Extract, Handler, HandlerError, IntoReply,
    Rejection, Responder,
};

/// One call of one handler of the server.
pub type Call<'a> = crate::handler::Call<'a, Socket>;

type Listener = crate::handler::Listener<Socket>;
