//! The way in for HTTP servers that are not ours: hyper's, and what stands on it.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Incoming};

use crate::engine::server::{Body, Remote, not_found};
use crate::server::Io;

/// The server as a service, for an HTTP server of your own. Cheap to clone.
///
/// It answers requests for [`Config::engine`](crate::server::Config::engine)`.path`, and others with 404. The connection must allow upgrades,
/// or else there is only long-polling.
///
/// Where a request comes from is not part of it. Put a [`Remote`] into its extensions, or say it with
/// [`from`](Self::from_remote) where each connection has a service of its own, as with hyper. Without it there are no limits per
/// address, and [`Handshake::address`](crate::server::Handshake::address) is unknown.
///
/// It is a service of hyper. With the feature `tower` it is one of tower, too, and [`IoLayer`](crate::server::IoLayer) passes on other
/// requests; with the feature `axum` the address is that of axum's `ConnectInfo`.
#[derive(Clone)]
pub struct IoService {
    pub(in crate::server) io: Io,
    remote: Option<Remote>,
}

/// What [`IoService`] and [`Io::handle`] promise.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Io {
    /// The server as a service; see [`IoService`].
    #[must_use]
    pub fn into_service(self) -> IoService {
        IoService { io: self, remote: None }
    }

    /// Answers one HTTP request, for a server that is not ours. It must be for
    /// [`Config::engine`](crate::server::Config::engine)`.path`, and the connection must allow upgrades.
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

impl IoService {
    /// The same for requests that come from there.
    #[must_use]
    pub fn from_remote(mut self, remote: Remote) -> Self {
        self.remote = Some(remote);
        self
    }

    /// Is a request Socket.IO's?
    #[must_use]
    pub fn takes<B>(&self, request: &Request<B>) -> bool {
        self.io.engine().is_path(request.uri().path())
    }

    pub(in crate::server) fn answer<B>(&self, request: Request<B>) -> Answering
    where
        B: HttpBody + Unpin + Send + 'static,
    {
        if !self.takes(&request) {
            return Box::pin(async { Ok(not_found()) });
        }
        let told = request.extensions().get::<Remote>().copied();
        let remote = self.remote.or(told).or_else(|| super::peer::of(request.extensions()));
        let answered = self.io.handle(request, remote.unwrap_or_default());
        Box::pin(async move { Ok(answered.await) })
    }
}

impl hyper::service::Service<Request<Incoming>> for IoService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.answer(request)
    }
}

impl fmt::Debug for IoService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoService").field("io", &self.io).field("remote", &self.remote).finish()
    }
}
