//! From a TCP address to sessions: the listener of a server of its own, and the way in for other HTTP servers.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Incoming};
use tokio::net::ToSocketAddrs;
use ws::net::Acceptor;

use super::Io;
use crate::engine::server::{Body, Remote, body};

impl Io {
    /// Serves on a TCP address until [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// What the system says about the address.
    pub async fn listen(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        self.bind(addr).await?.serve().await;
        Ok(())
    }

    /// Listens on a TCP address, and serves once told so: to know the port, or to drop privileges before.
    ///
    /// # Errors
    /// What the system says about the address.
    pub async fn bind(&self, addr: impl ToSocketAddrs) -> io::Result<Listening> {
        let acceptor = Acceptor::bind(addr, self.config().max_connections).await?;
        self.listeners().push(acceptor.shutdown());
        Ok(Listening { io: self.clone(), acceptor })
    }

    /// Answers the HTTP requests that are not for Socket.IO, such as the page of the client. Without it they get a 404.
    ///
    /// ```no_run
    /// # let io = sio::server::Io::new();
    /// io.fallback(async |request| match request.uri().path() {
    ///     "/" => http::Response::new("<h1>Hello</h1>"),
    ///     _ => http::Response::builder().status(404).body("not found").expect("a valid response"),
    /// });
    /// ```
    pub fn fallback<F, Fut, B>(&self, answer: F)
    where
        F: FnOnce(Request<Incoming>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<B>> + Send + 'static,
        B: Into<Bytes>,
    {
        self.set_fallback(Arc::new(move |request| {
            let answered = answer.clone()(request);
            Box::pin(async move { answered.await.map(body) })
        }));
    }

    /// Answers one HTTP request, for a server that is not ours: hyper's, axum's. It must be for
    /// [`Config::engine`](super::Config::engine)`.path`, and the connection must allow upgrades.
    ///
    /// The request is in flight from this call on; see [`Engine::handle`](crate::engine::server::Engine::handle).
    pub fn handle<B>(
        &self,
        request: Request<B>,
        remote: Remote,
    ) -> impl Future<Output = Response<Body>> + use<B>
    where
        B: HttpBody + Unpin,
    {
        self.engine().handle(request, remote)
    }
}

/// A server that listens but does not serve yet.
pub struct Listening {
    io: Io,
    acceptor: Acceptor,
}

impl Listening {
    /// The address, with the port that the system has chosen.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.local_addr()
    }

    /// Serves until [`Io::shutdown`].
    pub async fn serve(self) {
        let Self { io, acceptor } = self;
        acceptor
            .serve(|stream, peer, place| {
                let engine = io.engine().clone();
                let fallback = io.get_fallback();
                let remote = Remote { addr: Some(peer), secure: false };
                tokio::spawn(async move {
                    engine.serve_connection(stream, remote, fallback, place).await
                });
            })
            .await;
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("acceptor", &self.acceptor).finish_non_exhaustive()
    }
}
