//! A connection of a listener of our own: HTTP/1.1 by hyper until it ends or becomes a WebSocket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::Engine;
use super::answer::{Body, not_found};

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

impl Engine {
    /// Serves HTTP/1.1 on a connection until it ends or becomes a WebSocket. Requests that are not the engine's go to `fallback`.
    /// `place` is dropped when the connection is gone, also if it was a WebSocket then: for a limit on connections.
    ///
    /// At the end of [`Self::shutdown`] it ends after the request that is being answered.
    pub async fn serve_connection(
        &self,
        stream: impl Into<ws::net::Stream>,
        remote: Remote,
        fallback: Fallback,
        place: impl Send + Sync + 'static,
    ) {
        let config = self.config();
        let place = Place::new(place);
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(place.clone());
            let (ours, others) = match self.is_path(request.uri().path()) {
                true => (Some(self.handle(request, remote)), None),
                false => (None, Some(fallback(request))),
            };
            async move {
                Ok::<_, Infallible>(match (ours, others) {
                    (Some(ours), _) => ours.await,
                    (None, Some(others)) => others.await,
                    (None, None) => not_found(),
                })
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_buf_size(config.max_header_bytes)
            .max_headers(config.max_headers)
            .serve_connection(TokioIo::new(stream.into()), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.0.registry.ended() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, ?remote, "HTTP connection failed");
        }
    }
}

impl Place {
    pub(super) fn new(kept: impl Send + Sync + 'static) -> Self {
        Self(Arc::new(kept))
    }
}
