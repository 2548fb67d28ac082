//! What the tasks that use one connection share: the sending half of the protocol, the writing half of the byte stream, and
//! a few flags.

use std::any::Any;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use atomic_waker::AtomicWaker;
use bytes::Buf;
use tokio::io::AsyncWrite;

use super::buffers;
use super::flusher::Flusher;
use super::waiting::{Place, Until, Waiting};
use crate::net::{Timed, Wheel, WriteHalf};
use crate::proto::{
    CloseFrame, CloseReport, Config, Failure, Heard, NotOpen, OverflowPolicy, Role, Transmitter,
};

/// From this many waiting bytes on a batch is written out before it is complete, and a push connection stops reading.
const HIGH_WATER: usize = 64 * 1024;
/// Events of the application that may wait for the handler.
const MAX_EVENTS: usize = 1024;
/// Pieces that leave by one vectored write.
const PIECES: usize = 64;

/// Something was received since the last timeout.
const HEARD_BYTES: u16 = 1;
/// A message was received since the last timeout.
const HEARD_MESSAGE: u16 = 1 << 1;
/// The connection is on the flusher's list.
const SCHEDULED: u16 = 1 << 2;
/// A batch of input is being answered; who answers it will flush.
const CORKED: u16 = 1 << 3;
/// The application wants nothing to be read.
const PAUSED: u16 = 1 << 4;
/// The peer does not take what is sent; a push connection reads no more until it does.
const CONGESTED: u16 = 1 << 5;
/// The protocol machine has its report.
const CLOSED: u16 = 1 << 6;
/// The peer took too long to end the byte stream after the closing handshake.
const EXPIRED: u16 = 1 << 7;
/// Nobody receives: the application does something else.
const UNATTENDED: u16 = 1 << 8;

pub(super) struct Link {
    flags: AtomicU16,
    /// The task that reads.
    reader: AtomicWaker,
    out: Mutex<Out>,
    flusher: Arc<Flusher>,
    wheel: Arc<Wheel>,
    config: Arc<Config>,
    peer_addr: Option<SocketAddr>,
}

struct Out {
    transmitter: Transmitter,
    /// Gone once the connection is let go of.
    io: Option<WriteHalf>,
    waiting: Waiting,
    /// The application's own events, for the handler.
    events: Vec<Box<dyn Any + Send>>,
    /// What is dropped when the byte stream is let go of.
    kept: Option<Box<dyn Send>>,
    /// The deadline that the wheel knows of.
    timer: Option<Instant>,
    /// End our side of the byte stream once the outbox is empty.
    shutdown: bool,
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
            flags: AtomicU16::new(0),
            reader: AtomicWaker::new(),
            out: Mutex::new(Out {
                transmitter,
                io: Some(io),
                waiting: Waiting::default(),
                events: Vec::new(),
                kept: None,
                timer: None,
                shutdown: false,
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
        let flag = if message { HEARD_MESSAGE | HEARD_BYTES } else { HEARD_BYTES };
        if self.flags() & flag != flag {
            self.set(flag);
        }
    }

    /// Whether somebody waits for what the peer sends.
    pub(super) fn attend(&self, attends: bool) {
        if attends { self.unset(UNATTENDED) } else { _ = self.set(UNATTENDED) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.flags() & CLOSED != 0
    }

    pub(super) fn is_expired(&self) -> bool {
        self.flags() & EXPIRED != 0
    }

    /// Whether a push connection should not read now.
    pub(super) fn is_held(&self) -> bool {
        self.flags() & (PAUSED | CONGESTED) != 0
    }

    /// What is queued from now on leaves when [`Link::uncork`] is called, not by the flusher.
    pub(super) fn cork(&self) {
        self.set(CORKED);
    }

    pub(super) fn uncork(self: &Arc<Self>) {
        let mut out = self.lock();
        self.unset(CORKED);
        self.flush(&mut out);
    }

    /// Writes at once what waits for the flusher.
    pub(super) fn flush_if_scheduled(self: &Arc<Self>) {
        if self.flags() & SCHEDULED != 0 {
            self.flush(&mut self.lock());
        }
    }

    pub(super) fn take_events(&self) -> Vec<Box<dyn Any + Send>> {
        std::mem::take(&mut self.lock().events)
    }

    /// Waits for the peer to end the byte stream, but not for longer than the close timeout. A server ends its own side first
    /// (RFC 6455 §7.1.1: the server closes the TCP connection first, the client waits for it).
    pub(super) fn linger(self: &Arc<Self>, role: Role) {
        let mut out = self.lock();
        out.shutdown = role == Role::Server;
        out.linger_until = Some(Wheel::deadline(self.config.close_timeout));
        self.announce(&mut out);
        self.flush(&mut out);
    }

    /// Gives the connection up without another word.
    pub(super) fn abort(self: &Arc<Self>) {
        let mut out = self.lock();
        out.transmitter.handle_failure(Failure::Dropped);
        out.transmitter.outbox_mut().clear();
        self.sync(&mut out);
        // Also if it was closed before and only waits for the peer to end the byte stream.
        self.set(EXPIRED);
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
        out.io = None;
        out.transmitter.outbox_mut().clear();
        out.linger_until = None;
        out.waiting.wake_all();
        let (events, kept) = (std::mem::take(&mut out.events), out.kept.take());
        // They may have something to say when they are dropped.
        drop(out);
        drop((events, kept));
    }

    // --- everybody's side ---

    /// Queues what `put` puts in the outbox, if there is room, and sees to it that it leaves.
    #[inline]
    pub(super) fn queue(
        self: &Arc<Self>,
        put: impl FnOnce(&mut Transmitter) -> Result<(), NotOpen>,
    ) -> Result<(), Refused> {
        let mut out = self.lock();
        self.check_room(&mut out)?;
        self.put(&mut out, put)?;
        Ok(())
    }

    /// As [`Link::queue`], for whom room was promised: others may have taken it meanwhile.
    pub(super) fn queue_promised(
        self: &Arc<Self>,
        put: impl FnOnce(&mut Transmitter) -> Result<(), NotOpen>,
    ) -> Result<(), NotOpen> {
        self.put(&mut self.lock(), put)
    }

    /// As [`Link::queue`], but writes at once.
    pub(super) fn queue_and_flush(
        self: &Arc<Self>,
        put: impl FnOnce(&mut Transmitter) -> Result<(), NotOpen>,
    ) -> Result<(), Refused> {
        let mut out = self.lock();
        self.check_room(&mut out)?;
        lend_buffer(&mut out);
        put(&mut out.transmitter)?;
        self.flush(&mut out);
        Ok(())
    }

    /// A single message always finds room, however little may wait.
    fn has_room(&self, out: &Out) -> bool {
        let waiting = out.transmitter.outbox().len();
        waiting < self.config.max_buffered_bytes || waiting == 0
    }

    fn check_room(&self, out: &mut Out) -> Result<(), Refused> {
        if self.has_room(out) {
            return Ok(());
        }
        if self.config.overflow == OverflowPolicy::Disconnect {
            out.transmitter.handle_failure(Failure::Overflow);
            self.sync(out);
        }
        Err(if out.transmitter.is_open() { Refused::Full } else { Refused::Closed })
    }

    #[inline]
    fn put(
        self: &Arc<Self>,
        out: &mut Out,
        put: impl FnOnce(&mut Transmitter) -> Result<(), NotOpen>,
    ) -> Result<(), NotOpen> {
        lend_buffer(out);
        put(&mut out.transmitter)?;
        if self.flags() & CORKED == 0 {
            self.schedule();
        } else if out.transmitter.outbox().len() >= HIGH_WATER {
            self.flush(out);
        }
        Ok(())
    }

    /// Lets the protocol machine act on something received, and notes if that ended the connection. What it queued leaves by
    /// the flusher unless the link is corked.
    pub(super) fn transmit(self: &Arc<Self>, act: impl FnOnce(&mut Transmitter)) {
        let mut out = self.lock();
        lend_buffer(&mut out);
        act(&mut out.transmitter);
        reclaim_buffer(&mut out);
        self.announce(&mut out);
        self.sync(&mut out);
        if out.transmitter.outbox().len() >= HIGH_WATER && !out.transmitter.is_blocked() {
            // Pongs enough. If the peer does not take them, of the pings that follow only the latest is answered.
            self.flush(&mut out);
        } else if self.flags() & CORKED == 0 && !out.transmitter.outbox().is_empty() {
            self.schedule();
        }
    }

    pub(super) fn close(self: &Arc<Self>, frame: CloseFrame) {
        self.transmit(|transmitter| transmitter.close(frame, Wheel::now()));
    }

    pub(super) fn report(&self) -> Option<CloseReport> {
        self.lock().transmitter.report().cloned()
    }

    pub(super) fn inspect<T>(&self, look: impl FnOnce(&Transmitter) -> T) -> T {
        look(&self.lock().transmitter)
    }

    pub(super) fn notify(&self, event: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
        let mut out = self.lock();
        let over = out.io.is_none() || out.transmitter.report().is_some();
        if over || out.events.len() >= MAX_EVENTS {
            return Err(event);
        }
        out.events.push(event);
        drop(out);
        self.reader.wake();
        Ok(())
    }

    pub(super) fn pause(&self) {
        self.set(PAUSED);
    }

    pub(super) fn resume(&self) {
        self.unset(PAUSED);
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
        let ready = out.io.is_none()
            || match until {
                Until::Room => !out.transmitter.is_open() || self.has_room(&out),
                Until::Drained => {
                    out.transmitter.report().is_some() || out.transmitter.outbox().is_empty()
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
        if self.set(SCHEDULED) & SCHEDULED == 0 {
            self.flusher.schedule(self.clone());
        }
    }

    pub(super) fn flush_scheduled(self: &Arc<Self>) {
        let mut out = self.lock();
        self.unset(SCHEDULED);
        self.flush(&mut out);
    }

    /// Writes as much as the byte stream takes.
    fn flush(self: &Arc<Self>, out: &mut Out) {
        let before = out.transmitter.outbox().len();
        let waker = Waker::from(self.clone());
        let result = poll_flush(out, &mut Context::from_waker(&waker));
        if let Poll::Ready(Err(error)) = &result {
            tracing::debug!(%error, "write failed");
            out.transmitter.handle_failure(Failure::Io(error.kind()));
            out.transmitter.outbox_mut().clear();
            self.sync(out);
        }
        let waiting = out.transmitter.outbox().len();
        if waiting < before && self.flags() & CONGESTED != 0 {
            // It is not read from, but it takes what is sent: it lives.
            self.set(HEARD_BYTES);
        }
        reclaim_buffer(out);
        if waiting >= HIGH_WATER {
            self.set(CONGESTED);
        } else if self.flags() & CONGESTED != 0 {
            self.unset(CONGESTED);
            self.reader.wake();
        }
        if waiting < self.config.max_buffered_bytes / 2 || waiting == 0 {
            out.waiting.wake_all();
        }
    }

    /// Tells everybody if the connection has ended.
    fn sync(&self, out: &mut Out) {
        if out.transmitter.report().is_some() && self.set(CLOSED) & CLOSED == 0 {
            self.reader.wake();
            out.waiting.wake_all();
        }
    }

    /// Tells the wheel of a deadline that is earlier than what it knows.
    fn announce(self: &Arc<Self>, out: &mut Out) {
        let next = [out.transmitter.poll_timeout(), out.linger_until].into_iter().flatten().min();
        if let Some(next) = next
            && out.timer.is_none_or(|timer| next < timer)
        {
            out.timer = Some(next);
            let weak: Weak<Self> = Arc::downgrade(self);
            self.wheel.schedule(weak, next);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flags(&self) -> u16 {
        self.flags.load(Ordering::Acquire)
    }

    fn set(&self, flags: u16) -> u16 {
        self.flags.fetch_or(flags, Ordering::AcqRel)
    }

    fn unset(&self, flags: u16) {
        self.flags.fetch_and(!flags, Ordering::AcqRel);
    }
}

/// The byte stream can be written again.
impl Wake for Link {
    fn wake(self: Arc<Self>) {
        self.schedule();
    }
}

impl Timed for Link {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let flags = self.flags();
        let mut out = self.lock();
        // Of a peer that is not listened to nothing can be said; it is pinged all the same. If it does not take what is sent
        // to it either, there may be somebody who waits for that.
        let is_excused = flags & UNATTENDED != 0
            && out.transmitter.awaits_pong()
            && !out.transmitter.is_blocked();
        let bytes = flags & (HEARD_BYTES | PAUSED) != 0 || is_excused;
        let heard = Heard { bytes, message: flags & HEARD_MESSAGE != 0 };
        if out.io.is_none() || out.timer.is_none_or(|timer| now < timer) {
            // Left over from before an earlier deadline was announced.
            return None;
        }
        self.unset(HEARD_BYTES | HEARD_MESSAGE);
        out.transmitter.handle_timeout(now, heard);
        if out.linger_until.is_some_and(|until| until <= now) {
            self.set(EXPIRED);
            self.reader.wake();
            out.linger_until = None;
        }
        self.sync(&mut out);
        self.flush(&mut out);
        out.timer = [out.transmitter.poll_timeout(), out.linger_until].into_iter().flatten().min();
        out.timer
    }
}

/// Gives an empty outbox the buffer of this thread, so that it need not allocate one.
fn lend_buffer(out: &mut Out) {
    let outbox = out.transmitter.outbox_mut();
    if outbox.is_empty()
        && let Some(unused) = outbox.lend(buffers::take_write_buffer())
    {
        buffers::give_write_buffer(unused);
    }
}

/// Takes the buffer of an outbox that is empty: an idle connection owns none.
fn reclaim_buffer(out: &mut Out) {
    if let Some(buffer) = out.transmitter.outbox_mut().reclaim() {
        buffers::give_write_buffer(buffer);
    }
}

fn poll_flush(out: &mut Out, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    let Some(io) = &mut out.io else { return Poll::Ready(Ok(())) };
    let mut io = Pin::new(io);
    while !out.transmitter.outbox().is_empty() {
        let written = {
            let outbox = out.transmitter.outbox();
            let first = outbox.chunk();
            if first.len() == outbox.len() || !io.is_write_vectored() {
                io.as_mut().poll_write(cx, first)
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let count = outbox.chunks_vectored(&mut pieces);
                io.as_mut().poll_write_vectored(cx, &pieces[..count])
            }
        };
        match written {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Poll::Ready(Ok(count)) => out.transmitter.handle_written(count),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                out.transmitter.handle_blocked();
                return Poll::Pending;
            }
        }
    }
    if let WriteHalf::Other(_) = &*io {
        std::task::ready!(io.as_mut().poll_flush(cx))?;
    }
    if out.shutdown {
        // Whether the peer still takes it no longer matters: all was said.
        if io.as_mut().poll_shutdown(cx).is_ready() {
            out.shutdown = false;
        }
    }
    Poll::Ready(Ok(()))
}
