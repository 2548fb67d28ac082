//! What the tasks that use one connection share: the sending half of the protocol, the writing half of the byte stream, and
//! a few flags.
//!
//! It is small, because there is one for each connection, idle or not, and because with many connections a message costs what
//! it touches: what most connections never have lies in a box of its own ([`Rare`]), and so does what waits to be written.

mod batch;
mod deadlines;
mod flags;
mod output;
mod sending;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use self::flags::{
    BLOCKED, CLOSED, CONGESTED, DEFLATING, EVENTS, EXPIRED, Flags, HEARD_BYTES, HEARD_MESSAGE,
    HOLDS, PAUSED, REFUSING, SCHEDULED, UNATTENDED,
};
use self::output::Output;
use super::buffers;
use super::flusher::Flusher;
use super::waiting::{Place, Until, Waiting};
use crate::net::{Wheel, WriteHalf};
use crate::outbox::Outbox;
use crate::proto::{CloseFrame, CloseReport, Config, Deflate, Failure, NotOpen, Role, Transmitter};

pub(super) use self::batch::Batch;

/// From this many waiting bytes on a batch is written out before it is complete, and a push connection stops reading.
const HIGH_WATER: usize = 64 * 1024;
/// Events of the application that may wait for the handler.
const MAX_EVENTS: usize = 1024;

pub(super) struct Link {
    flags: Flags,
    out: Mutex<Out>,
    config: Arc<Config>,
    flusher: Arc<Flusher>,
    wheel: Arc<Wheel>,
    peer_addr: Option<SocketAddr>,
}

struct Out {
    output: Output,
    /// The task that reads.
    reader: Option<Waker>,
    /// What others have sent while a batch of input is handled.
    behind: Option<Box<Outbox>>,
    /// What is dropped when the byte stream is let go of.
    kept: Option<Box<dyn Send>>,
    /// The deadline that the wheel knows of.
    timer: Option<Instant>,
    rare: Option<Box<Rare>>,
}

/// What a connection has now and then.
#[derive(Default)]
struct Rare {
    waiting: Waiting,
    /// The application's own events, for the handler.
    events: Vec<Box<dyn Any + Send>>,
    /// The closing handshake that begins once a batch of input has been handled.
    close: Option<CloseFrame>,
    /// When to stop waiting for the peer to end its side.
    linger_until: Option<Instant>,
}

/// A message could not be queued.
pub(super) enum Refused {
    Full,
    Closed,
}

impl From<NotOpen> for Refused {
    fn from(_: NotOpen) -> Self {
        Self::Closed
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("peer_addr", &self.peer_addr).finish_non_exhaustive()
    }
}

impl Link {
    /// # Panics
    ///
    /// When called outside a tokio runtime.
    pub(super) fn new(
        io: WriteHalf,
        peer_addr: Option<SocketAddr>,
        role: Role,
        config: Arc<Config>,
    ) -> Arc<Self> {
        let transmitter = Transmitter::new(role, config.clone(), rand::random, Wheel::now());
        let link = Arc::new(Self {
            flags: Flags::default(),
            out: Mutex::new(Out {
                output: Output { transmitter, io: Some(io), shutdown: false },
                reader: None,
                behind: None,
                kept: None,
                timer: None,
                rare: None,
            }),
            flusher: Flusher::current(),
            wheel: Wheel::current(),
            config,
            peer_addr,
        });
        link.announce(&mut link.lock());
        link
    }

    pub(super) const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    // --- the reader's side ---

    /// Has the task of `waker` woken from now on.
    pub(super) fn register_reader(&self, waker: &Waker) {
        let before = self.lock().reader.replace(waker.clone());
        // It may hold the last of a task, which may have something to say.
        drop(before);
    }

    pub(super) fn set_deflate(&self, deflate: &Deflate) {
        self.lock().output.transmitter.set_deflate(deflate);
        self.flags.set(DEFLATING);
    }

    pub(super) fn heard(&self, message: bool) {
        let flag = if message { HEARD_MESSAGE } else { HEARD_BYTES };
        if !self.flags.any(flag) {
            self.flags.set(flag);
        }
    }

    /// Whether somebody waits for what the peer sends.
    pub(super) fn attend(&self, attends: bool) {
        if attends {
            self.flags.unset(UNATTENDED)
        } else {
            self.flags.set(UNATTENDED)
        };
    }

    pub(super) fn is_closed(&self) -> bool {
        self.flags.any(CLOSED)
    }

    pub(super) fn is_expired(&self) -> bool {
        self.flags.any(EXPIRED)
    }

    /// Whether a push connection should not read now.
    pub(super) fn is_held(&self) -> bool {
        self.flags.any(PAUSED | CONGESTED)
    }

    /// Copies what waits and is shared with others.
    pub(super) fn unshare(&self) {
        let mut out = self.lock();
        if out.output.len() > 0 {
            out.output.transmitter.outbox_mut().unshare();
        }
    }

    /// Writes at once what waits for the flusher.
    pub(super) fn flush_if_scheduled(self: &Arc<Self>) {
        if self.flags.any(SCHEDULED) {
            self.flush(&mut self.lock());
        }
    }

    /// Waits for the peer to end the byte stream, but not for longer than the close timeout. A server ends its own side first
    /// (RFC 6455 §7.1.1: the server closes the TCP connection first, the client waits for it).
    pub(super) fn linger(self: &Arc<Self>, role: Role) {
        let mut out = self.lock();
        out.output.shutdown = role == Role::Server;
        out.rare().linger_until = Some(Wheel::deadline(self.config.close_timeout));
        self.announce(&mut out);
        self.flush(&mut out);
    }

    /// Gives the connection up without another word.
    pub(super) fn abort(self: &Arc<Self>) {
        let mut out = self.lock();
        out.output.transmitter.handle_failure(Failure::Dropped);
        out.output.transmitter.clear_outbox();
        self.sync(&mut out);
        // Also if it was closed before and only waits for the peer to end the byte stream.
        self.flags.set(EXPIRED);
        out.wake_reader();
    }

    /// Holds `kept` until [`Link::release`].
    pub(super) fn keep(&self, kept: Box<dyn Send>) {
        self.lock().kept = Some(kept);
    }

    /// Lets go of the byte stream. What could not be written is lost.
    pub(super) fn release(self: &Arc<Self>) {
        let mut out = self.lock();
        self.flush(&mut out);
        out.output.io = None;
        out.output.transmitter.clear_outbox();
        out.wake_waiting();
        let gone = (out.rare.take(), out.kept.take(), out.reader.take(), out.behind.take());
        // They may have something to say when they are dropped.
        drop(out);
        drop(gone);
    }

    // --- everybody's side ---

    /// Whether messages can be sent.
    pub(super) fn is_open(&self) -> bool {
        !self.flags.any(REFUSING)
    }

    pub(super) fn report(&self) -> Option<CloseReport> {
        self.lock().output.transmitter.report().cloned()
    }

    pub(super) fn inspect<T>(&self, look: impl FnOnce(&Transmitter) -> T) -> T {
        look(&self.lock().output.transmitter)
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn notify(&self, event: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
        let mut out = self.lock();
        let over = out.output.io.is_none() || out.output.transmitter.report().is_some();
        let events = &mut out.rare().events;
        if over || events.len() >= MAX_EVENTS {
            return Err(event);
        }
        events.push(event);
        self.flags.set(EVENTS);
        out.wake_reader();
        Ok(())
    }

    pub(super) fn pause(&self) {
        self.flags.set(PAUSED);
    }

    pub(super) fn resume(&self) {
        self.flags.unset(PAUSED);
        self.lock().wake_reader();
    }

    /// Ready when there is what is waited for. `place` is the caller's, and to be kept for the next call.
    pub(super) fn poll_until(
        &self,
        cx: &Context<'_>,
        until: Until,
        place: &mut Option<Place>,
    ) -> Poll<()> {
        let mut out = self.lock();
        let ready = out.output.io.is_none()
            || match until {
                Until::Room => !self.is_open() || self.has_room(&out),
                Until::Drained => {
                    let is_over = out.output.transmitter.report().is_some();
                    is_over || (out.len() == 0 && !self.flags.any(HOLDS))
                }
            };
        if ready {
            return Poll::Ready(());
        }
        let waiting = &mut out.rare().waiting;
        let place = *place.get_or_insert_with(|| waiting.enter());
        waiting.register(place, cx.waker());
        Poll::Pending
    }

    /// Forgets who has a place.
    pub(super) fn stop_waiting(&self, place: Place) {
        let waker = self.lock().rare.as_mut().and_then(|rare| rare.waiting.leave(place));
        // It may hold the last of a task, which may have something to say.
        drop(waker);
    }

    /// Has the flusher write what was queued.
    pub(super) fn schedule(self: &Arc<Self>) {
        if !self.flags.any(SCHEDULED) && self.flags.set(SCHEDULED) & SCHEDULED == 0 {
            self.flusher.schedule(self.clone());
        }
    }

    pub(super) fn flush_scheduled(self: &Arc<Self>) {
        let mut out = self.lock();
        self.flags.unset(SCHEDULED);
        self.flush(&mut out);
    }

    /// Writes as much as the byte stream takes.
    fn flush(self: &Arc<Self>, out: &mut Out) {
        let before = out.output.len();
        if let Poll::Ready(Err(error)) = out.output.poll_flush(self) {
            tracing::debug!(%error, "write failed");
            out.output.transmitter.handle_failure(Failure::Io(error.kind()));
            out.output.transmitter.clear_outbox();
            self.sync(out);
        }
        let waiting = out.output.len();
        out.output.reclaim_outbox();
        let is_congested = self.flags.any(CONGESTED);
        if waiting < before && is_congested {
            // It is not read from, but it takes what is sent: it lives.
            self.flags.set(HEARD_BYTES);
        }
        if (waiting > 0) != self.flags.any(BLOCKED) {
            if waiting > 0 {
                self.flags.set(BLOCKED)
            } else {
                self.flags.unset(BLOCKED)
            };
        }
        if waiting >= HIGH_WATER {
            self.flags.set(CONGESTED);
        } else if is_congested {
            self.flags.unset(CONGESTED);
            out.wake_reader();
        }
        if waiting < self.config.max_buffered_bytes / 2 || waiting == 0 {
            out.wake_waiting();
        }
    }

    /// Tells everybody if no more can be sent, or the connection has ended.
    fn sync(&self, out: &mut Out) {
        let transmitter = &out.output.transmitter;
        let (is_open, has_ended) = (transmitter.is_open(), transmitter.report().is_some());
        if !is_open && self.flags.set(REFUSING) & REFUSING == 0 {
            out.wake_waiting();
        }
        if has_ended && self.flags.set(CLOSED) & CLOSED == 0 {
            out.wake_reader();
            out.wake_waiting();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Out {
    /// Bytes that wait, but for those that a handler has sent in the batch that it handles.
    fn len(&self) -> usize {
        self.output.len() + self.behind.as_ref().map_or(0, |behind| behind.len())
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn wake_reader(&self) {
        if let Some(reader) = &self.reader {
            reader.wake_by_ref();
        }
    }

    fn wake_waiting(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.waiting.wake_all();
            if rare.events.is_empty() && rare.close.is_none() && rare.linger_until.is_none() {
                self.rare = None;
            }
        }
    }
}

/// The byte stream can be written again.
impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.schedule();
    }
}
