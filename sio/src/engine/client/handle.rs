//! What a client holds of its session.

use std::borrow::Borrow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use ws::net::{Timed, Wheel};
use ws::{CloseCode, TrySendError};

use crate::engine::{CloseReason, Liveness, Open, Outgoing, SendError};

/// When a pong found no room among what waits, it is tried again after this time.
const RETRY: Duration = Duration::from_millis(100);

/// A session with a server, to send on from any task. Cheap to clone. Dropping it does not close the session.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    socket: ws::Sender,
    open: Open,
    /// Largest message that the server takes.
    max_payload: usize,
    liveness: Mutex<Liveness>,
    /// A pong has found no room.
    owes_pong: AtomicBool,
    /// Why the session ended, known to whoever ended it before the connection has.
    ended: OnceLock<CloseReason>,
}

impl Handle {
    /// The session that `open` describes.
    pub(super) fn new(socket: ws::Sender, open: Open) -> Self {
        let max_payload =
            open.max_payload.and_then(|max| usize::try_from(max).ok()).filter(|max| *max > 0);
        let shared = Arc::new(Shared {
            socket,
            max_payload: max_payload.unwrap_or(usize::MAX),
            liveness: Mutex::new(Liveness::new(&open, Wheel::now(), SystemTime::now())),
            open,
            owes_pong: AtomicBool::new(false),
            ended: OnceLock::new(),
        });
        let deadline = shared.liveness().deadline();
        shared.schedule(deadline);
        Self(shared)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError::TooLarge`] if the server does not take so large a message, [`SendError::Full`] if too many bytes wait for it
    /// already, [`SendError::Closed`] if the session is closing or closed.
    pub fn send(&self, packet: impl Borrow<Outgoing>) -> Result<(), SendError> {
        let packet = packet.borrow();
        self.check(std::slice::from_ref(packet))?;
        self.0.socket.try_send_prepared(packet.prepared()).map_err(refused)
    }

    /// Sends messages, nothing between them: all or none.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_all(&self, packets: &[Outgoing]) -> Result<(), SendError> {
        self.check(packets)?;
        let frames: Vec<_> = packets.iter().map(|packet| packet.prepared().clone()).collect();
        self.0.socket.try_send_all(&frames).map_err(refused)
    }

    /// Closes the session after what has been sent.
    pub fn close(&self) {
        self.end(CloseReason::ForcedClose);
    }

    /// Closes the session because what the server sends makes no sense to whoever stands above ("parse error").
    pub fn fail(&self) {
        self.end(CloseReason::ParseError);
    }

    /// Bytes that wait for the server.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.socket.buffered_bytes()
    }

    /// What the server told about the session.
    #[must_use]
    pub fn open(&self) -> &Open {
        &self.0.open
    }

    /// Reads nothing more until [`Self::resume_reading`]. Pings are not heard either: the server is not given up for that, but one
    /// that hears no pong for its `pingTimeout` gives up the client.
    pub fn pause_reading(&self) {
        self.0.liveness().handle_pause();
        self.0.socket.pause_reading();
    }

    /// Reads on.
    pub fn resume_reading(&self) {
        self.0.liveness().handle_resume(Wheel::now(), SystemTime::now());
        self.0.socket.resume_reading();
    }

    pub(super) fn handle_ping(&self, data: &str) {
        self.0.liveness().handle_ping(Wheel::now(), SystemTime::now());
        let pong = Outgoing::pong(data);
        if let Err(TrySendError::Full(())) = self.0.socket.try_send_prepared(pong.prepared()) {
            self.0.owes_pong.store(true, Ordering::Release);
            self.0.schedule(Wheel::now() + RETRY);
        }
    }

    /// Closes the session for this reason, unless it has ended already.
    pub(super) fn end(&self, reason: CloseReason) {
        self.0.end(reason);
    }

    pub(super) fn ended(&self) -> Option<CloseReason> {
        self.0.ended.get().copied()
    }

    fn check(&self, packets: &[Outgoing]) -> Result<(), SendError> {
        if packets.iter().any(|packet| packet.len() > self.0.max_payload) {
            return Err(SendError::TooLarge);
        }
        // Rule 15: a machine that slept finds out when it wants to send, not when the timer comes round.
        if self.0.has_expired() {
            self.0.end(CloseReason::PingTimeout);
        }
        if self.0.ended.get().is_some() { Err(SendError::Closed) } else { Ok(()) }
    }
}

impl Shared {
    fn has_expired(&self) -> bool {
        self.liveness().is_expired(Wheel::now(), SystemTime::now())
    }

    fn end(&self, reason: CloseReason) {
        if self.ended.set(reason).is_err() {
            return;
        }
        match reason {
            // Nobody is there to answer a close frame.
            CloseReason::PingTimeout => self.socket.abort(),
            _ => self.socket.close(CloseCode::NORMAL, ""),
        }
    }

    fn schedule(self: &Arc<Self>, at: Instant) {
        let weak: Weak<Self> = Arc::downgrade(self);
        Wheel::current().schedule(weak, at);
    }

    fn liveness(&self) -> MutexGuard<'_, Liveness> {
        self.liveness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timed for Shared {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        if self.ended.get().is_some() || !self.socket.is_open() {
            return None;
        }
        if self.has_expired() {
            self.end(CloseReason::PingTimeout);
            return None;
        }
        if self.owes_pong.swap(false, Ordering::AcqRel) {
            let sent = self.socket.try_send_prepared(Outgoing::pong("").prepared());
            if matches!(sent, Err(TrySendError::Full(()))) {
                self.owes_pong.store(true, Ordering::Release);
                return Some(now + RETRY);
            }
            // The wheel still knows of the deadline.
            return None;
        }
        // It may have passed while reading is paused.
        Some(self.liveness().deadline().max(now + RETRY))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("ended", &self.0.ended.get()).finish_non_exhaustive()
    }
}

fn refused(error: TrySendError<()>) -> SendError {
    match error {
        TrySendError::Full(()) => SendError::Full,
        TrySendError::Closed(()) => SendError::Closed,
    }
}
