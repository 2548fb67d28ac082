//! The Engine.IO client: a session with a server, over WebSocket (rules 11, 13, 15, 16). `sio::client` stands on it.

mod error;
mod handle;
mod websocket;

use std::borrow::Cow;

pub use self::error::ConnectError;
pub use self::handle::Handle;
use self::websocket::SocketHandler;
use super::SessionHandler;

/// Opens a session on a server. `client` knows the URL (see [`url`]), headers, limits and TLS.
///
/// `make` gets the session once the server has opened it, and returns who receives its messages; it runs before the first of
/// them is read. This returns after `make`. A future that is dropped before takes the connection with it.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect<H, F>(client: &ws::Client, make: F) -> Result<Handle, ConnectError>
where
    H: SessionHandler + 'static,
    F: FnOnce(Handle) -> H + Send + 'static,
{
    let (handler, opened) = SocketHandler::new(make);
    let connection = AbortOnDrop(Some(client.connect_with(handler).await?));
    let handle = opened.await.map_err(|_| ConnectError::Closed)??;
    connection.keep();
    Ok(handle)
}

/// The URL of an engine's WebSocket: `base` is scheme and authority, `path` the engine's, `query` what the application adds to it,
/// ready for a URL.
#[must_use]
pub fn url(base: &str, path: &str, query: &str) -> String {
    let query = if query.is_empty() { Cow::Borrowed("") } else { Cow::Owned(format!("{query}&")) };
    format!("{base}{path}?{query}EIO=4&transport=websocket")
}

/// A connection that is not wanted any more if nobody waits for its session.
struct AbortOnDrop(Option<ws::Sender>);

impl AbortOnDrop {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.abort();
        }
    }
}
