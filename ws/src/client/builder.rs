//! What a client asks for, and the ways to connect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use tokio::time::timeout;

use super::dial;
use super::error::ConnectError;
use super::exchange::{self, Answer};
use super::proxy::{Proxy, Route};
use super::refusal;
use super::tls::Tls;
use crate::handshake::{
    Accepted, Opening, OpeningError, Subprotocols, Target, VerifyError, encode_request,
};
use crate::net::Stream;
use crate::proto::{Config, Deflate, DeflateConfig, Role};
use crate::stream::{Handler, Sender, WebSocket};

/// A client for one URL. It may connect any number of times, each time with a key of its own.
///
/// ```no_run
/// # async fn example() -> Result<(), ws::ConnectError> {
/// let client = ws::Client::builder("wss://example.com/chat")
///     .header("authorization", "Bearer 8f1c")
///     .subprotocol("v2.chat")
///     .subprotocol("v1.chat");
/// let connected = client.handshake().await?;
/// assert!(connected.subprotocol().is_some(), "the server speaks another dialect");
/// let socket = connected.into_websocket();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it connects"]
pub struct Client {
    url: Box<str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    subprotocols: Vec<Box<str>>,
    /// The first header that was none; told when connecting.
    mistake: Option<Box<str>>,
    deflate: Vec<DeflateConfig>,
    config: Arc<Config>,
    handshake_timeout: Duration,
    route: Route,
    pub(super) tls: Tls,
}

impl Client {
    /// A client for a URL of scheme `ws` or `wss` (`http` and `https` mean the same).
    ///
    /// Mistakes in the URL, in headers and in subprotocols are told when it connects.
    pub fn builder(url: impl AsRef<str>) -> Self {
        Self {
            url: url.as_ref().into(),
            headers: Vec::new(),
            subprotocols: Vec::new(),
            mistake: None,
            deflate: Vec::new(),
            config: Arc::default(),
            handshake_timeout: Duration::from_secs(10),
            route: Route::Direct,
            tls: Tls::default(),
        }
    }

    /// Sends one more header with the handshake, say `Authorization`, `Cookie` or `Origin`; not one
    /// of the handshake's own.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            (Ok(name), Err(_)) => {
                self.mistake.get_or_insert_with(|| format!("the value of {name}").into());
            }
            (Err(_), _) => {
                self.mistake.get_or_insert_with(|| "a header name".into());
            }
        }
        self
    }

    /// Offers one more subprotocol, after those offered already. The server may choose none; see
    /// [`Connected::subprotocol`].
    pub fn subprotocol(mut self, name: impl AsRef<str>) -> Self {
        self.subprotocols.push(name.as_ref().into());
        self
    }

    /// Offers compression of messages by permessage-deflate (RFC 7692; feature `deflate`). Called again, it offers other
    /// parameters to a server that can't accept those; the server takes the first that it can. See [`DeflateConfig`] on
    /// what it costs and what it may give away, and [`Connected::deflate`] for what came of it.
    pub fn deflate(mut self, offer: DeflateConfig) -> Self {
        self.deflate.push(offer);
        self
    }

    /// Limits, keepalive and deadlines of the open connection.
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// How long everything until the server's answer may take: name, TCP, TLS and handshake.
    /// Default: 10 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Connects through a proxy. Default: none.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.route = Route::Through(proxy);
        self
    }

    /// Connects through the proxy that the environment of the process names now: `http_proxy` for `ws` and `http`, `https_proxy` for
    /// `wss` and `https`, or else `all_proxy`, but for those servers that `no_proxy` lists (`*`, names with all below them, with or
    /// without a port, addresses, networks such as `10.0.0.0/8`). Small letters come before capitals; `HTTP_PROXY` in capitals is
    /// not looked at in a CGI program, whose clients could set it. Values are as for [`Proxy::new`], where `http://` may be left
    /// out. A bad one is told when connecting. Default: the environment is not looked at.
    pub fn proxy_from_env(mut self) -> Self {
        self.route = Route::from_env();
        self
    }

    /// The same client for another URL.
    pub fn url(mut self, url: impl AsRef<str>) -> Self {
        self.url = url.as_ref().into();
        self
    }

    /// A byte stream to the server of the URL, through proxy and TLS if it takes them: for who speaks plain HTTP with the same
    /// server. No handshake is made; the deadline is that of one.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn dial(&self) -> Result<Stream, ConnectError> {
        let target: Target = self.url.parse().map_err(ConnectError::Url)?;
        let proxy = self.route.proxy(&target)?;
        let dialled = dial::dial(&target, proxy, &self.tls);
        timeout(self.handshake_timeout, dialled).await.map_err(|_| ConnectError::Timeout)?
    }

    /// Connects, to pull messages from the socket.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect(&self) -> Result<WebSocket, ConnectError> {
        self.handshake().await.map(Connected::into_websocket)
    }

    /// Connects, to have a handler called in a task of the connection's own.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect_with(&self, handler: impl Handler) -> Result<Sender, ConnectError> {
        Ok(self.handshake().await?.spawn(handler))
    }

    /// Connects, to see the server's answer before the WebSocket is used.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn handshake(&self) -> Result<Connected, ConnectError> {
        self.open(None).await
    }

    /// The handshake over a byte stream that leads to the server already: a Unix socket, a tunnel
    /// through a proxy. For `wss` TLS is spoken over it.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn handshake_over(
        &self,
        stream: impl Into<Stream>,
    ) -> Result<Connected, ConnectError> {
        self.open(Some(stream.into())).await
    }

    /// Over a stream that is there, or else over TCP.
    async fn open(&self, stream: Option<Stream>) -> Result<Connected, ConnectError> {
        let opening = self.opening()?;
        let target = opening.target();
        let exchange = async {
            let stream = match stream {
                Some(stream) => dial::secured(stream, target, &self.tls).await?,
                None => dial::dial(target, self.route.proxy(target)?, &self.tls).await?,
            };
            exchange::exchange(stream, &encode_request(&opening.request())).await
        };
        let answer = timeout(self.handshake_timeout, exchange).await;
        self.judge(&opening, answer.map_err(|_| ConnectError::Timeout)??).await
    }

    fn opening(&self) -> Result<Opening, ConnectError> {
        if let Some(what) = &self.mistake {
            return Err(ConnectError::Header(what.clone()));
        }
        let target: Target = self.url.parse().map_err(ConnectError::Url)?;
        let subprotocols =
            Subprotocols::new(&self.subprotocols).map_err(ConnectError::Subprotocol)?;
        // RFC 6455 §4.1 item 7: "The nonce MUST be selected randomly for each connection."
        let mut opening = Opening::new(target, rand::random()).subprotocols(subprotocols);
        for offer in self.deflate.iter().cloned() {
            opening = opening.deflate(offer);
        }
        for (name, value) in self.headers.iter().cloned() {
            opening = opening.header(name, value).map_err(|error| match error {
                OpeningError::ReservedHeader(name) => {
                    ConnectError::Header(format!("{name}, which is the handshake's own").into())
                }
            })?;
        }
        Ok(opening)
    }

    /// Not under the deadline any more: the answer is here. Only the body of a refusal may take a
    /// moment.
    async fn judge(&self, opening: &Opening, answer: Answer) -> Result<Connected, ConnectError> {
        match opening.verify(&answer.response) {
            Ok(accepted) => {
                let Answer { stream, response, leftover } = answer;
                Ok(Connected { stream, response, leftover, accepted, config: self.config.clone() })
            }
            Err(VerifyError::Refused { .. }) => {
                Err(ConnectError::Refused(refusal::read(answer).await))
            }
            Err(error) => Err(ConnectError::Invalid(error)),
        }
    }
}

impl fmt::Debug for Client {
    /// Without the values of headers, which are often secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Client")
            .field("url", &self.url)
            .field("headers", &headers)
            .field("subprotocols", &self.subprotocols)
            .field("deflate", &self.deflate)
            .field("config", &self.config)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// A connection on which the server has agreed to speak WebSocket.
#[derive(Debug)]
pub struct Connected {
    stream: Stream,
    response: Response<()>,
    leftover: Bytes,
    accepted: Accepted,
    config: Arc<Config>,
}

impl Connected {
    /// The subprotocol that the server chose, if it chose one of those offered.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.accepted.subprotocol()
    }

    /// How messages are compressed, if the server accepted an offer of [`Client::deflate`].
    #[must_use]
    pub fn deflate(&self) -> Option<&Deflate> {
        self.accepted.deflate()
    }

    /// The server's response, 101, with its headers.
    #[must_use]
    pub const fn response(&self) -> &Response<()> {
        &self.response
    }

    /// A WebSocket to pull messages from.
    #[must_use]
    pub fn into_websocket(self) -> WebSocket {
        let subprotocol = self.subprotocol().map(str::to_owned);
        let Self { stream, leftover, accepted, config, .. } = self;
        let socket = WebSocket::from_stream(stream, leftover, Role::Client, config)
            .with_opening(subprotocol, http::Extensions::new());
        match accepted.deflate() {
            Some(deflate) => socket.with_deflate(deflate),
            None => socket,
        }
    }

    /// Calls a handler in a task of the connection's own.
    pub fn spawn(self, handler: impl Handler) -> Sender {
        self.into_websocket().spawn(handler)
    }
}
