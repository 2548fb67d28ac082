//! The Socket.IO server: namespaces, sockets, handlers, acks, broadcasts (protocol revision 5, on top of `engine::server`).
//!
//! [`Io`] is what an application holds, and `config` its settings. A message comes in by `serving` (where a server runs) and the engine
//! below to its `session`, and from there to a `socket` in a `namespace`; what is for many leaves by `broadcast`, and is kept by
//! `recovery` for those who may come back (rule 29). How handlers are called in order, and what makes a closure one, is in
//! [`handler`](crate::handler), the same for a client. Locks are short and never held while user code runs.

mod broadcast;
mod config;
mod extract;
mod io;
mod namespace;
mod recovery;
mod serving;
mod session;
mod socket;
mod values;

pub use broadcast::Broadcast;
pub use broadcast::answer::{Ack, Answers};
pub use broadcast::remote::RemoteSocket;
pub use config::{Config, ConfigError, OnPanic, Recovery, SlowReceiver};
pub use extract::{Auth, DisconnectDetails, State};
pub use io::Io;
pub use namespace::Namespace;
pub use namespace::middleware::{ConnectError, Middleware};
pub use namespace::parent::{NamespaceRequest, Parent};
pub use serving::embed::{Answering, IoService};
pub use serving::serve::Listening;
#[cfg(feature = "tower")]
pub use serving::tower::{IoLayer, Layered, LayeredFuture};
pub use session::handshake::Handshake;
pub use socket::rate::{Beyond, RateLimit};
pub use socket::reason::DisconnectReason;
pub use socket::{Sending, Socket};

pub use crate::handler::{
    AckSender, Answer, Data, EmitError, Event, EventMiddleware, Extract, Handler, HandlerError,
    IntoReply, Pass, Rejection, Responder,
};

/// One call of one handler of the server.
pub type Call<'a> = crate::handler::Call<'a, Socket>;

type Listener = crate::handler::Listener<Socket>;
