//! What is emitted: at once, once the connection is back, or again and again until it is answered (rule 30).

use std::mem;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde::Serialize;
use ws::net::{Timed, Wheel};

use super::inner::{Core, Inner};
use super::outbox::{Due, Full, Item};
use crate::client::{EmitError, Socket};
use crate::emitter::{AckError, Waiter};
use crate::engine::SendError;
use crate::engine::client::Handle;
use crate::handler::{Endpoint, Frames, How};

/// Who waited for answers that don't come, to be dropped without the lock.
pub(in crate::client) type Unwanted = Vec<Waiter>;

/// Sending with patience.
impl Socket {
    /// As [`emit`](Self::emit), but waits for room instead of failing with [`EmitError::Full`]. Cancel-safe: a future that is
    /// dropped has queued the event or not.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    pub async fn send(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        // Encoded once, however long it waits; the caller's data need not live that long.
        let (id, frames) = self.framed(None, event, &data, How::default())?;
        drop(data);
        loop {
            match self.send_or_wait(id, frames.clone(), false) {
                Err(EmitError::Full) => self.ready().await,
                sent => return sent.map(drop),
            }
        }
    }

    /// As [`send`](Self::send), but gives up after `timeout`.
    ///
    /// # Errors
    /// As `send`, and [`EmitError::Full`] if there was no room in time.
    pub async fn send_timeout(
        &self,
        event: &str,
        data: impl Serialize,
        timeout: Duration,
    ) -> Result<(), EmitError> {
        let deadline = Wheel::deadline(timeout).into();
        let sent = tokio::time::timeout_at(deadline, self.send(event, data)).await;
        sent.unwrap_or(Err(EmitError::Full))
    }

    /// Waits until there is room for an event, or the socket has ended. Others may take the room first.
    pub async fn ready(&self) {
        loop {
            let mut changed = pin!(self.inner().changed.notified());
            changed.as_mut().enable();
            let handle = {
                let core = self.inner().core();
                let limits = &self.inner().manager.config().offline;
                let room =
                    core.outbox.len() < limits.max_events && core.outbox.bytes() < limits.max_bytes;
                match core.phase.connected() {
                    _ if core.phase.is_over() => return,
                    // What is emitted goes straight to the transport.
                    Some(connected) if core.outbox.is_empty() => Some(connected.handle.clone()),
                    _ if room => return,
                    _ => None,
                }
            };
            match handle {
                Some(handle) => return handle.ready().await,
                None => changed.await,
            }
        }
    }

    /// Encodes an event. With retries each has an id, since each is answered.
    pub(in crate::client) fn framed<D: Serialize>(
        &self,
        id: Option<u64>,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<(Option<u64>, Frames), EmitError> {
        self.check_open()?;
        let retries = self.retries().filter(|_| !how.volatile);
        let id = id.or_else(|| retries.map(|_| self.next_ack_id()));
        Ok((id, self.frame_event(id, event, data, how)?))
    }

    /// Sends an event, or keeps it until it can be sent. Gives whether it will be: one that is `volatile` is dropped instead.
    pub(in crate::client) fn send_or_wait(
        &self,
        id: Option<u64>,
        frames: Frames,
        volatile: bool,
    ) -> Result<bool, EmitError> {
        let mut core = self.inner().core();
        if core.phase.is_over() {
            return Err(EmitError::Disconnected);
        }
        let direct = core.outbox.is_empty() && (volatile || self.retries().is_none());
        let handle = core.phase.connected().filter(|_| direct).map(|c| c.handle.clone());
        match handle {
            Some(handle) if !volatile || handle.is_writable() => match handle.send_all(&frames) {
                // The end of the session is not known here yet.
                Err(SendError::Closed) if !volatile => {}
                Err(SendError::Closed) => return Ok(false),
                sent => return Ok(sent.map(|()| true)?),
            },
            _ if volatile => return Ok(false),
            _ => {}
        }
        let limits = &self.inner().manager.config().offline;
        if limits.max_events == 0 {
            return Err(EmitError::Disconnected);
        }
        let until =
            self.retries().map(|_| Wheel::deadline(self.inner().manager.config().retry_for));
        let dropped = core.outbox.push(Item { id, frames, until }, limits);
        let dropped = dropped.map_err(|Full| EmitError::Full)?;
        let mut unwanted: Unwanted =
            dropped.into_iter().filter_map(|id| core.inbox.acks.take(id)).collect();
        unwanted.extend(self.flush(&mut core));
        self.schedule(&mut core);
        drop(core);
        drop(unwanted);
        Ok(true)
    }

    /// Sends what waits, as far as there is a connection that takes it.
    pub(in crate::client) fn flush(&self, core: &mut Core) -> Unwanted {
        let mut unwanted = Vec::new();
        let Some(connected) = core.phase.connected() else { return unwanted };
        let handle = connected.handle.clone();
        let retries = self.retries().is_some();
        while let Some(item) = if retries { core.outbox.ready() } else { core.outbox.front() } {
            let id = item.id;
            // Rule 30: what waited for its answer too long is not sent.
            if !retries && id.is_some_and(|id| !core.inbox.acks.waits_for(id)) {
                core.outbox.pop();
                continue;
            }
            match handle.send_all(&item.frames) {
                Ok(()) if retries => {
                    let timeout = self.inner().manager.config().ack_timeout;
                    core.outbox.handle_sent(Wheel::deadline(timeout));
                    self.schedule(core);
                }
                Ok(()) => _ = core.outbox.pop(),
                Err(SendError::Full) => {
                    self.spawn(flush_later(Arc::downgrade(self.inner()), handle));
                    break;
                }
                Err(SendError::TooLarge) => {
                    tracing::warn!(socket = ?self.namespace_name(), "an event is more than the server takes, and is dropped");
                    core.outbox.pop();
                    unwanted.extend(id.and_then(|id| core.inbox.acks.take(id)));
                }
                Err(SendError::Closed) => break,
            }
        }
        self.inner().changed.notify_waiters();
        unwanted
    }

    pub(in crate::client) fn retries(&self) -> Option<u32> {
        self.inner().manager.config().retries
    }

    /// Tells the wheel when to look after what waits.
    pub(in crate::client) fn schedule(&self, core: &mut Core) {
        let Some(at) = core.deadline().filter(|at| core.alarm.set(*at)) else { return };
        let weak: Weak<Inner> = Arc::downgrade(self.inner());
        let _guard = self.inner().manager.runtime().enter();
        Wheel::current().schedule(weak, at);
    }
}

/// Goes on once the transport has room.
async fn flush_later(socket: Weak<Inner>, handle: Handle) {
    handle.ready().await;
    if let Some(socket) = socket.upgrade().map(Socket::new) {
        let unwanted = socket.flush(&mut socket.inner().core());
        drop(unwanted);
    }
}

impl Inner {
    /// An answer has come, and was given to who waits for it. With retries the next event follows.
    pub(in crate::client) fn handle_ack(self: &Arc<Self>, id: Option<u64>) {
        let Some(id) = id else { return };
        let mut core = self.core();
        if core.outbox.handle_ack(id) {
            let unwanted = Socket::new(self.clone()).flush(&mut core);
            drop(core);
            drop(unwanted);
        }
    }
}

/// The timeout of answers, with retries, and of events that came early.
impl Timed for Inner {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let socket = Socket::new(self.clone());
        let mut core = self.core();
        if !core.alarm.ring(now) {
            return None;
        }
        let (mut gave_up, mut unwanted) = (Vec::new(), Vec::new());
        if let Some(retries) = socket.retries() {
            while let Due::GaveUp(id) = core.outbox.handle_timeout(now, retries) {
                tracing::warn!(namespace = %self.namespace(), "an event is given up that was never answered");
                gave_up.extend(id.and_then(|id| core.inbox.acks.take(id)));
            }
            unwanted = socket.flush(&mut core);
        }
        let is_late = core.early_until.is_none_or(|until| until.into_std() <= now);
        let unheard = if is_late { mem::take(&mut core.early) } else { Vec::new() };
        let next = core.deadline();
        let next = core.alarm.next(next);
        drop(core);
        drop((unwanted, unheard));
        for waiter in gave_up {
            waiter.resolve(Err(AckError::Timeout));
        }
        next
    }
}
