//! What a client holds of its session.

use std::borrow::Borrow;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;
use ws::net::{Timed, Wheel};

use super::outlet::Outlet;
use crate::engine::{Alarm, Batches, CloseReason, Liveness, Open, Outgoing, SendError, Transport};

/// When a pong found no room among what waits, it is tried again after this time.
const RETRY: Duration = Duration::from_millis(100);

/// A session with a server, to send on from any task. Cheap to clone. Dropping it does not close the session.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    outlet: Mutex<Outlet>,
    open: Open,
    /// Largest message that the server takes.
    max_payload: usize,
    max_buffered_bytes: usize,
    liveness: Mutex<Liveness>,
    alarm: Mutex<Alarm>,
    /// A pong has found no room.
    owes_pong: AtomicBool,
    /// Why the session ended, known to whoever ended it before the connection has.
    ended: OnceLock<CloseReason>,
    /// Wakes the task of a polling session: there is something to send, or to do.
    work: Notify,
    /// Nothing is left of the session.
    is_gone: AtomicBool,
    /// Wakes who waits for room in a polling session, or for the end.
    room: Notify,
}

impl Handle {
    /// The session that `open` describes.
    pub(super) fn new(outlet: Outlet, open: Open, max_buffered_bytes: usize) -> Self {
        let max_payload =
            open.max_payload.and_then(|max| usize::try_from(max).ok()).filter(|max| *max > 0);
        let now = Wheel::now();
        let shared = Arc::new(Shared {
            outlet: Mutex::new(outlet),
            max_payload: max_payload.unwrap_or(usize::MAX),
            max_buffered_bytes,
            liveness: Mutex::new(Liveness::new(&open, now, SystemTime::now())),
            alarm: Mutex::default(),
            open,
            owes_pong: AtomicBool::new(false),
            ended: OnceLock::new(),
            work: Notify::new(),
            is_gone: AtomicBool::new(false),
            room: Notify::new(),
        });
        let next = shared.liveness().next_look(now);
        shared.schedule(next);
        Self(shared)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendError::TooLarge`] if the server does not take so large a message, [`SendError::Full`] if too many bytes wait for it
    /// already, [`SendError::Closed`] if the session is closing or closed.
    pub fn send(&self, packet: impl Borrow<Outgoing>) -> Result<(), SendError> {
        self.send_all(std::slice::from_ref(packet.borrow()))
    }

    /// Sends messages, nothing between them: all or none.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_all(&self, packets: &[Outgoing]) -> Result<(), SendError> {
        self.check_open()?;
        self.0.outlet().send_all(packets, self.0.max_payload, self.0.max_buffered_bytes)?;
        self.0.work.notify_one();
        Ok(())
    }

    /// Whether the transport takes what is sent now: nothing waits before it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.0.ended.get().is_none() && self.0.outlet().is_writable()
    }

    /// Waits until there is room for messages ([`Config::max_buffered_bytes`](super::Config::max_buffered_bytes)), or the session is
    /// over. Others may take the room first.
    pub async fn ready(&self) {
        loop {
            let room = self.0.room.notified();
            let socket = {
                let outlet = self.0.outlet();
                let full = outlet.buffered_bytes() >= self.0.max_buffered_bytes;
                if !full || self.ended().is_some() {
                    return;
                }
                outlet.websocket().cloned()
            };
            match socket {
                Some(socket) => return socket.ready().await,
                None => room.await,
            }
        }
    }

    /// Closes the session after what has been sent.
    pub fn close(&self) {
        self.end(CloseReason::ForcedClose);
    }

    /// Waits until nothing is left of the session: after [`close`](Self::close), until what was sent before has left.
    pub async fn closed(&self) {
        loop {
            let mut gone = pin!(self.0.room.notified());
            gone.as_mut().enable();
            if self.0.is_gone.load(Ordering::Acquire) {
                return;
            }
            gone.await;
        }
    }

    /// Nothing is left of the session, and its handler has been told.
    pub(super) fn handle_gone(&self) {
        self.0.is_gone.store(true, Ordering::Release);
        self.0.room.notify_waiters();
    }

    /// Closes the session because what the server sends makes no sense to whoever stands above ("parse error").
    pub fn fail(&self) {
        self.end(CloseReason::ParseError);
    }

    /// Bytes that wait for the server.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.outlet().buffered_bytes()
    }

    /// What the server told about the session.
    #[must_use]
    pub fn open(&self) -> &Open {
        &self.0.open
    }

    /// The transport that carries the session now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match &*self.0.outlet() {
            Outlet::Polling(_) => Transport::Polling,
            Outlet::WebSocket(_) => Transport::WebSocket,
        }
    }

    /// Reads nothing more until [`Self::resume_reading`]. Pings are not heard either: the server is not given up for that, and is
    /// sent pongs unasked, so that it does not give up the client.
    pub fn pause_reading(&self) {
        self.0.liveness().handle_pause();
        let next = Wheel::now() + self.0.liveness().pace();
        self.0.outlet().pause_reading(true);
        self.0.schedule(next);
    }

    /// Reads on.
    pub fn resume_reading(&self) {
        self.0.liveness().handle_resume(Wheel::now(), SystemTime::now());
        self.0.outlet().pause_reading(false);
        self.0.work.notify_one();
    }

    pub(super) fn is_paused(&self) -> bool {
        self.0.liveness().is_deaf()
    }

    pub(super) fn handle_ping(&self, data: &str) {
        self.0.liveness().handle_ping(Wheel::now(), SystemTime::now());
        self.0.pong(data);
    }

    /// Closes the session for this reason, unless it has ended already.
    pub(super) fn end(&self, reason: CloseReason) {
        self.0.end(reason);
    }

    pub(super) fn ended(&self) -> Option<CloseReason> {
        self.0.ended.get().copied()
    }

    /// What a polling session has to do has changed.
    pub(super) async fn work(&self) {
        self.0.work.notified().await;
    }

    /// Takes from the queue of a polling session, which makes room.
    pub(super) fn with_batches<T>(
        &self,
        take: impl FnOnce(&mut Batches, usize) -> Option<T>,
    ) -> Option<T> {
        let taken = take(self.0.outlet().batches()?, self.0.max_payload);
        self.0.room.notify_waiters();
        taken
    }

    /// The WebSocket carries the session from now on. `false` if something still waits that has to go first.
    pub(super) fn move_to(&self, socket: &ws::Sender) -> bool {
        let mut outlet = self.0.outlet();
        if outlet.batches().is_some_and(|batches| !batches.is_empty()) {
            return false;
        }
        *outlet = Outlet::WebSocket(socket.clone());
        outlet.pause_reading(self.is_paused());
        if let Some(reason) = self.ended() {
            outlet.end(reason == CloseReason::PingTimeout);
        }
        drop(outlet);
        self.0.room.notify_waiters();
        true
    }

    fn check_open(&self) -> Result<(), SendError> {
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
        // Nobody is there to answer a close frame.
        self.outlet().end(reason == CloseReason::PingTimeout);
        self.work.notify_one();
        self.room.notify_waiters();
    }

    fn pong(self: &Arc<Self>, data: &str) {
        if self.outlet().pong(data) {
            self.work.notify_one();
        } else {
            self.owes_pong.store(true, Ordering::Release);
            self.schedule(Wheel::now() + RETRY);
        }
    }

    fn schedule(self: &Arc<Self>, at: Instant) {
        if !self.alarm().set(at) {
            return;
        }
        let weak: Weak<Self> = Arc::downgrade(self);
        Wheel::current().schedule(weak, at);
    }

    fn outlet(&self) -> MutexGuard<'_, Outlet> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alarm(&self) -> MutexGuard<'_, Alarm> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn liveness(&self) -> MutexGuard<'_, Liveness> {
        self.liveness.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timed for Shared {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        if !self.alarm().ring(now) || self.ended.get().is_some() {
            return None;
        }
        if self.has_expired() {
            self.end(CloseReason::PingTimeout);
            return None;
        }
        if self.owes_pong.swap(false, Ordering::AcqRel) || self.liveness().is_deaf() {
            self.pong("");
        }
        let next = self.liveness().next_look(now);
        self.alarm().next(Some(next))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("ended", &self.0.ended.get()).finish_non_exhaustive()
    }
}
