//! Being called by a connection, instead of asking it.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::cork::Cork;
use super::error::{Error, TrySendError};
use super::link::{Link, Refused};
use super::sender::Sender;
use crate::proto::{
    CloseCode, CloseFrame, CloseReport, Compress, Message, Outgoing, Payload, Prepared, Transmitter,
};

/// What is called when something happens on a connection.
///
/// The calls of one connection come one at a time, in order, from its own task. A message is borrowed from the read buffer;
/// what is sent through the [`Context`] leaves together, once all that was read with this message has been handled. So a
/// handler must not block: what takes long belongs into a task, with a [`Sender`] for the answer.
///
/// ```
/// struct Echo;
///
/// impl ws::Handler for Echo {
///     fn on_message(&mut self, socket: &mut ws::Context<'_>, message: ws::Payload<'_>) {
///         let _ = socket.send_payload(&message);
///     }
/// }
/// ```
pub trait Handler: Send + 'static {
    /// The connection is open. Comes first.
    fn on_open(&mut self, socket: &mut Context<'_>) {
        let _ = socket;
    }

    /// A message arrived.
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>);

    /// A ping arrived; it is answered already.
    fn on_ping(&mut self, socket: &mut Context<'_>, payload: &[u8]) {
        let _ = (socket, payload);
    }

    /// A pong arrived.
    fn on_pong(&mut self, socket: &mut Context<'_>, payload: &[u8]) {
        let _ = (socket, payload);
    }

    /// Somebody called [`Sender::notify`].
    fn on_event(&mut self, socket: &mut Context<'_>, event: Box<dyn Any + Send>) {
        let _ = (socket, event);
    }

    /// The connection failed; [`Handler::on_close`] follows.
    fn on_error(&mut self, socket: &mut Context<'_>, error: &Error) {
        let _ = (socket, error);
    }

    /// The connection has ended. Comes last, exactly once.
    fn on_close(&mut self, report: &CloseReport) {
        let _ = report;
    }
}

/// The connection, as its handler sees it.
#[derive(Debug)]
pub struct Context<'a> {
    pub(super) link: &'a Arc<Link>,
    pub(super) cork: &'a mut Cork,
}

impl Context<'_> {
    /// Sends a message. Owned payloads of 2 KiB and more leave without a copy.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes, or too much waits already (see
    /// [`Config::max_buffered_bytes`](crate::Config::max_buffered_bytes)).
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.send_with(message, Compress::Auto)
    }

    /// As [`Context::send`], compressed or not. It makes a difference where permessage-deflate was negotiated.
    ///
    /// # Errors
    ///
    /// As [`Context::send`].
    pub fn send_with(
        &mut self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), TrySendError> {
        let message = message.into();
        match self.link.queue_corked(self.cork, Outgoing::Message(&message, compress)) {
            Ok(()) => Ok(()),
            Err(Refused::Full) => Err(TrySendError::Full(message)),
            Err(Refused::Closed) => Err(TrySendError::Closed(message)),
        }
    }

    /// Sends a copy of `text`.
    ///
    /// # Errors
    ///
    /// As [`Context::send`], with nothing to come back.
    pub fn text(&mut self, text: &str) -> Result<(), TrySendError<()>> {
        self.queue(Outgoing::Text(text))
    }

    /// Sends a copy of `bytes` as a binary message.
    ///
    /// # Errors
    ///
    /// As [`Context::send`], with nothing to come back.
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), TrySendError<()>> {
        self.queue(Outgoing::Binary(bytes))
    }

    /// Sends a received message back, or on.
    ///
    /// # Errors
    ///
    /// As [`Context::send`], with nothing to come back.
    pub fn send_payload(&mut self, payload: &Payload<'_>) -> Result<(), TrySendError<()>> {
        self.queue(Outgoing::Payload(payload))
    }

    /// Sends a message that was framed before.
    ///
    /// # Errors
    ///
    /// As [`Context::send`], with nothing to come back.
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), TrySendError<()>> {
        self.queue(prepared.into())
    }

    /// Sends a ping with at most 125 bytes of payload.
    ///
    /// # Errors
    ///
    /// As [`Context::send`], with nothing to come back.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), TrySendError<()>> {
        self.queue(Outgoing::Ping(payload))
    }

    /// Starts the closing handshake. `reason` is cut at 123 bytes.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.link.close_corked(self.cork, CloseFrame::new(code, reason));
    }

    /// A handle to send from anywhere.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender::new(self.link.clone())
    }

    /// The address of the peer, if the connection is TCP.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.link.peer_addr()
    }

    /// The time between the latest answered keepalive ping and its pong.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.link.inspect(Transmitter::latency)
    }

    #[inline]
    fn queue(&mut self, outgoing: Outgoing<'_>) -> Result<(), TrySendError<()>> {
        self.link.queue_corked(self.cork, outgoing).map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
        })
    }
}
