//! Messages and frames on their way into the outbox of a connection.

use std::sync::Arc;

use super::flags::{BEHIND, HOLDS, REFUSING};
use super::{HIGH_WATER, Link, Out, Refused, buffers};
use crate::net::Wheel;
use crate::proto::{CloseFrame, Failure, NotOpen, Outgoing, OverflowPolicy, Transmitter};

impl Link {
    /// Queues a message, if there is room, and sees to it that it leaves.
    pub(in crate::stream) fn queue(
        self: &Arc<Self>,
        outgoing: Outgoing<'_>,
    ) -> Result<(), Refused> {
        if self.flags.any(REFUSING) {
            return Err(Refused::Closed);
        }
        let mut out = self.lock();
        self.check_room(&mut out)?;
        self.put(&mut out, outgoing)?;
        Ok(())
    }

    /// As [`Link::queue`], for whom room was promised: others may have taken it meanwhile.
    pub(in crate::stream) fn queue_promised(
        self: &Arc<Self>,
        outgoing: Outgoing<'_>,
    ) -> Result<(), NotOpen> {
        self.put(&mut self.lock(), outgoing)
    }

    /// As [`Link::queue`], but writes at once.
    pub(in crate::stream) fn queue_and_flush(
        self: &Arc<Self>,
        outgoing: Outgoing<'_>,
    ) -> Result<(), Refused> {
        let mut out = self.lock();
        self.check_room(&mut out)?;
        out.output.send(outgoing)?;
        self.flush(&mut out);
        Ok(())
    }

    /// A single message always finds room, however little may wait.
    pub(super) fn has_room(&self, out: &Out) -> bool {
        let waiting = out.len();
        waiting < self.config.max_buffered_bytes || waiting == 0
    }

    pub(super) fn check_room(&self, out: &mut Out) -> Result<(), Refused> {
        if self.has_room(out) {
            return Ok(());
        }
        if self.config.overflow == OverflowPolicy::Disconnect {
            out.output.transmitter.handle_failure(Failure::Overflow);
            self.sync(out);
        }
        Err(if out.output.transmitter.is_open() { Refused::Full } else { Refused::Closed })
    }

    fn put(self: &Arc<Self>, out: &mut Out, outgoing: Outgoing<'_>) -> Result<(), NotOpen> {
        if self.flags.any(HOLDS) {
            return self.put_behind(out, outgoing);
        }
        out.output.send(outgoing)?;
        if !self.leave_to_batch() {
            self.schedule();
        } else if out.output.len() >= HIGH_WATER {
            self.flush(out);
        }
        Ok(())
    }

    /// Has a message wait for what the handler of this connection has sent before it.
    #[cold]
    fn put_behind(&self, out: &mut Out, outgoing: Outgoing<'_>) -> Result<(), NotOpen> {
        if !self.is_open() {
            return Err(NotOpen);
        }
        let framing = out.output.transmitter.framing();
        framing.put(out.behind.get_or_insert_with(buffers::take_outbox), outgoing);
        self.flags.set(BEHIND);
        Ok(())
    }

    /// Lets the protocol machine act on something received, and notes if that ended the connection. What it queued leaves by
    /// the flusher unless a batch is being answered.
    pub(in crate::stream) fn transmit(self: &Arc<Self>, act: impl FnOnce(&mut Transmitter)) {
        self.transmit_locked(&mut self.lock(), act);
    }

    pub(super) fn transmit_locked(
        self: &Arc<Self>,
        out: &mut Out,
        act: impl FnOnce(&mut Transmitter),
    ) {
        out.output.lend_outbox();
        act(&mut out.output.transmitter);
        out.output.reclaim_outbox();
        self.announce(out);
        self.sync(out);
        if out.output.len() >= HIGH_WATER && !out.output.transmitter.is_blocked() {
            // Pongs enough. If the peer does not take them, of the pings that follow only the latest is answered.
            self.flush(out);
        } else if out.output.len() > 0 && !self.leave_to_batch() {
            self.schedule();
        }
    }

    pub(in crate::stream) fn close(self: &Arc<Self>, frame: CloseFrame) {
        let mut out = self.lock();
        // At once, so that a handler collects nothing more, which would be lost.
        let before = self.flags.set(REFUSING);
        if before & REFUSING != 0 {
            return;
        }
        out.wake_waiting();
        if before & HOLDS == 0 {
            self.transmit_locked(&mut out, |t| t.close(frame, Wheel::now()));
        } else {
            // What the handler has sent so far goes before it.
            out.rare().close = Some(frame);
            self.flags.set(BEHIND);
        }
    }

    /// Begins the closing handshake that was put off.
    pub(super) fn close_if_due(self: &Arc<Self>, out: &mut Out) {
        if let Some(frame) = out.rare.as_mut().and_then(|rare| rare.close.take()) {
            self.transmit_locked(out, |t| t.close(frame, Wheel::now()));
        }
    }
}
