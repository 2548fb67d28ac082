//! The Socket.IO client (protocol revision 5), over WebSocket: the same verbs, handlers and extractors as the server's.
//!
//! [`Client::builder`] opens a connection and joins a namespace; [`Socket`] is one namespace of one connection. `connection`
//! takes the messages of the Engine.IO session below and hands them to its sockets, `state` is what a socket is a handle of;
//! how its handlers are called is in [`handler`](crate::handler), the same for a server. Locks are short and never held while user code runs.
//!
//! ```no_run
//! use sio::client::{Client, Data};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let socket = Client::builder("http://127.0.0.1:3000/admin")
//!     .auth(async || serde_json::json!({ "token": "8f1c" }))
//!     .connect()
//!     .await?; // joined: the namespace has answered
//! socket.on("chat message", async |Data(text): Data<String>| tracing::info!(text));
//! let sum: i64 = socket.emit_with_ack("add", (2, 3)).await?;
//! assert_eq!(sum, 5);
//! # Ok(())
//! # }
//! ```

mod address;
mod asking;
mod backoff;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod config;
mod endpoint;
mod error;
mod extract;
mod inner;
mod join;
mod joining;
mod manager;
mod outbox;
mod provider;
mod pull;
mod reason;
mod recovery;
mod sending;
mod socket;
#[cfg(feature = "tls")]
mod tls;

pub use builder::{Builder, Client};
pub use config::{Config, Offline, OnOverflow, OnRefusal, Reconnection};
pub use error::{ConnectError, Refusal};
pub use join::Join;
pub use manager::ManagerEvent;
pub use pull::Received;
pub use reason::DisconnectReason;
pub use socket::{Sending, Socket, WeakSocket};

pub use crate::engine::{ConfigError, Transport};
pub use crate::handler::{
    AckSender, Answer, Data, EmitError, Event, EventMiddleware, Extract, Handler, HandlerError,
    IntoReply, Rejection, Responder,
};

/// One call of one handler of a client.
pub type Call<'a> = crate::handler::Call<'a, Socket>;

type Listener = crate::handler::Listener<Socket>;
