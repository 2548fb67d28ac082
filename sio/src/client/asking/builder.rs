//! What a client asks for.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::address::Address;
use super::join::{self, Asks};
use super::provider::{Auth, BoxError, Headers, Url};
use super::setters::asking;
use crate::client::manager::{Manager, ManagerEvent, OnManager, Settings};
use crate::client::{
    Config, ConnectError, DisconnectReason, Handler, HandlerError, IntoReply, Listener, Socket,
};
use crate::engine::Transport;
use crate::engine::client::{Client as Engine, ConnectError as SessionError, Server};
use crate::handler::{self, For, Listens, OnError, Typed, TypedEvent};

/// Where clients begin: [`Client::builder`].
#[derive(Debug, Clone, Copy)]
pub struct Client;

/// A client that is not connected yet. It may connect any number of times, each time over a connection of its own; several namespaces
/// of one connection are joined by [`Socket::namespace`].
#[derive(Clone)]
#[must_use = "it does nothing until it connects"]
pub struct Builder {
    url: String,
    path: String,
    namespace: Option<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    /// The first header that was none; told when connecting.
    mistake: Option<&'static str>,
    url_provider: Option<Url>,
    headers_provider: Option<Headers>,
    pub(in crate::client) websocket: ws::Client,
    asks: Asks,
    on_error: Option<OnError<Socket>>,
    on_manager: Option<OnManager>,
    config: Config,
}

impl Client {
    /// A client for a URL of scheme `http`, `https`, `ws` or `wss`, whose path is the namespace and whose query goes with the
    /// handshake. Mistakes in it are told when it connects.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder {
            url: url.into(),
            path: "/socket.io/".to_owned(),
            namespace: None,
            query: Vec::new(),
            headers: HeaderMap::new(),
            mistake: None,
            url_provider: None,
            headers_provider: None,
            websocket: ws::Client::builder(""),
            asks: Asks::default(),
            on_error: None,
            on_manager: None,
            config: Config::default(),
        }
    }
}

/// Where to connect to, and how.
impl Builder {
    /// The namespace, instead of the URL's path.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The path of the server's engine. Default `/socket.io/`; a slash at each end is added where it is missing.
    pub fn path(mut self, path: impl AsRef<str>) -> Self {
        self.path = match path.as_ref().trim_matches('/') {
            "" => "/".to_owned(),
            path => format!("/{path}/"),
        };
        self
    }

    /// Adds a parameter to the query of the handshake. It needs no encoding.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sends one more header with each request, say `Authorization` or `Cookie`. Cookies that the server sets are sent back in any
    /// case.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => _ = self.headers.append(name, value),
            _ => self.mistake = Some("a header has an illegal name or value"),
        }
        self
    }

    /// Asks for the URL before each try to connect, say from a directory of servers. The one of [`Client::builder`] still names the
    /// namespace; the path of this is of no importance.
    pub fn url_from<F, Fut, E>(mut self, url: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.url_provider = Some(Url::new(move || async move { url().await.map_err(Into::into) }));
        self
    }

    /// Asks for more headers before each try to connect, say for a token that expires.
    pub fn headers_from<F, Fut, E>(mut self, headers: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let ask = move || async move { headers().await.map_err(Into::into) };
        self.headers_provider = Some(Headers::new(ask));
        self
    }

    /// The transports, in the order in which they are tried. See [`Config::engine`].
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.config.engine.transports = transports.into_iter().collect();
        self
    }

    /// Connects through a proxy, over every transport.
    pub fn proxy(mut self, proxy: ws::client::Proxy) -> Self {
        self.websocket = self.websocket.proxy(proxy);
        self
    }

    /// Connects through the proxy that the environment of the process names now, if it names one for the server; over every transport.
    /// See [`ws::Client::proxy_from_env`]. Default: the environment is not looked at.
    pub fn proxy_from_env(mut self) -> Self {
        self.websocket = self.websocket.proxy_from_env();
        self
    }

    /// How connections are made: TLS, proxy and compression as in this client of the crate `ws`, whose URL, limits and deadlines are
    /// of no importance.
    pub fn websocket(mut self, websocket: ws::Client) -> Self {
        self.websocket = websocket;
        self
    }

    /// Limits, deadlines and policies. It comes before [`transports`](Self::transports), which are part of it.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Called when a handler could not be called, returned an error or panicked. It is logged in any case.
    pub fn on_error(
        mut self,
        on_error: impl Fn(&Socket, &str, &HandlerError) + Send + Sync + 'static,
    ) -> Self {
        self.on_error = Some(Arc::new(on_error));
        self
    }

    /// Called with what happens to the connection: opened, lost, tried again. It should be short.
    pub fn on_manager(
        mut self,
        on_manager: impl Fn(ManagerEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_manager = Some(Arc::new(on_manager));
        self
    }
}

asking!(Builder);

/// Connecting.
impl Builder {
    /// Connects, and joins the namespace: returns once the server has let the client in. From then on a connection that is lost is
    /// made again ([`Config::reconnection`]).
    ///
    /// # Errors
    /// [`ConnectError`]; [`ConnectError::Refused`] if the server did not.
    pub async fn connect(self) -> Result<Socket, ConnectError> {
        let (manager, namespace, asks) = self.prepare()?;
        join::join(&manager, namespace, asks).await
    }

    /// As [`connect`](Self::connect), but returns at once: the connection is made in the background, and tried for as after a loss
    /// (whatever [`Reconnection::first`](crate::client::Reconnection::first) says). What is emitted meanwhile waits.
    ///
    /// # Errors
    /// [`ConnectError`] for mistakes in URL, headers and configuration.
    pub fn start(mut self) -> Result<Socket, ConnectError> {
        self.config.reconnection.first = true;
        let (manager, namespace, asks) = self.prepare()?;
        let socket = join::enter(&manager, namespace, asks, None)?;
        drop(manager.start());
        Ok(socket)
    }

    /// One connection, from its beginning to its end, without reconnection: for who has a supervisor of their own, that calls this
    /// again. What there is to do is done by handlers; [`on_connect`](Self::on_connect) begins. Gives the reason of the end.
    /// Dropping the future ends the connection.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn run(&self) -> Result<DisconnectReason, ConnectError> {
        let mut once = self.clone();
        once.config.reconnection.enabled = false;
        let socket = once.connect().await?;
        Ok(socket.closed().await)
    }

    fn prepare(self) -> Result<(Arc<Manager>, String, Asks), ConnectError> {
        if let Some(mistake) = self.mistake {
            return Err(ConnectError::Url(mistake));
        }
        self.config.validate().map_err(ConnectError::Config)?;
        let Address { base, namespace, query } =
            Address::parse(&self.url).map_err(ConnectError::Url)?;
        let mut server = Server::new(base, self.path);
        server.query = query;
        server.headers = self.headers;
        let engine = Engine::new(self.config.engine.clone(), self.websocket)
            .map_err(|error| ConnectError::Session(SessionError::Config(error)))?;
        let settings = Settings {
            config: Arc::new(self.config),
            server,
            query: self.query,
            url: self.url_provider,
            headers: self.headers_provider,
            on_error: self.on_error,
            on_manager: self.on_manager,
        };
        let manager = Manager::new(settings, Arc::new(engine));
        Ok((manager, self.namespace.unwrap_or(namespace), self.asks))
    }
}

impl fmt::Debug for Builder {
    /// Without headers and auth, which are often secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("url", &self.url)
            .field("path", &self.path)
            .field("namespace", &self.namespace)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
