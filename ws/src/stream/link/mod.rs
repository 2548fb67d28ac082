//! What the tasks that use one connection share: the sending half of the protocol, the writing half of the byte stream, and
//! a few flags.

mod deadlines;
mod flags;
mod output;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use atomic_waker::AtomicWaker;

use self::flags::{
    BEHIND, CLOSED, COLLECTING, CONGESTED, CORKED, EXPIRED, Flags, HEARD_BYTES, HEARD_MESSAGE,
    PAUSED, REFUSING, SCHEDULED, UNATTENDED,
};
use self::output::Output;
use super::cork;
use super::flusher::Flusher;
use super::waiting::{Place, Until, Waiting};
use crate::net::{Wheel, WriteHalf};
use crate::outbox::Outbox;
use crate::proto::{
    CloseFrame, CloseReport, Config, Failure, NotOpen, Outgoing, OverflowPolicy, Role, Transmitter,
};

/// From this many waiting bytes on a batch is written out before it is complete, and a push connection stops reading.
const HIGH_WATER: usize = 64 * 1024;
/// So many bytes may be collected for one write if they are big messages that are not copied.
const BATCH: usize = 256 * 1024;
/// Events of the application that may wait for the handler.
const MAX_EVENTS: usize = 1024;
pub(super) struct Link {
    flags: Flags,
    /// The task that reads.
    reader: AtomicWaker,
    out: Mutex<Out>,
    flusher: Arc<Flusher>,
    wheel: Arc<Wheel>,
    config: Arc<Config>,
    peer_addr: Option<SocketAddr>,
}

struct Out {
    output: Output,
    waiting: Waiting,
    /// The application's own events, for the handler.
    events: Vec<Box<dyn Any + Send>>,
    /// What is dropped when the byte stream is let go of.
    kept: Option<Box<dyn Send>>,
    /// What was asked for while another thread collects what is to be sent before it.
    behind: Option<Box<Behind>>,
    /// The deadline that the wheel knows of.
    timer: Option<Instant>,
    /// When to stop waiting for the peer to end its side.
    linger_until: Option<Instant>,
}

#[derive(Default)]
struct Behind {
    outbox: Outbox,
    close: Option<CloseFrame>,
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
            reader: AtomicWaker::new(),
            out: Mutex::new(Out {
                output: Output { transmitter, io: Some(io), shutdown: false },
                waiting: Waiting::default(),
                events: Vec::new(),
                kept: None,
                behind: None,
                timer: None,
                linger_until: None,
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

    pub(super) fn register_reader(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    pub(super) fn heard(&self, message: bool) {
        let flag = if message { HEARD_MESSAGE } else { HEARD_BYTES };
        if !self.flags.any(flag) {
            self.flags.set(flag);
        }
    }

    /// Whether somebody waits for what the peer sends.
    pub(super) fn attend(&self, attends: bool) {
        if attends { self.flags.unset(UNATTENDED) } else { _ = self.flags.set(UNATTENDED) }
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

    /// What is queued from now on leaves when what is returned is dropped, not by the flusher. Also returns the events that
    /// wait for the handler.
    pub(super) fn cork(self: &Arc<Self>) -> (Corking<'_>, Vec<Box<dyn Any + Send>>) {
        let mut out = self.lock();
        self.flags.set(CORKED);
        let transmitter = &out.output.transmitter;
        if transmitter.is_open() && transmitter.outbox().is_empty() && !transmitter.is_deflating() {
            let limit = self.config.max_buffered_bytes.min(BATCH);
            if cork::begin(self.address(), transmitter.framing(), limit) {
                self.flags.set(COLLECTING);
            }
        }
        let events = std::mem::take(&mut out.events);
        (Corking(self), events)
    }

    fn uncork(self: &Arc<Self>) {
        let mut out = self.lock();
        cork::end(self.address());
        self.flags.unset(CORKED | COLLECTING);
        if let Some(frame) = out.behind.take().and_then(|behind| behind.close) {
            out.output.transmitter.close(frame, Wheel::now());
            self.announce(&mut out);
            self.sync(&mut out);
        }
        self.flush(&mut out);
    }

    /// Copies what waits and is shared with others.
    pub(super) fn unshare(&self) {
        self.lock().output.transmitter.outbox_mut().unshare();
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
        out.linger_until = Some(Wheel::deadline(self.config.close_timeout));
        self.announce(&mut out);
        self.flush(&mut out);
    }

    /// Gives the connection up without another word.
    pub(super) fn abort(self: &Arc<Self>) {
        let mut out = self.lock();
        out.output.transmitter.handle_failure(Failure::Dropped);
        out.output.transmitter.outbox_mut().clear();
        self.sync(&mut out);
        // Also if it was closed before and only waits for the peer to end the byte stream.
        self.flags.set(EXPIRED);
        self.reader.wake();
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
        out.output.transmitter.outbox_mut().clear();
        out.linger_until = None;
        out.waiting.wake_all();
        let (events, kept) = (std::mem::take(&mut out.events), out.kept.take());
        // They may have something to say when they are dropped.
        drop(out);
        drop((events, kept));
    }

    // --- everybody's side ---

    /// Queues a message, if there is room, and sees to it that it leaves.
    #[inline]
    pub(super) fn queue(self: &Arc<Self>, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        if self.flags.any(REFUSING) {
            return Err(Refused::Closed);
        }
        if self.flags.any(COLLECTING)
            && !self.flags.any(BEHIND)
            && cork::put(self.address(), outgoing)
        {
            return Ok(());
        }
        self.queue_locked(outgoing)
    }

    #[inline]
    fn queue_locked(self: &Arc<Self>, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        let mut out = self.lock();
        self.check_room(&mut out)?;
        self.put(&mut out, outgoing)?;
        Ok(())
    }

    /// As [`Link::queue`], for whom room was promised: others may have taken it meanwhile.
    pub(super) fn queue_promised(self: &Arc<Self>, outgoing: Outgoing<'_>) -> Result<(), NotOpen> {
        self.put(&mut self.lock(), outgoing)
    }

    /// As [`Link::queue`], but writes at once.
    pub(super) fn queue_and_flush(self: &Arc<Self>, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        let mut out = self.lock();
        self.check_room(&mut out)?;
        out.output.lend_buffer();
        out.output.transmitter.send(outgoing)?;
        self.flush(&mut out);
        Ok(())
    }

    /// A single message always finds room, however little may wait.
    #[inline]
    fn has_room(&self, out: &Out) -> bool {
        let waiting = out.len();
        waiting < self.config.max_buffered_bytes || waiting == 0
    }

    fn check_room(&self, out: &mut Out) -> Result<(), Refused> {
        if self.has_room(out) {
            return Ok(());
        }
        if self.config.overflow == OverflowPolicy::Disconnect {
            out.output.transmitter.handle_failure(Failure::Overflow);
            self.sync(out);
        }
        Err(if out.output.transmitter.is_open() { Refused::Full } else { Refused::Closed })
    }

    #[inline]
    fn put(self: &Arc<Self>, out: &mut Out, outgoing: Outgoing<'_>) -> Result<(), NotOpen> {
        if self.is_collected_elsewhere() {
            if !self.is_open() {
                return Err(NotOpen);
            }
            let framing = out.output.transmitter.framing();
            framing.put(&mut out.behind.get_or_insert_default().outbox, outgoing);
            self.flags.set(BEHIND);
            return Ok(());
        }
        out.output.lend_buffer();
        out.output.transmitter.send(outgoing)?;
        if !self.flags.any(CORKED) {
            self.schedule();
        } else if out.output.len() >= HIGH_WATER {
            self.flush(out);
        }
        Ok(())
    }

    /// Lets the protocol machine act on something received, and notes if that ended the connection. What it queued leaves by
    /// the flusher unless the link is corked.
    pub(super) fn transmit(self: &Arc<Self>, act: impl FnOnce(&mut Transmitter)) {
        let mut out = self.lock();
        out.output.lend_buffer();
        act(&mut out.output.transmitter);
        out.output.reclaim_buffer();
        self.announce(&mut out);
        self.sync(&mut out);
        if out.output.len() >= HIGH_WATER && !out.output.transmitter.is_blocked() {
            // Pongs enough. If the peer does not take them, of the pings that follow only the latest is answered.
            self.flush(&mut out);
        } else if !self.flags.any(CORKED) && !out.output.transmitter.outbox().is_empty() {
            self.schedule();
        }
    }

    pub(super) fn close(self: &Arc<Self>, frame: CloseFrame) {
        if self.is_collected_elsewhere() {
            let mut out = self.lock();
            // What the handler has sent so far goes before it.
            if self.is_collected_elsewhere() && !self.flags.set(REFUSING) {
                out.behind.get_or_insert_default().close = Some(frame);
                out.waiting.wake_all();
                return;
            }
        }
        self.transmit(|transmitter| transmitter.close(frame, Wheel::now()));
    }

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
        if over || out.events.len() >= MAX_EVENTS {
            return Err(event);
        }
        out.events.push(event);
        drop(out);
        self.reader.wake();
        Ok(())
    }

    pub(super) fn pause(&self) {
        self.flags.set(PAUSED);
    }

    pub(super) fn resume(&self) {
        self.flags.unset(PAUSED);
        self.reader.wake();
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
                    out.output.transmitter.report().is_some()
                        || (out.len() == 0 && !self.is_collected_elsewhere())
                }
            };
        if ready {
            return Poll::Ready(());
        }
        let place = *place.get_or_insert_with(|| out.waiting.enter());
        out.waiting.register(place, cx.waker());
        Poll::Pending
    }

    /// Forgets who has a place.
    pub(super) fn stop_waiting(&self, place: Place) {
        let waker = self.lock().waiting.leave(place);
        // It may hold the last of a task, which may have something to say.
        drop(waker);
    }

    /// Has the flusher write what was queued.
    pub(super) fn schedule(self: &Arc<Self>) {
        if !self.flags.any(SCHEDULED) && !self.flags.set(SCHEDULED) {
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
        let waker = Waker::from(self.clone());
        let result = out.output.poll_flush(&mut Context::from_waker(&waker));
        if let Poll::Ready(Err(error)) = &result {
            tracing::debug!(%error, "write failed");
            out.output.transmitter.handle_failure(Failure::Io(error.kind()));
            out.output.transmitter.outbox_mut().clear();
            self.sync(out);
        }
        let waiting = out.output.len();
        if waiting < before && self.flags.any(CONGESTED) {
            // It is not read from, but it takes what is sent: it lives.
            self.flags.set(HEARD_BYTES);
        }
        out.output.reclaim_buffer();
        if waiting >= HIGH_WATER {
            self.flags.set(CONGESTED);
        } else if self.flags.any(CONGESTED) {
            self.flags.unset(CONGESTED);
            self.reader.wake();
        }
        if waiting < self.config.max_buffered_bytes / 2 || waiting == 0 {
            out.waiting.wake_all();
        }
    }

    /// Tells everybody if no more can be sent, or the connection has ended.
    fn sync(&self, out: &mut Out) {
        if !out.output.transmitter.is_open() && !self.flags.set(REFUSING) {
            out.waiting.wake_all();
        }
        if out.output.transmitter.report().is_some() && !self.flags.set(CLOSED) {
            self.reader.wake();
            out.waiting.wake_all();
        }
    }

    /// Who this is among the links of the process.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Whether another thread collects what its handler sends.
    #[inline]
    fn is_collected_elsewhere(&self) -> bool {
        self.flags.any(COLLECTING) && !cork::is_of(self.address())
    }

    /// Also puts in order what this thread has collected and what others have sent meanwhile.
    fn lock(&self) -> MutexGuard<'_, Out> {
        let is_collecting = self.flags.any(COLLECTING);
        let collected = if is_collecting { cork::take(self.address()) } else { None };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(collected) = collected {
            self.put_in_order(&mut out, collected);
        }
        out
    }

    fn put_in_order(&self, out: &mut Out, collected: Outbox) {
        self.flags.unset(BEHIND);
        let behind = out.behind.as_mut().map(|behind| std::mem::take(&mut behind.outbox));
        if out.output.transmitter.is_open() {
            let outbox = out.output.transmitter.outbox_mut();
            outbox.append(collected);
            outbox.append(behind.unwrap_or_default());
        }
    }
}

impl Out {
    /// Bytes that wait, as far as this thread may know.
    fn len(&self) -> usize {
        self.output.len() + self.behind.as_ref().map_or(0, |behind| behind.outbox.len())
    }
}

/// While it is there what is queued waits.
pub(super) struct Corking<'a>(&'a Arc<Link>);

impl Drop for Corking<'_> {
    fn drop(&mut self) {
        self.0.uncork();
    }
}

/// The byte stream can be written again.
impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.schedule();
    }
}
