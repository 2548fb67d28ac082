//! The Socket.IO server: namespaces, sockets, handlers, acks, broadcasts (protocol revision 5, on top of `engine::server`).
//!
//! [`Io`] owns the namespaces (`registry`) and is what an application holds. `connection` takes the messages of one Engine.IO session,
//! whose `client` knows which namespaces it is in (rule 25); `joining` lets it into one, `ending` is the other end. `state` is that of
//! one socket, `gate` its way out, `publish` its past, if connection state recovery is on (rule 29). How its handlers are called in order, and what makes a closure one,
//! is in [`handler`](crate::handler), the same for a client. Locks are short and never held while user code runs.

mod answer;
mod broadcast;
mod client;
mod config;
mod connection;
mod embed;
mod ending;
mod endpoint;
mod entrance;
mod extract;
mod gate;
mod handshake;
mod hooks;
mod identity;
mod io;
mod joining;
mod middleware;
mod namespace;
mod operators;
mod parent;
#[cfg(feature = "axum")]
#[path = "axum.rs"]
mod peer;
#[cfg(not(feature = "axum"))]
mod peer;
mod publish;
mod rate;
mod reason;
mod registry;
mod remote;
mod revision4;
mod sending;
mod serve;
mod server_side;
mod shutdown;
mod socket;
mod state;
#[cfg(feature = "tower")]
mod tower;
mod values;

pub use answer::{Ack, Answers};
pub use broadcast::Broadcast;
pub use config::{Config, ConfigError, OnPanic, Recovery, SlowReceiver};
pub use embed::{Answering, IoService};
pub use extract::{Auth, DisconnectDetails, State};
pub use handshake::Handshake;
pub use io::Io;
pub use middleware::{ConnectError, Middleware};
pub use namespace::Namespace;
pub use parent::{NamespaceRequest, Parent};
pub use rate::{Beyond, RateLimit};
pub use reason::DisconnectReason;
pub use remote::RemoteSocket;
pub use serve::Listening;
pub use socket::{Sending, Socket};
#[cfg(feature = "tower")]
pub use tower::{IoLayer, Layered, LayeredFuture};

pub use crate::handler::{
    AckSender, Answer, Data, EmitError, Event, EventMiddleware, Extract, Handler, HandlerError,
    IntoReply, Rejection, Responder,
};

/// One call of one handler of the server.
pub type Call<'a> = crate::handler::Call<'a, Socket>;

type Listener = crate::handler::Listener<Socket>;
