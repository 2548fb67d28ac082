//! A connection of a listener of our own: HTTP/1.1 until it ends or becomes a WebSocket.
//!
//! ```text
//!            bytes come                    nothing to read or to write
//!  +------+ ------------> +-----------+ -----------------------------> +------+
//!  | idle |               | hyper     |                                | idle |
//!  +------+ <------------ | (exchange)| -----------------------------> +------+
//!             answered    +-----------+  a GET of long-polling waits   | poll |
//!                               | Upgrade                              +------+
//!                               v
//!                         a WebSocket, in a task of its own
//! ```
//! hyper holds on to its buffers, some 16 KiB, for as long as it has a connection. A client of long-polling does nothing but wait, so
//! that its connection is taken out of hyper's hands whenever there is nothing to read or to write, and given back with the next
//! request: all that comes is read by hyper, and only the answer to a GET that has waited is written here.

mod exchange;
mod idle;
mod wire;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use self::exchange::Outcome;
pub(super) use self::wire::Wire;
use super::Engine;
use super::answer::Body;

/// Answers the requests that are not the engine's.
pub type Fallback = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remote {
    /// The address of the client, or of the proxy in between; `None` on a Unix socket.
    pub addr: Option<SocketAddr>,
    /// Did it come over TLS?
    pub secure: bool,
}

/// Something that is kept for as long as a connection lives. Travels with its requests.
#[derive(Clone)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] Arc<dyn Send + Sync>);

/// What is served at one address: engines, each with a path of its own, and whoever answers the other requests.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    engines: Vec<Engine>,
    fallback: Fallback,
}

impl Site {
    /// A site with one engine, whose settings for HTTP apply to all.
    #[must_use]
    pub fn new(engine: Engine, fallback: Fallback) -> Self {
        Self::with_engines(vec![engine], fallback)
    }

    /// A site with several engines. The settings of the first for HTTP apply to all, and connections end when it has shut down. Of
    /// two with the same path the first gets the requests.
    ///
    /// # Panics
    /// Without an engine.
    #[must_use]
    pub fn with_engines(engines: Vec<Engine>, fallback: Fallback) -> Self {
        assert!(!engines.is_empty(), "a site has an engine");
        Self(Arc::new(Inner { engines, fallback }))
    }

    /// Serves HTTP/1.1 on a connection until it ends or becomes a WebSocket. `place` is dropped when the connection is gone, also if
    /// it was a WebSocket then: for a limit on connections.
    ///
    /// At the end of [`Engine::shutdown`] it ends after the request that is being answered.
    pub async fn serve_connection(
        &self,
        stream: impl Into<ws::net::Stream>,
        remote: Remote,
        place: impl Send + Sync + 'static,
    ) {
        let place = Place(Arc::new(place));
        let mut wire = Wire::new(stream.into());
        loop {
            // In boxes, so that a client of long-polling that waits, as it does most of the time, keeps room for nothing else.
            let exchange = Box::pin(exchange::run(self, wire, remote, &place));
            let quiet = match exchange.await {
                Outcome::Over => return,
                Outcome::Idle(wire) => Some(wire),
                Outcome::Polling(wire, answering) => idle::poll(self, wire, answering).await,
            };
            let Some(quiet) = quiet else { return };
            wire = match Box::pin(idle::wait(self, quiet)).await {
                Some(wire) => wire,
                None => return,
            };
        }
    }

    /// Time in which what stands between TCP and HTTP must have begun.
    #[must_use]
    pub fn handshake_timeout(&self) -> std::time::Duration {
        self.host().config().header_timeout
    }

    /// The engine whose settings apply.
    fn host(&self) -> &Engine {
        &self.0.engines[0]
    }

    /// The engine that a request is for.
    fn engine(&self, path: &str) -> Option<&Engine> {
        self.0.engines.iter().find(|engine| engine.is_path(path))
    }
}

impl Engine {
    /// Serves HTTP/1.1 on a connection of which the requests that are not the engine's go to `fallback`; see
    /// [`Site::serve_connection`].
    pub async fn serve_connection(
        &self,
        stream: impl Into<ws::net::Stream>,
        remote: Remote,
        fallback: Fallback,
        place: impl Send + Sync + 'static,
    ) {
        Site::new(self.clone(), fallback).serve_connection(stream, remote, place).await;
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("engines", &self.0.engines).finish_non_exhaustive()
    }
}
