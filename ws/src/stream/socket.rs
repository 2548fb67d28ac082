//! A WebSocket to pull messages from.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_core::Stream as FuturesStream;
use futures_sink::Sink;
use http::Extensions;

use super::cork::Cork;
use super::driver::spawn_reader;
use super::error::{Error, SendError, TrySendError};
use super::handler::Handler;
use super::link::{Link, Refused};
use super::reader::{Flow, Incoming, Reader, Turn, Visitor};
use super::sender::Sender;
use super::waiting::{SOCKET, Until, Wait};
use crate::net::Stream;
use crate::proto::{
    CloseCode, CloseFrame, CloseReport, Compress, Config, Deflate, Message, Outgoing, Role,
};

/// A WebSocket connection whose opening handshake is done.
///
/// Pings are answered and the closing handshake is completed by [`WebSocket::recv`]; somebody should always be receiving. While
/// nobody does, a peer is not given up for its silence, unless it takes nothing of what is sent to it either.
///
/// It is also a [`Stream`](futures_core::Stream) and a [`Sink`] of [`Message`].
///
/// ```
/// # async fn example(mut socket: ws::WebSocket) -> Result<(), Box<dyn std::error::Error>> {
/// while let Some(message) = socket.recv().await? {
///     socket.send(message).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct WebSocket {
    reader: WebSocketReader,
    sender: Sender,
    /// Only if there is something to remember.
    opening: Option<Box<Opening>>,
}

/// What is left of the opening handshake.
#[derive(Debug)]
struct Opening {
    subprotocol: Option<String>,
    extensions: Extensions,
}

/// The half of a [`WebSocket`] that receives.
///
/// When it is dropped the connection is closed in the background with code 1000, whatever [`Sender`]s there are.
#[derive(Debug)]
pub struct WebSocketReader {
    /// There until it is dropped. Boxed, because futures hold what they were given more than once.
    reader: Option<Box<Reader>>,
    /// Who receives.
    waker: Option<Waker>,
    /// Whether a receive has waited last.
    attends: bool,
}

/// The next message.
struct Next(Option<Message>);

impl Visitor for Next {
    fn cork(&mut self) -> Option<&mut Cork> {
        None
    }

    fn visit(&mut self, _: &Arc<Link>, incoming: Incoming<'_>) -> Flow {
        match incoming {
            Incoming::Message(payload) => {
                self.0 = Some(payload.into_message());
                Flow::Stop
            }
            Incoming::Ping(_) | Incoming::Pong(_) => Flow::Continue,
        }
    }
}

/// Nobody wants it any more.
struct Discard;

impl Visitor for Discard {
    fn cork(&mut self) -> Option<&mut Cork> {
        None
    }

    fn visit(&mut self, _: &Arc<Link>, _: Incoming<'_>) -> Flow {
        Flow::Continue
    }
}

/// A receive; once it is over or dropped nobody listens to the peer until the next one.
struct Receive<'a>(&'a mut WebSocketReader);

impl WebSocket {
    /// A connection on `stream`. `leftover` is what was read behind the opening handshake.
    ///
    /// # Panics
    ///
    /// When called outside a tokio runtime.
    pub fn from_stream(
        stream: impl Into<Stream>,
        leftover: Bytes,
        role: Role,
        config: Arc<Config>,
    ) -> Self {
        let reader = Reader::new(stream.into(), leftover, role, config);
        let sender = Sender::new(reader.link.clone());
        reader.link.attend(false);
        let reader =
            WebSocketReader { reader: Some(Box::new(reader)), waker: None, attends: false };
        Self { reader, sender, opening: None }
    }

    /// Compresses messages as client and server agreed in the opening handshake. To be called before anything is sent or
    /// received.
    #[must_use]
    pub fn with_deflate(mut self, deflate: &Deflate) -> Self {
        if let Some(reader) = &mut self.reader.reader {
            reader.set_deflate(deflate);
        }
        self
    }

    /// Has a handler called from now on, in a task of the connection's own.
    ///
    /// # Panics
    ///
    /// When called outside a tokio runtime.
    pub fn spawn(mut self, handler: impl Handler) -> Sender {
        let reader = self.reader.reader.take().expect("it is there until it is dropped");
        reader.link.attend(true);
        spawn_reader(*reader, handler)
    }

    /// Notes what was agreed upon by the opening handshake, and what was attached to the connection.
    #[must_use]
    pub fn with_opening(mut self, subprotocol: Option<String>, extensions: Extensions) -> Self {
        if subprotocol.is_some() || !extensions.is_empty() {
            self.opening = Some(Box::new(Opening { subprotocol, extensions }));
        }
        self
    }

    /// The subprotocol that was agreed upon (RFC 6455 §1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.opening.as_ref()?.subprotocol.as_deref()
    }

    /// What was attached to the connection by [`Accept::attach`](crate::server::Accept::attach).
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.opening.as_ref()?.extensions.get()
    }

    /// The next message, or `None` when the connection was closed by a closing handshake.
    ///
    /// Cancel-safe: a future that is dropped loses nothing.
    ///
    /// # Errors
    ///
    /// When the connection failed. It is over then.
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send {
        Receive(&mut self.reader)
    }

    /// Sends a message as soon as there is room for it. It is written at once, unless messages that were read together with
    /// the last one are still to be received: then it leaves with the answers to those, or when this task yields.
    ///
    /// Cancel-safe: a future that is dropped has queued the whole message or nothing of it.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes.
    pub fn send(
        &mut self,
        message: impl Into<Message>,
    ) -> impl Future<Output = Result<(), SendError>> + Send {
        self.send_with(message, Compress::Auto)
    }

    /// As [`WebSocket::send`], compressed or not. It makes a difference where permessage-deflate was negotiated.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes.
    pub fn send_with(
        &mut self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> impl Future<Output = Result<(), SendError>> + Send {
        let message = message.into();
        async move {
            while let Err(refused) = self.put(Outgoing::Message(&message, compress)) {
                match refused {
                    Refused::Full => Wait::new(self.link(), Until::Room).await,
                    Refused::Closed => return Err(SendError::Closed(message)),
                }
            }
            Ok(())
        }
    }

    /// Sends a message if there is room for it.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes, or too much waits already (see
    /// [`Config::max_buffered_bytes`]).
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message, Compress::Auto)
    }

    /// As [`WebSocket::try_send`], compressed or not. It makes a difference where permessage-deflate was negotiated.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::try_send`].
    pub fn try_send_with(
        &mut self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), TrySendError> {
        let message = message.into();
        match self.put(Outgoing::Message(&message, compress)) {
            Ok(()) => Ok(()),
            Err(Refused::Full) => Err(TrySendError::Full(message)),
            Err(Refused::Closed) => Err(TrySendError::Closed(message)),
        }
    }

    #[inline]
    fn put(&self, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        let reader = self.reader.reader();
        if reader.has_rest() {
            reader.link.queue(outgoing)
        } else {
            reader.link.queue_and_flush(outgoing)
        }
    }

    /// Waits until everything that was sent is written, or the connection has ended. Cancel-safe.
    pub async fn flush(&mut self) {
        self.sender.drained().await;
    }

    /// Closes the connection: sends what waits and a close frame, and waits for the peer's, for at most
    /// [`Config::close_timeout`]. Messages that arrive meanwhile are dropped; to have them, use [`Sender::close`] and receive
    /// until `None`. `reason` is cut at 123 bytes.
    ///
    /// Cancel-safe: once it was polled the close frame is on its way, and it may be called again.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> CloseReport {
        self.sender.close(code, reason);
        self.finish().await
    }

    /// Receives and drops messages until the connection has ended.
    pub(crate) async fn finish(&mut self) -> CloseReport {
        loop {
            match self.reader.recv().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return error.report().clone(),
            }
        }
        match self.sender.report() {
            Some(report) => report,
            None => unreachable!("the connection ended without a report"),
        }
    }

    /// A handle to send from any task.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The address of the peer, if the connection is TCP.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.link().peer_addr()
    }

    /// Two halves that can be used by different tasks without a lock between them.
    #[must_use]
    pub fn split(self) -> (WebSocketReader, Sender) {
        (self.reader, self.sender)
    }

    /// Holds `kept` until the byte stream is let go of.
    pub(crate) fn keep(&self, kept: impl Send + 'static) {
        self.link().keep(Box::new(kept));
    }

    fn link(&self) -> &Arc<Link> {
        &self.reader.reader().link
    }
}

impl WebSocketReader {
    /// As [`WebSocket::recv`].
    ///
    /// # Errors
    ///
    /// When the connection failed. It is over then.
    pub fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> + Send {
        Receive(self)
    }

    fn reader(&self) -> &Reader {
        self.reader.as_deref().expect("it is there until it is dropped")
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let received = self.poll_message(cx);
        self.attend(received.is_pending());
        received
    }

    fn attend(&mut self, attends: bool) {
        if self.attends != attends {
            self.attends = attends;
            self.reader().link.attend(attends);
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let reader = self.reader.as_mut().expect("it is there until it is dropped");
        if let Some(message) = reader.next_waiting() {
            return Poll::Ready(Ok(Some(message)));
        }
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            reader.link.register_reader(cx.waker());
            self.waker = Some(cx.waker().clone());
        }
        let mut next = Next(None);
        loop {
            let turn = reader.poll_turn(cx, &mut next);
            if let Some(message) = next.0.take() {
                return Poll::Ready(Ok(Some(message)));
            }
            match turn {
                Poll::Ready(Turn::Closed) => break,
                Poll::Ready(Turn::Stopped | Turn::Yield) => {}
                Poll::Pending => {
                    reader.link.flush_if_scheduled();
                    if !reader.link.is_closed() {
                        return Poll::Pending;
                    }
                }
            }
        }
        let report = ready!(reader.poll_end(cx));
        Poll::Ready(if report.failure.is_some() { Err(Error::new(report)) } else { Ok(None) })
    }
}

impl Future for Receive<'_> {
    type Output = Result<Option<Message>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll_recv(cx)
    }
}

impl Drop for Receive<'_> {
    fn drop(&mut self) {
        self.0.attend(false);
    }
}

impl Drop for WebSocketReader {
    fn drop(&mut self) {
        let Some(mut reader) = self.reader.take().filter(|reader| !reader.has_ended()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let code =
            if std::thread::panicking() { CloseCode::INTERNAL_ERROR } else { CloseCode::NORMAL };
        reader.link.close(CloseFrame::new(code, ""));
        let mut is_registered = false;
        runtime.spawn(std::future::poll_fn(move |cx| {
            if !std::mem::replace(&mut is_registered, true) {
                reader.link.register_reader(cx.waker());
            }
            loop {
                match ready!(reader.poll_turn(cx, &mut Discard)) {
                    Turn::Closed => return reader.poll_end(cx).map(drop),
                    Turn::Stopped | Turn::Yield => {}
                }
            }
        }));
    }
}

impl FuturesStream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().reader).poll_next(cx)
    }
}

/// Ends after an error; both kinds of end are `None` from then on.
impl FuturesStream for WebSocketReader {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.reader().has_ended() {
            return Poll::Ready(None);
        }
        this.poll_recv(cx).map(Result::transpose)
    }
}

impl Sink<Message> for WebSocket {
    type Error = SendError<()>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.link().poll_until(cx, Until::Room, &mut Some(SOCKET)));
        Poll::Ready(if self.sender.is_open() { Ok(()) } else { Err(SendError::Closed(())) })
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        self.link().queue_promised((&message).into()).map_err(|_| SendError::Closed(()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.link().flush_if_scheduled();
        self.link().poll_until(cx, Until::Drained, &mut Some(SOCKET)).map(Ok)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let this = self.get_mut();
        this.sender.close(CloseCode::NORMAL, "");
        while ready!(this.reader.poll_recv(cx)).is_ok_and(|message| message.is_some()) {}
        Poll::Ready(Ok(()))
    }
}
