//! A WebSocket server: accepts connections, answers their opening handshakes (RFC 6455 §4.2) and hands out what comes of it.

mod accept;
mod config;
mod registry;
mod upgrade;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Request;
use tokio::net::{TcpStream, ToSocketAddrs};

use crate::handshake::Rejection;
use crate::net::{Acceptor, Busy, Crew, Group, Guard, Shutdown, Wheel};
use crate::proto::{CloseCode, Role};
use crate::stream::{Handler, WebSocket, spawn_kept};
use accept::Hook;
use registry::{Place, Registry};
use upgrade::{Upgraded, upgrade};

pub use accept::{Accept, Incoming};
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
///
/// # Threads
///
/// Where its connections live, and the handlers run, is said by [`ServerConfig::threads`]: on the runtime that serves, or on a
/// thread for each core. [`Threads`](crate::Threads) tells what speaks for which.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let mut config = ws::ServerConfig::default();
/// config.threads = ws::Threads::PerCore;
/// let server = ws::Server::bind_with("127.0.0.1:9001", config).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    listening: Listening,
    config: Arc<ServerConfig>,
    hook: Option<Hook>,
    registry: Arc<Registry>,
}

/// Who accepts.
#[derive(Debug)]
enum Listening {
    /// The task that serves.
    Here(Acceptor),
    /// Threads of the server's own.
    Crew(Group),
}

/// Ends a [`Server`].
#[derive(Debug, Clone)]
pub struct ServerHandle {
    shutdown: Shutdown,
    registry: Arc<Registry>,
    crew: Option<Arc<Crew>>,
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

    /// Listens on `addr`, and starts the threads that [`ServerConfig::threads`] asks for.
    ///
    /// # Errors
    ///
    /// What the system says about the address, or about threads.
    pub async fn bind_with(addr: impl ToSocketAddrs, config: ServerConfig) -> io::Result<Self> {
        let limit = config.max_connections;
        let listening = match config.threads.start().await? {
            None => Listening::Here(Acceptor::bind(addr, limit).await?),
            Some(crew) => Listening::Crew(Group::bind(addr, limit, crew).await?),
        };
        Ok(Self { listening, config: Arc::new(config), hook: None, registry: Arc::default() })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.listening {
            Listening::Here(acceptor) => acceptor.local_addr(),
            Listening::Crew(group) => group.local_addr(),
        }
    }

    /// The handle that ends this server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        let (shutdown, crew) = match &self.listening {
            Listening::Here(acceptor) => (acceptor.shutdown(), None),
            Listening::Crew(group) => (group.shutdown(), Some(group.crew().clone())),
        };
        ServerHandle { shutdown, registry: self.registry.clone(), crew }
    }

    /// Asks `decide` about each client whose request is valid: it may look at the request, wait for a database, choose a
    /// subprotocol, add headers, attach data to the connection, or refuse with any response. It shares the
    /// [`ServerConfig::handshake_timeout`].
    ///
    /// ```no_run
    /// use http::{StatusCode, header};
    /// use ws::handshake::Rejection;
    /// use ws::server::Incoming;
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// # async fn example() -> std::io::Result<()> {
    /// let server = ws::Server::bind("127.0.0.1:9001").await?;
    /// let server = server.on_request(async |client: Incoming| {
    ///     match client.request().headers().get(header::AUTHORIZATION).map(|value| value.to_str()) {
    ///         Some(Ok(name)) => {
    ///             let user = User(name.to_owned());
    ///             Ok(client.accept().attach(user))
    ///         }
    ///         _ => Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")),
    ///     }
    /// });
    /// server
    ///     .serve(async |mut socket: ws::WebSocket| {
    ///         let name = socket.get::<User>().map(|user| user.0.clone()).unwrap_or_default();
    ///         socket.send(format!("hello, {name}")).await
    ///     })
    ///     .await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_request<F, Fut>(mut self, decide: F) -> Self
    where
        F: FnOnce(Incoming) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Accept, Rejection>> + Send + 'static,
    {
        self.hook = Some(Hook::new(decide));
        self
    }

    /// Calls `handler` with each connection, in a task of its own, until the server is shut down. When the handler returns, or
    /// drops the socket, the connection is closed in the background with code 1000. An error that it returns is logged.
    pub async fn serve<F, Fut, E>(self, handler: F)
    where
        F: FnOnce(WebSocket) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let busy = self.busy();
        self.accept(move |upgraded, config, place| {
            let websocket = config.websocket.clone();
            let (stream, leftover) = (upgraded.stream, upgraded.leftover);
            let mut socket = WebSocket::from_stream(stream, leftover, Role::Server, websocket);
            if let Some(deflate) = upgraded.accept.incoming.upgrade.deflate() {
                socket = socket.with_deflate(deflate);
            }
            let socket =
                socket.with_opening(upgraded.accept.subprotocol, upgraded.accept.extensions);
            socket.keep(place.enter(socket.sender()));
            let (handled, busy) = (handler.clone()(socket), busy.clone());
            // The task that spoke HTTP ends: the connection lives in one of its own size.
            tokio::spawn(Handled { handled, _busy: busy });
        })
        .await;
    }

    /// Runs a [`Handler`] on each connection, made by `make` from the request of its opening handshake, until the server is
    /// shut down. What [`Accept::attach`] attached lies in the extensions of the request.
    pub async fn serve_with<H: Handler>(
        self,
        make: impl Fn(&Request<()>) -> H + Clone + Send + 'static,
    ) {
        self.accept(move |upgraded, config, place| {
            let Accept { mut incoming, extensions, .. } = upgraded.accept;
            incoming.request.extensions_mut().extend(extensions);
            let handler = make(&incoming.request);
            let websocket = config.websocket.clone();
            let (stream, leftover) = (upgraded.stream, upgraded.leftover);
            let deflate = incoming.upgrade.deflate();
            spawn_kept(stream, leftover, websocket, deflate, handler, |s| place.enter(s));
        })
        .await;
    }

    /// Answers the handshakes, each in a task of its own, and passes on what succeeds. `Place` lists a connection among those
    /// to be closed at the end.
    async fn accept(self, each: impl Fn(Upgraded, &ServerConfig, Place) + Clone + Send + 'static) {
        let Self { listening, config, hook, registry } = self;
        let answer = move |stream: TcpStream, peer_addr: SocketAddr, guard: Guard| {
            let (config, registry, each) = (config.clone(), registry.clone(), each.clone());
            let hook = hook.clone();
            tokio::spawn(async move {
                if let Some(upgraded) =
                    upgrade((stream, peer_addr).into(), &config, hook.as_ref()).await
                {
                    each(upgraded, &config, Place::new(registry, guard));
                }
            });
        };
        match listening {
            Listening::Here(acceptor) => acceptor.serve(answer).await,
            Listening::Crew(group) => group.serve(answer).await,
        }
    }

    /// For handlers that run on threads of the server's own: they are not cut off before the deadline of the shutdown.
    fn busy(&self) -> Option<Busy> {
        match &self.listening {
            Listening::Here(_) => None,
            Listening::Crew(group) => Some(group.crew().busy()),
        }
    }
}

pin_project_lite::pin_project! {
    /// A handler at work, whose error is logged. An async block would hold it twice.
    struct Handled<Fut> {
        #[pin]
        handled: Fut,
        _busy: Option<Busy>,
    }
}

impl<Fut, E> Future for Handled<Fut>
where
    Fut: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Err(error) = ready!(self.project().handled.poll(cx)) {
            tracing::debug!(%error, "the handler of a WebSocket failed");
        }
        Poll::Ready(())
    }
}

impl ServerHandle {
    /// Stops accepting, closes every connection with 1001, and waits until they are gone, but not for longer than `deadline`;
    /// what is left then is dropped. Returns how many that were.
    ///
    /// Threads of the server's own end as well: once handlers that outlive their connection are done, within the same deadline.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let until = Wheel::deadline(deadline);
        self.shutdown.begin();
        self.registry.close(CloseCode::GOING_AWAY, "server shutting down");
        let left = self.shutdown.drained(deadline).await;
        self.registry.abort();
        if let Some(crew) = &self.crew {
            crew.end(until).await;
        }
        left
    }
}
