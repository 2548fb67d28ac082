//! The Engine.IO client: sessions with a server over long-polling and WebSocket, and the move between them (rules 11-19).
//! `sio::client` stands on it.
//!
//! | file | what |
//! |---|---|
//! | `address` | where an attempt to connect goes, with which headers and cookies |
//! | `http` | requests, on connections that are kept |
//! | `polling` | a session over polling: its one task |
//! | `upgrade` | from polling to WebSocket |
//! | `websocket` | a session over WebSocket: a handler in the task of its connection |
//! | `handle`, `outlet` | what the application holds of a session, and where its packets go |

mod address;
mod config;
mod error;
mod handle;
mod http;
mod outlet;
mod polling;
mod upgrade;
mod websocket;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::timeout;

pub use self::address::Server;
pub(crate) use self::address::percent_encode;
use self::address::{Address, Jar};
pub use self::config::Config;
pub use self::error::{ConnectError, HttpError};
pub use self::handle::Handle;
use self::outlet::Outlet;
use self::websocket::SocketHandler;
use super::{Batches, ConfigError, SessionHandler, Transport};

/// What lasts from one session to the next: settings, cookies, and whether a WebSocket has worked.
pub struct Client {
    config: Config,
    /// TLS, proxy and limits of each connection.
    websocket: ws::Client,
    cookies: Jar,
    /// A session has moved to a WebSocket.
    upgraded: AtomicBool,
}

impl Client {
    /// A client. `websocket` knows TLS, proxy and compression; its URL, limits and deadlines are replaced.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting can't work.
    pub fn new(config: Config, websocket: ws::Client) -> Result<Self, ConfigError> {
        config.validate()?;
        let websocket =
            websocket.handshake_timeout(config.connect_timeout).config(config.websocket());
        Ok(Self { config, websocket, cookies: Jar::default(), upgraded: AtomicBool::new(false) })
    }

    /// Opens a session on a server.
    ///
    /// `make` gets the session once the server has opened it, and returns who receives its messages; it runs before the first of
    /// them is read, and this returns after it. A future that is dropped before takes the connection with it.
    ///
    /// # Errors
    /// [`ConnectError`] of the last transport that was tried.
    pub async fn connect<H, F>(
        self: &Arc<Self>,
        server: Server,
        make: F,
    ) -> Result<Handle, ConnectError>
    where
        H: SessionHandler + 'static,
        F: FnOnce(Handle) -> H,
    {
        let address = Arc::new(Address::new(server, self.clone()));
        let max_buffered_bytes = self.config.max_buffered_bytes;
        Ok(match self.open(&address).await? {
            Opened::WebSocket(socket, open) => {
                let outlet = Outlet::WebSocket(socket.sender());
                let handle = Handle::new(outlet, open, max_buffered_bytes);
                let handler = make(handle.clone());
                socket.spawn(SocketHandler::new(handle.clone(), handler));
                handle
            }
            Opened::Polling(opened) => {
                let outlet = Outlet::Polling(Batches::default());
                let handle = Handle::new(outlet, opened.open.clone(), max_buffered_bytes);
                let handler = make(handle.clone());
                opened.spawn(handle.clone(), handler);
                handle
            }
        })
    }

    /// Tries one transport after the other.
    async fn open(&self, address: &Arc<Address>) -> Result<Opened, ConnectError> {
        if self.config.remember_upgrade && self.upgraded.load(Ordering::Relaxed) {
            match self.open_over(Transport::WebSocket, address).await {
                Ok(opened) => return Ok(opened),
                // It worked before; the network may be another now.
                Err(_) => self.upgraded.store(false, Ordering::Relaxed),
            }
        }
        let mut error = ConnectError::Closed;
        for transport in self.config.transports.iter().copied() {
            error = match self.open_over(transport, address).await {
                Ok(opened) => return Ok(opened),
                Err(error) if !self.config.try_all_transports || !error.is_of_transport() => {
                    return Err(error);
                }
                Err(error) => error,
            };
            tracing::debug!(%error, transport = transport.name(), "a transport did not open");
        }
        Err(error)
    }

    async fn open_over(
        &self,
        transport: Transport,
        address: &Arc<Address>,
    ) -> Result<Opened, ConnectError> {
        let opened = async {
            Ok(match transport {
                Transport::WebSocket => {
                    let (socket, open) = websocket::open(address).await?;
                    Opened::WebSocket(Box::new(socket), open)
                }
                Transport::Polling => Opened::Polling(polling::open(address).await?),
            })
        };
        let opened = timeout(self.config.open_timeout, opened).await;
        opened.unwrap_or(Err(ConnectError::Timeout(transport)))
    }

    fn remember_upgrade(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A session that is open and not begun yet. Dropped, it is closed.
enum Opened {
    WebSocket(Box<ws::WebSocket>, super::Open),
    Polling(polling::Opened),
}
