//! The application's say in who may connect, and how.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Request};

use crate::handshake::{Rejection, Subprotocols, Upgrade};

/// A client that asks for a WebSocket; its request is valid. To be accepted, or refused by a [`Rejection`].
#[derive(Debug)]
pub struct Incoming {
    pub(super) request: Request<()>,
    pub(super) upgrade: Upgrade,
    peer_addr: Option<SocketAddr>,
}

impl Incoming {
    pub(super) const fn new(
        request: Request<()>,
        upgrade: Upgrade,
        peer_addr: Option<SocketAddr>,
    ) -> Self {
        Self { request, upgrade, peer_addr }
    }

    /// The request: its URI and headers.
    #[must_use]
    pub const fn request(&self) -> &Request<()> {
        &self.request
    }

    /// The subprotocols that the client offers.
    #[must_use]
    pub fn subprotocols(&self) -> &Subprotocols {
        self.upgrade.subprotocols()
    }

    /// The page that wants to connect, if a browser sent its `Origin`. It has passed
    /// [`ServerConfig::origins`](super::ServerConfig::origins).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.upgrade.origin()
    }

    /// The address of the client, if it is connected by TCP.
    #[must_use]
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    /// Accepts the client.
    #[must_use]
    pub fn accept(self) -> Accept {
        Accept {
            incoming: self,
            subprotocol: None,
            headers: HeaderMap::new(),
            extensions: Extensions::new(),
        }
    }
}

/// An accepted client, and what is said to it.
#[derive(Debug)]
pub struct Accept {
    pub(super) incoming: Incoming,
    pub(super) subprotocol: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
}

impl Accept {
    /// Chooses a subprotocol. It must be one that the client offered, else the client gets a 500. Without a choice here the
    /// first of [`ServerConfig::subprotocols`](super::ServerConfig::subprotocols) that was offered is taken.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Adds a header to the response. Those of the handshake itself can't be set; the client gets a 500 then.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Attaches a value to the connection, one of each type: [`WebSocket::get`](crate::WebSocket::get) finds it, and so do the
    /// extensions of the request that a [`Handler`](crate::Handler) is made from.
    #[must_use]
    pub fn attach<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }
}

/// The application's hook, whatever its type was.
#[derive(Clone)]
pub(super) struct Hook(Arc<dyn Fn(Incoming) -> Deciding + Send + Sync>);

type Deciding = Pin<Box<dyn Future<Output = Result<Accept, Rejection>> + Send>>;

impl Hook {
    pub(super) fn new<F, Fut>(decide: F) -> Self
    where
        F: FnOnce(Incoming) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Accept, Rejection>> + Send + 'static,
    {
        Self(Arc::new(move |incoming| Box::pin(decide.clone()(incoming))))
    }

    pub(super) async fn decide(&self, incoming: Incoming) -> Result<Accept, Rejection> {
        (self.0)(incoming).await
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
