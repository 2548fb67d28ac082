//! The Socket.IO client (protocol revision 5), over polling and WebSocket: the same verbs, handlers and extractors as the server's.
//!
//! [`Client::builder`] says what is wanted, [`Builder::connect`] joins a namespace, and [`Socket`] is that namespace, over all
//! connections that are lost and made again. Three ways to use it: handlers are called; or events are asked for with [`Socket::next`];
//! or [`Builder::run`] is one connection and returns when it ends, for who has a supervisor. The module `blocking` (feature `blocking`)
//! is for programs without tokio.
//!
//! ```no_run
//! use sio::client::{Client, Data};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let socket = Client::builder("http://127.0.0.1:3000/admin")
//!     .auth(async || serde_json::json!({ "token": "8f1c" })) // asked again at every reconnect
//!     .on("chat message", async |Data(text): Data<String>| tracing::info!(text))
//!     .connect()
//!     .await?; // joined: the namespace has answered
//! let sum: i64 = socket.emit_with_ack("add", (2, 3)).await?;
//! assert_eq!(sum, 5);
//! # Ok(())
//! # }
//! ```
//!
//! # When the connection is lost
//!
//! It is made again by default, after delays that grow and are spread at random ([`Reconnection`]); URL, headers and auth payload are
//! asked for anew each time, if they were given as functions. Meanwhile what is emitted waits ([`Offline`]), answers to what was sent
//! before fail with [`EmitError::Disconnected`], and a `volatile` event is dropped. Each event is sent at most once, unless
//! [`Config::retries`] wants it at least once. A server with connection state recovery gives back the session with all that was missed
//! ([`Socket::recovered`]).
//!
//! | what | default | where |
//! |---|---|---|
//! | the first connection fails | `connect` returns the error | [`Reconnection::first`], [`Builder::start`] |
//! | a lost one | is made again for ever | [`Reconnection`] |
//! | the server refuses the namespace then | the socket ends | [`Config::on_refusal`] |
//! | the server puts the client out | the socket ends | [`Reconnection::after_server_disconnect`] |
//!
//! # Inside
//!
//! | room | what |
//! |---|---|
//! | `asking` | what is asked for, before a namespace is joined |
//! | `manager` | one connection over all of its sessions, and the namespaces on it |
//! | `socket` | one namespace over all connections: what is emitted, what comes, what waits |
//! | `backoff`, and `outbox`, `recovery`, `manager::state` in these | machines without I/O: time and random numbers come in |
//!
//! How handlers are called is in [`handler`](crate::handler), the same for a server. Locks are short and never held while user code
//! runs.

mod asking;
mod backoff;
#[cfg(feature = "blocking")]
pub mod blocking;
mod config;
mod error;
mod manager;
mod reason;
mod socket;

pub use asking::{Builder, Client, Join};
pub use config::{Config, Offline, OnOverflow, OnRefusal, Reconnection};
pub use error::{ConnectError, Refusal};
pub use manager::ManagerEvent;
pub use reason::DisconnectReason;
pub use socket::{Received, Sending, Socket, WeakSocket};

pub use crate::engine::{ConfigError, Transport};
pub use crate::handler::{
    AckSender, Answer, Data, EmitError, Event, EventMiddleware, Extract, Handler, HandlerError,
    IntoReply, Rejection, Responder,
};

/// One call of one handler of a client.
pub type Call<'a> = crate::handler::Call<'a, Socket>;

type Listener = crate::handler::Listener<Socket>;
