//! What the application holds of a session.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ws::net::Wheel;

use super::RequestInfo;
use super::peer::Peer;
use crate::engine::{Outgoing, Protocol, SendError, Sid, Transport};

/// A session, to send on from any task. Cheap to clone.
///
/// Sends queue and never wait; what is queued leaves in the same turn of the runtime if the client takes it.
#[derive(Clone)]
pub struct Handle(Arc<Peer>);

impl Handle {
    pub(super) const fn new(peer: Arc<Peer>) -> Self {
        Self(peer)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError::Full`] if too many bytes wait for the client, [`SendError::Closed`] if the session is closing or closed.
    pub fn send(&self, packet: impl Borrow<Outgoing>) -> Result<(), SendError> {
        self.0.send(packet.borrow())
    }

    /// Sends messages, nothing between them: all or none.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_all(&self, packets: &[Outgoing]) -> Result<(), SendError> {
        self.0.send_all(packets)
    }

    /// As [`Self::send_all`], but waits for room. Cancel-safe: a future that is dropped has sent all or none.
    ///
    /// # Errors
    /// [`SendError::Closed`] only.
    pub async fn send_when_ready(&self, packets: &[Outgoing]) -> Result<(), SendError> {
        loop {
            match self.send_all(packets) {
                Err(SendError::Full) => self.ready().await,
                sent => return sent,
            }
        }
    }

    /// As [`Self::send_when_ready`], but gives up after `time`.
    ///
    /// # Errors
    /// As [`Self::send`]: [`SendError::Full`] if there was no room in time.
    pub async fn send_within(&self, packets: &[Outgoing], time: Duration) -> Result<(), SendError> {
        let deadline = Wheel::deadline(time).into();
        let sent = tokio::time::timeout_at(deadline, self.send_when_ready(packets)).await;
        sent.unwrap_or(Err(SendError::Full))
    }

    /// Sends messages only if they leave at once ([`Self::is_writable`]), else drops them: for what is worthless when late. Gives
    /// whether they were sent.
    ///
    /// # Errors
    /// [`SendError::Closed`] only.
    pub fn send_volatile(&self, packets: &[Outgoing]) -> Result<bool, SendError> {
        self.0.send_volatile(packets)
    }

    /// Does the transport take what is sent now: does a GET wait, or has the WebSocket written all before?
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.0.is_writable()
    }

    /// Waits until there is room for messages ([`Config::max_buffered_bytes`](crate::engine::Config::max_buffered_bytes)), or the
    /// session is over.
    pub async fn ready(&self) {
        self.0.ready().await;
    }

    /// Waits until the client has taken all that was sent, as far as the transport can tell, or the session is over.
    pub async fn drained(&self) {
        self.0.drained().await;
    }

    /// Closes the session after what has been sent. What the client sends from now on is ignored.
    pub fn close(&self) {
        self.0.close();
    }

    /// Bytes that wait for the client.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.buffered_bytes()
    }

    /// The request that opened the session.
    #[must_use]
    pub fn request(&self) -> &Arc<RequestInfo> {
        self.0.request()
    }

    /// The id of the session, a secret of client and server.
    pub(crate) fn sid(&self) -> &Sid {
        self.0.sid()
    }

    /// The version of Engine.IO that the client speaks.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.0.dialect().protocol()
    }

    /// The transport that carries messages now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.0.transport()
    }

    /// Takes no more from the client until [`Self::resume_reading`]: a WebSocket is not read, a POST not answered. Pongs are not heard
    /// either, and not waited for: a client that vanishes meanwhile is found out after the pause.
    pub fn pause_reading(&self) {
        self.0.pause_reading();
    }

    /// Reads on.
    pub fn resume_reading(&self) {
        self.0.resume_reading();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("session", &self.0.sid())
            .field("transport", &self.transport())
            .finish_non_exhaustive()
    }
}
