//! A WebSocket server: accepts connections, answers their opening handshakes (RFC 6455 §4.2) and hands out what comes of it.

mod config;
mod registry;
mod upgrade;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::net::ToSocketAddrs;

use crate::net::{Acceptor, Shutdown};
use crate::proto::{CloseCode, Role};
use crate::stream::{Handler, WebSocket, spawn_kept};
use registry::{Place, Registry};
use upgrade::{Upgraded, upgrade};

pub use config::ServerConfig;

/// A WebSocket server on a TCP address.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = ws::Server::bind("127.0.0.1:9001").await?;
/// server
///     .serve(async |mut socket: ws::WebSocket| {
///         while let Some(message) = socket.recv().await? {
///             socket.send(message).await?;
///         }
///         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///     })
///     .await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    acceptor: Acceptor,
    config: Arc<ServerConfig>,
    registry: Arc<Registry>,
}

/// Ends a [`Server`].
#[derive(Debug, Clone)]
pub struct ServerHandle {
    shutdown: Shutdown,
    registry: Arc<Registry>,
}

impl Server {
    /// Listens on `addr` with the default [`ServerConfig`].
    ///
    /// # Errors
    ///
    /// What the system says about the address.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with(addr, ServerConfig::default()).await
    }

    /// Listens on `addr`.
    ///
    /// # Errors
    ///
    /// What the system says about the address.
    pub async fn bind_with(addr: impl ToSocketAddrs, config: ServerConfig) -> io::Result<Self> {
        let acceptor = Acceptor::bind(addr, config.max_connections).await?;
        Ok(Self { acceptor, config: Arc::new(config), registry: Arc::default() })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.local_addr()
    }

    /// The handle that ends this server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle { shutdown: self.acceptor.shutdown(), registry: self.registry.clone() }
    }

    /// Calls `handler` with each connection, in a task of its own, until the server is shut down. When the handler returns, or
    /// drops the socket, the connection is closed in the background with code 1000. An error that it returns is logged.
    pub async fn serve<F, Fut, E>(self, handler: F)
    where
        F: FnOnce(WebSocket) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        self.accept(move |upgraded, config, place| {
            let websocket = config.websocket.clone();
            let (stream, leftover) = (upgraded.stream, upgraded.leftover);
            let socket = WebSocket::from_stream(stream, leftover, Role::Server, websocket);
            socket.keep(place.enter(socket.sender()));
            let handled = handler.clone()(socket);
            // The task that spoke HTTP ends: the connection lives in one of its own size.
            tokio::spawn(async move {
                if let Err(error) = handled.await {
                    tracing::debug!(%error, "the handler of a WebSocket failed");
                }
            });
        })
        .await;
    }

    /// Runs a [`Handler`] on each connection, made by `make` from the request of its opening handshake, until the server is
    /// shut down.
    pub async fn serve_with<H: Handler>(
        self,
        make: impl Fn(&Request<()>) -> H + Clone + Send + 'static,
    ) {
        self.accept(move |upgraded, config, place| {
            let handler = make(&upgraded.request);
            let websocket = config.websocket.clone();
            spawn_kept(upgraded.stream, upgraded.leftover, websocket, handler, |s| place.enter(s));
        })
        .await;
    }

    /// Answers the handshakes, each in a task of its own, and passes on what succeeds. `Place` lists a connection among those
    /// to be closed at the end.
    async fn accept(self, each: impl Fn(Upgraded, &ServerConfig, Place) + Clone + Send + 'static) {
        let Self { acceptor, config, registry } = self;
        acceptor
            .serve(|stream, _, guard| {
                let (config, registry, each) = (config.clone(), registry.clone(), each.clone());
                tokio::spawn(async move {
                    if let Some(upgraded) = upgrade(stream.into(), &config).await {
                        each(upgraded, &config, Place::new(registry, guard));
                    }
                });
            })
            .await;
    }
}

impl ServerHandle {
    /// Stops accepting, closes every connection with 1001, and waits until they are gone, but not for longer than `deadline`;
    /// what is left then is dropped. Returns how many that were.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        self.shutdown.begin();
        self.registry.close(CloseCode::GOING_AWAY, "server shutting down");
        let left = self.shutdown.drained(deadline).await;
        self.registry.abort();
        left
    }
}
