//! The task of a connection with a [`Handler`]: reads, calls, and flushes once for all that one read delivered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;

use super::cork::Cork;
use super::error::Error;
use super::handler::{Context, Handler};
use super::link::{Batch, Link};
use super::reader::{Flow, Incoming, Reader, Turn, Visitor};
use super::sender::Sender;
use crate::net::Stream;
use crate::proto::{Config, Deflate, Framing, Role, Transmitter};

/// Runs `handler` on a connection whose opening handshake is done, in a task of its own. `leftover` is what was read behind
/// the handshake. Where compression was negotiated, use [`WebSocket::with_deflate`](super::WebSocket::with_deflate) and
/// [`WebSocket::spawn`](super::WebSocket::spawn) instead.
///
/// # Panics
///
/// When called outside a tokio runtime.
pub fn spawn(
    stream: impl Into<Stream>,
    leftover: Bytes,
    role: Role,
    config: Arc<Config>,
    handler: impl Handler,
) -> Sender {
    spawn_reader(Reader::new(stream.into(), leftover, role, config), handler)
}

pub(super) fn spawn_reader(reader: Reader, handler: impl Handler) -> Sender {
    let sender = Sender::new(reader.link.clone());
    tokio::spawn(Driver::new(reader, handler));
    sender
}

/// As [`spawn`], for a server that wants to hold something until the connection has let go of its byte stream.
pub(crate) fn spawn_kept<K: Send + 'static>(
    stream: impl Into<Stream>,
    leftover: Bytes,
    config: Arc<Config>,
    deflate: Option<&Deflate>,
    handler: impl Handler,
    keep: impl FnOnce(Sender) -> K,
) {
    let mut reader = Reader::new(stream.into(), leftover, Role::Server, config);
    if let Some(deflate) = deflate {
        reader.set_deflate(deflate);
    }
    let kept = keep(Sender::new(reader.link.clone()));
    reader.link.keep(Box::new(kept));
    tokio::spawn(Driver::new(reader, handler));
}

/// A connection and its handler, as a future that ends with the connection. It is always a task of its own.
pub(crate) struct Driver<H: Handler> {
    link: Arc<Link>,
    framing: Framing,
    reader: Reader,
    handler: H,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Ended,
}

/// Hands what comes to the handler.
struct Visit<'a, H> {
    handler: &'a mut H,
    cork: &'a mut Cork,
}

impl<H: Handler> Visitor for Visit<'_, H> {
    fn cork(&mut self) -> Option<&mut Cork> {
        Some(self.cork)
    }

    #[inline]
    fn visit(&mut self, link: &Arc<Link>, incoming: Incoming<'_>) -> Flow {
        let mut socket = Context { link, cork: self.cork };
        match incoming {
            Incoming::Message(message) => self.handler.on_message(&mut socket, message),
            Incoming::Ping(payload) => self.handler.on_ping(&mut socket, payload),
            Incoming::Pong(payload) => self.handler.on_pong(&mut socket, payload),
        }
        if link.is_held() { Flow::Stop } else { Flow::Continue }
    }
}

impl<H: Handler> Driver<H> {
    fn new(reader: Reader, handler: H) -> Self {
        let (link, stage) = (reader.link.clone(), Stage::Opening);
        let framing = link.inspect(Transmitter::framing);
        Self { link, framing, reader, handler, stage }
    }

    /// Handles what there is. Everything that is sent meanwhile leaves at its end.
    fn poll_open(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let link = &self.link;
        let turn = {
            let mut batch = Batch::begin(link, self.framing);
            let cork = &mut batch.cork;
            if self.stage == Stage::Opening {
                self.stage = Stage::Open;
                // Once for all: a task has the same waker all its life.
                link.register_reader(cx.waker());
                self.handler.on_open(&mut Context { link, cork });
            }
            for event in link.events() {
                self.handler.on_event(&mut Context { link, cork }, event);
            }
            if link.is_held() && !link.is_closed() {
                Poll::Ready(Turn::Stopped)
            } else {
                self.reader.poll_turn(cx, &mut Visit { handler: &mut self.handler, cork })
            }
        };
        self.reader.unshare();
        match turn {
            Poll::Ready(Turn::Closed) => Poll::Ready(()),
            Poll::Ready(Turn::Stopped) if link.is_held() && !link.is_closed() => Poll::Pending,
            Poll::Ready(Turn::Stopped | Turn::Yield) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending if link.is_closed() => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        }
    }

    fn report(&mut self) {
        let Some(report) = self.link.report() else { return };
        if report.failure.is_some() {
            let error = Error::new(report.clone());
            let mut batch = Batch::begin(&self.link, self.framing);
            let mut socket = Context { link: &self.link, cork: &mut batch.cork };
            self.handler.on_error(&mut socket, &error);
        }
        self.handler.on_close(&report);
    }
}

impl<H: Handler> Future for Driver<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.stage != Stage::Ended {
            ready!(this.poll_open(cx));
            this.stage = Stage::Ended;
            this.report();
        }
        this.reader.poll_end(cx).map(drop)
    }
}

/// Nothing of a driver is pinned: its futures are polled where they stand.
impl<H: Handler> Unpin for Driver<H> {}

/// A task that is dropped with its runtime, or whose handler panicked, still ends with a call of `on_close`.
impl<H: Handler> Drop for Driver<H> {
    fn drop(&mut self) {
        if self.stage != Stage::Ended {
            self.stage = Stage::Ended;
            self.reader.abandon();
            // If it has panicked it may do so again, which must not meet the panic that is under way.
            let _ = catch_unwind(AssertUnwindSafe(|| self.report()));
        }
    }
}
