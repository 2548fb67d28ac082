//! What a client asks for.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use serde::Serialize;

use super::address::{self, Address};
use super::connection::{Connection, Receiver};
use super::join::Auth;
use super::{Config, ConnectError, Handler, HandlerError, IntoReply, Join, Listener, Socket};
use crate::emitter::Listeners;
use crate::engine;
use crate::handler::{self, OnError};

/// Where clients begin: [`Client::builder`].
#[derive(Debug, Clone, Copy)]
pub struct Client;

/// A client that is not connected yet.
#[must_use = "it does nothing until it connects"]
pub struct Builder {
    url: String,
    path: String,
    namespace: Option<String>,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The first header that was none; told when connecting.
    mistake: Option<&'static str>,
    auth: Option<Auth>,
    listeners: Listeners<Listener>,
    on_error: Option<OnError<Socket>>,
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
            headers: Vec::new(),
            mistake: None,
            auth: None,
            listeners: Listeners::new(),
            on_error: None,
            config: Config::default(),
        }
    }
}

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

    /// Asks for the auth payload, an object, that goes to the namespace; it is called for each time that it is sent.
    pub fn auth<F, Fut>(mut self, auth: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: Serialize> + Send + 'static,
    {
        self.auth = Some(Auth::new(auth));
        self
    }

    /// Adds a parameter to the query of the handshake. It needs no encoding.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sends one more header with the handshake, say `Authorization` or `Cookie`.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            _ => self.mistake = Some("a header has an illegal name or value"),
        }
        self
    }

    /// Limits and deadlines.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// As [`Socket::on`], before there is a connection.
    pub fn on<A, R, H>(mut self, event: impl Into<Cow<'static, str>>, handler: H) -> Self
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let (event, listener) = handler::named(event, handler);
        self.listeners.on(event, listener);
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

    /// Connects, and joins the namespace: returns once the server has let the client in.
    ///
    /// # Errors
    /// [`ConnectError`]; [`ConnectError::Refused`] if the server did not.
    pub async fn connect(self) -> Result<Socket, ConnectError> {
        let timeout = self.config.timeout;
        tokio::time::timeout(timeout, self.connect_in_time())
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }

    async fn connect_in_time(self) -> Result<Socket, ConnectError> {
        if let Some(mistake) = self.mistake {
            return Err(ConnectError::Url(mistake));
        }
        let Address { base, namespace, mut query } =
            Address::parse(&self.url).map_err(ConnectError::Url)?;
        for (name, value) in &self.query {
            address::add_parameter(&mut query, name, value);
        }
        let mut limits = ws::Config::default();
        limits.max_message_size = self.config.max_message_size;
        limits.max_frame_size = self.config.max_message_size;
        limits.max_buffered_bytes = self.config.max_buffered_bytes;
        // Engine.IO has a heartbeat of its own.
        limits.ping_interval = None;
        let mut client = ws::Client::builder(engine::client::url(&base, &self.path, &query))
            .handshake_timeout(self.config.timeout)
            .config(limits);
        for (name, value) in self.headers {
            client = client.header(name, value);
        }
        let (config, on_error) = (self.config, self.on_error);
        let (made, connection) = tokio::sync::oneshot::channel();
        engine::client::connect(&client, move |handle| {
            let connection = Connection::new(handle, config, on_error);
            let _ = made.send(connection.clone());
            Receiver::new(connection)
        })
        .await?;
        let closed = || engine::client::ConnectError::Closed;
        let connection = connection.await.map_err(|_| closed())?;
        let namespace = self.namespace.unwrap_or(namespace);
        Join::new(connection, namespace, self.auth, self.listeners).connect_in_time().await
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
