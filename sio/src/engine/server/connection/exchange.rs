//! A connection in hyper's hands: for one request, or more if the next is there already.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::super::answer::{Body, close_after, not_found};
use super::{Place, Remote, Site, Wire};

/// A response on its way.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// How hyper let go of a connection.
pub(super) enum Outcome {
    /// It has ended, or has become something else.
    Over,
    /// It waits for the next request.
    Idle(Wire),
    /// Its client waits for this answer.
    Polling(Wire, Answering),
}

/// What is known of the requests that hyper has handed over.
#[derive(Default)]
struct Progress {
    /// At least one: what has begun to come has come whole.
    begun: bool,
    /// Requests that are not answered, and answers that are not written.
    open: usize,
    /// hyper may still have to read of a body that nobody wants.
    unclean: bool,
    wants_upgrade: bool,
    /// A GET of long-polling: it may take long until there is an answer.
    polling: Option<Answering>,
}

type Shared = Arc<Mutex<Progress>>;

enum Step {
    Over,
    Upgrade,
    Quiet,
}

/// Serves what comes, until there is nothing to read or to write.
pub(super) async fn run(site: &Site, wire: Wire, remote: Remote, place: &Place) -> Outcome {
    let (config, blocked) = (site.host().config(), wire.blocked());
    let progress = Shared::default();
    let server =
        Server { site: site.clone(), remote, place: place.clone(), progress: progress.clone() };
    let mut connection = Box::new(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_buf_size(config.max_header_bytes)
            .max_headers(config.max_headers)
            .serve_connection(TokioIo::new(wire), server),
    );
    let mut ended = Some(Box::pin(site.host().0.registry.ended()));
    let step = std::future::poll_fn(|cx| {
        if ended.as_mut().is_some_and(|ended| ended.as_mut().poll(cx).is_ready()) {
            ended = None;
            Pin::new(&mut *connection).graceful_shutdown();
        }
        if let Poll::Ready(result) = Pin::new(&mut *connection).poll(cx) {
            if let Err(error) = result {
                tracing::debug!(%error, ?remote, "HTTP connection failed");
            }
            return Poll::Ready(Step::Over);
        }
        let progress = lock(&progress);
        if progress.wants_upgrade {
            Poll::Ready(Step::Upgrade)
        } else if progress.is_quiet() && !blocked.load(Ordering::Relaxed) && ended.is_some() {
            Poll::Ready(Step::Quiet)
        } else {
            Poll::Pending
        }
    })
    .await;
    match step {
        Step::Over => Outcome::Over,
        Step::Quiet => {
            // Out of there before its place is dropped, which would mean that the client has gone away.
            let polling = lock(&progress).polling.take();
            let parts = connection.into_parts();
            let wire = parts.io.into_inner().push_front(&parts.read_buf);
            match polling {
                Some(answering) => Outcome::Polling(wire, answering),
                None => Outcome::Idle(wire),
            }
        }
        Step::Upgrade => {
            // From now on it stays with hyper, also if no upgrade comes of it.
            let mut connection = Box::pin(connection.with_upgrades());
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = site.host().0.registry.ended() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, ?remote, "HTTP connection failed");
            }
            Outcome::Over
        }
    }
}

impl Progress {
    fn is_quiet(&self) -> bool {
        let waiting = usize::from(self.polling.is_some());
        self.begun && !self.unclean && self.open == waiting
    }
}

/// The service that hyper calls.
struct Server {
    site: Site,
    remote: Remote,
    place: Place,
    progress: Shared,
}

impl Service<Request<Incoming>> for Server {
    type Response = Response<Tracked>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, mut request: Request<Incoming>) -> Answer {
        request.extensions_mut().insert(self.place.clone());
        let (has_body, method) = (!request.body().is_end_stream(), request.method().clone());
        let wants_upgrade = request.headers().contains_key(UPGRADE) || method == Method::CONNECT;
        let keeps_alive = request.version() == Version::HTTP_11 && !wants_close(request.headers());
        let Self { site, remote, .. } = self;
        let mut is_polling = false;
        let engine = site.engine(request.uri().path());
        let is_ours = engine.is_some();
        let answering: Answering = match engine {
            Some(engine) => {
                let taken = engine.take_in(request, *remote);
                is_polling = taken.may_take_long() && keeps_alive && !has_body;
                Box::pin(taken.answer())
            }
            None if wants_upgrade => Box::pin(upgrade_elsewhere(site.clone(), request)),
            None => (site.0.fallback)(request),
        };
        let open = Open::new(&self.progress);
        let mut progress = lock(&self.progress);
        progress.begun = true;
        progress.wants_upgrade |= wants_upgrade;
        // Until the answer tells.
        progress.unclean |= has_body;
        let answering = match is_polling {
            true => {
                progress.polling = Some(answering);
                None
            }
            false => Some(answering),
        };
        // The upgrade must be known of before hyper sees the answer to it.
        Answer {
            answering,
            open: Some(open),
            waits_for_upgrade: wants_upgrade,
            reads_body: has_body && is_ours,
        }
    }
}

/// Rule 4: an upgrade that is not the engine's is left to the application, for a while.
async fn upgrade_elsewhere(site: Site, request: Request<Incoming>) -> Response<Body> {
    let time = site.host().config().destroy_upgrade_timeout;
    let answered = tokio::time::timeout(time, (site.0.fallback)(request)).await;
    let mut response = answered.unwrap_or_else(|_| not_found());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        close_after(&mut response);
    }
    response
}

fn wants_close(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONNECTION).into_iter().map(HeaderValue::as_bytes);
    values.any(|value| {
        value
            .split(|byte| *byte == b',')
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

/// A response on its way to hyper.
struct Answer {
    /// `None` if it lies with the progress.
    answering: Option<Answering>,
    open: Option<Open>,
    waits_for_upgrade: bool,
    /// If it is a success, the body has been read to its end.
    reads_body: bool,
}

impl Future for Answer {
    type Output = Result<Response<Tracked>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::take(&mut self.waits_for_upgrade) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let this = self.get_mut();
        let Some(open) = &this.open else { return Poll::Pending };
        let response = match &mut this.answering {
            Some(answering) => ready!(answering.as_mut().poll(cx)),
            None => {
                let taken = lock(&open.0).polling.take();
                let Some(mut answering) = taken else { return Poll::Pending };
                match answering.as_mut().poll(cx) {
                    Poll::Ready(response) => response,
                    Poll::Pending => {
                        lock(&open.0).polling = Some(answering);
                        return Poll::Pending;
                    }
                }
            }
        };
        if this.reads_body && response.status() == StatusCode::OK {
            lock(&open.0).unclean = false;
        }
        let open = this.open.take();
        Poll::Ready(Ok(response.map(|body| Tracked { body, _open: open })))
    }
}

/// Counts a request until its answer has been handed to the byte stream.
struct Open(Shared);

impl Open {
    fn new(progress: &Shared) -> Self {
        lock(progress).open += 1;
        Self(progress.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

/// A body that hyper drops once it has all of it.
struct Tracked {
    body: Body,
    _open: Option<Open>,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
