//! The server as a service and a layer of tower (feature `tower`).

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use tower_layer::Layer;
use tower_service::Service;

use super::embed::Answering;
use crate::engine::server::Body;
use crate::server::{Io, IoService};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<B> Service<Request<B>> for IoService
where
    B: HttpBody + Unpin + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        self.answer(request)
    }
}

/// Puts the server in front of another service, which gets the requests that are not for Socket.IO. Made by [`Io::into_layer`].
#[derive(Clone, Debug)]
pub struct IoLayer(IoService);

/// Socket.IO in front of another service. Made by [`IoLayer`].
#[derive(Clone, Debug)]
pub struct Layered<S> {
    io: IoService,
    inner: S,
}

impl Io {
    /// The server as a layer, in front of other services.
    #[must_use]
    pub fn into_layer(self) -> IoLayer {
        IoLayer(self.into_service())
    }
}

impl<S> Layer<S> for IoLayer {
    type Service = Layered<S>;

    fn layer(&self, inner: S) -> Layered<S> {
        Layered { io: self.0.clone(), inner }
    }
}

impl<S, B, R> Service<Request<B>> for Layered<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: HttpBody + Unpin + Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = LayeredFuture<S::Future>;

    /// Requests for Socket.IO need not wait for the other service, but are not known before they are there.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        LayeredFuture(match self.io.takes(&request) {
            true => Either::Ours(self.io.answer(request)),
            false => Either::Others(Box::pin(self.inner.call(request))),
        })
    }
}

/// What [`Layered`] promises.
pub struct LayeredFuture<F>(Either<F>);

enum Either<F> {
    Ours(Answering),
    Others(Pin<Box<F>>),
}

impl<F, R, E> Future for LayeredFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match &mut self.0 {
            Either::Ours(answering) => match ready!(answering.as_mut().poll(cx)) {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            },
            Either::Others(answering) => {
                let boxed = |body: R| body.map_err(Into::into).boxed_unsync();
                ready!(answering.as_mut().poll(cx)).map(|response| response.map(boxed))
            }
        })
    }
}

impl<F> fmt::Debug for LayeredFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayeredFuture").finish_non_exhaustive()
    }
}
