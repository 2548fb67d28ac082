//! Sending from anywhere.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::error::{SendError, TrySendError};
use super::link::{Link, Refused};
use super::waiting::{Until, Wait};
use crate::proto::{
    CloseCode, CloseFrame, CloseReport, Compress, Message, Outgoing, Prepared, Transmitter,
};

/// Sends on a connection from any task; cheap to clone.
///
/// A message is queued under a short lock and leaves in the same turn of the runtime, together with whatever else was queued.
#[derive(Debug, Clone)]
pub struct Sender {
    link: Arc<Link>,
}

impl Sender {
    pub(super) const fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Sends a message if there is room for it.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes, or too much waits already (see
    /// [`Config::max_buffered_bytes`](crate::Config::max_buffered_bytes)).
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        self.try_send_with(message, Compress::Auto)
    }

    /// As [`Sender::try_send`], compressed or not. It makes a difference where permessage-deflate was negotiated.
    ///
    /// # Errors
    ///
    /// As [`Sender::try_send`].
    pub fn try_send_with(
        &self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), TrySendError> {
        let message = message.into();
        match self.link.queue(Outgoing::Message(&message, compress)) {
            Ok(()) => Ok(()),
            Err(Refused::Full) => Err(TrySendError::Full(message)),
            Err(Refused::Closed) => Err(TrySendError::Closed(message)),
        }
    }

    /// Sends a message as soon as there is room for it.
    ///
    /// Cancel-safe: a future that is dropped has queued the whole message or nothing of it.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), SendError> {
        self.send_with(message, Compress::Auto).await
    }

    /// As [`Sender::send`], compressed or not. It makes a difference where permessage-deflate was negotiated.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes.
    pub async fn send_with(
        &self,
        message: impl Into<Message>,
        compress: Compress,
    ) -> Result<(), SendError> {
        let message = message.into();
        while let Err(refused) = self.link.queue(Outgoing::Message(&message, compress)) {
            match refused {
                Refused::Full => Wait::new(&self.link, Until::Room).await,
                Refused::Closed => return Err(SendError::Closed(message)),
            }
        }
        Ok(())
    }

    /// As [`Sender::send`], but gives up after `timeout`.
    ///
    /// # Errors
    ///
    /// The message comes back if the connection closes or there was no room in time.
    pub async fn send_timeout(
        &self,
        message: impl Into<Message>,
        timeout: Duration,
    ) -> Result<(), SendError> {
        let message = message.into();
        match tokio::time::timeout(timeout, self.send(message.clone())).await {
            Ok(result) => result,
            Err(_) => Err(SendError::Timeout(message)),
        }
    }

    /// Sends a message that was framed before.
    ///
    /// # Errors
    ///
    /// As [`Sender::try_send`], with nothing to come back.
    #[inline]
    pub fn try_send_prepared(&self, prepared: &Prepared) -> Result<(), TrySendError<()>> {
        self.queue(prepared.into())
    }

    /// Sends messages that were framed before, with no other between them; all or none.
    ///
    /// # Errors
    ///
    /// As [`Sender::try_send`], with nothing to come back.
    pub fn try_send_all(&self, prepared: &[Prepared]) -> Result<(), TrySendError<()>> {
        self.queue(Outgoing::Prepared(prepared))
    }

    /// Sends a ping with at most 125 bytes of payload.
    ///
    /// # Errors
    ///
    /// As [`Sender::try_send`], with nothing to come back.
    pub fn ping(&self, payload: &[u8]) -> Result<(), TrySendError<()>> {
        self.queue(Outgoing::Ping(payload))
    }

    /// Starts the closing handshake. `reason` is cut at 123 bytes. Messages that wait are sent first.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.link.close(CloseFrame::new(code, reason));
    }

    /// Gives the connection up: nothing that waits is sent, no closing handshake. The byte stream of a connection with a handler
    /// ends at once; that of a [`WebSocket`](super::WebSocket) when it is next received from, or dropped.
    pub fn abort(&self) {
        self.link.abort();
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.link.buffered_bytes()
    }

    /// Waits until nothing waits to be written, or the connection has ended.
    pub async fn drained(&self) {
        Wait::new(&self.link, Until::Drained).await;
    }

    /// Waits until there is room for a message, or the connection has ended. Others may take the room first.
    pub async fn ready(&self) {
        Wait::new(&self.link, Until::Room).await;
    }

    /// Whether the byte stream has taken all that it was offered: what is sent now waits behind nothing.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.link.inspect(|t| t.is_open() && !t.is_blocked())
    }

    /// Whether messages can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub fn report(&self) -> Option<CloseReport> {
        self.link.report()
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

    /// Has the connection's handler called with an event of the application
    /// ([`Handler::on_event`](super::Handler::on_event)).
    ///
    /// # Errors
    ///
    /// The event comes back if the connection has ended, or if 1024 events wait already.
    pub fn notify(&self, event: impl Any + Send) -> Result<(), Box<dyn Any + Send>> {
        self.link.notify(Box::new(event))
    }

    /// Reads no more from a connection with a handler, so that the peer has to wait. What was read already, and pings, wait
    /// too; so does the finding of dead peers depend on [`Sender::resume_reading`].
    pub fn pause_reading(&self) {
        self.link.pause();
    }

    /// Reads again.
    pub fn resume_reading(&self) {
        self.link.resume();
    }

    #[inline]
    fn queue(&self, outgoing: Outgoing<'_>) -> Result<(), TrySendError<()>> {
        self.link.queue(outgoing).map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
        })
    }
}
