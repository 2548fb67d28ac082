//! The client: from a URL to an open WebSocket (RFC 6455 §4.1).
//!
//! Resolves and dials, wraps in TLS for `wss`, sends the opening handshake and judges the answer;
//! everything after it is the business of [`stream`](crate::stream). Called by applications and by
//! `sio::client`.
//!
//! | file | what |
//! |---|---|
//! | `builder` | [`Client`]: what to ask for, and the ways to connect |
//! | `dial` | names, sockets, TLS |
//! | `proxy` | the tunnel through a proxy |
//! | `exchange` | request out, response in |
//! | `refusal` | the body of an answer that isn't 101 |

mod builder;
mod dial;
mod error;
mod exchange;
mod proxy;
mod refusal;
#[cfg_attr(not(feature = "tls"), path = "without_tls.rs")]
mod tls;

pub use builder::{Client, Connected};
pub use error::{ConnectError, Refused};
pub use proxy::{Proxy, ProxyError};

use crate::stream::WebSocket;

/// Connects to a `ws://` or `wss://` URL with the defaults of [`Client`].
///
/// # Errors
///
/// See [`ConnectError`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = ws::connect("wss://example.com/feed").await?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.recv().await? {
///     tracing::info!(?message);
/// }
/// # Ok(())
/// # }
/// ```
pub async fn connect(url: &str) -> Result<WebSocket, ConnectError> {
    Client::builder(url).connect().await
}
