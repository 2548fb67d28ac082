//! A batch of input and what is sent in answer: collected without the lock of the connection, and written at once.

use std::any::Any;
use std::sync::Arc;

use super::flags::{BEHIND, BLOCKED, CORKED, DEFLATING, EVENTS, HOLDS, REFUSING};
use super::{HIGH_WATER, Link, Out, Refused, buffers};
use crate::net::Wheel;
use crate::outbox::Outbox;
use crate::proto::{CloseFrame, Framing, Outgoing, Transmitter};
use crate::stream::cork::Cork;

/// So many bytes may be collected for one write if they are big messages that are not copied.
const MAX_BYTES: usize = 256 * 1024;

/// A batch of input that is being answered. What was sent meanwhile leaves when it is dropped, not by the flusher.
#[derive(Debug)]
pub(in crate::stream) struct Batch<'a> {
    link: &'a Arc<Link>,
    pub(in crate::stream) cork: Cork,
}

impl<'a> Batch<'a> {
    pub(in crate::stream) fn begin(link: &'a Arc<Link>, framing: Framing) -> Self {
        let before = link.flags.set(CORKED);
        let is_collected = before & (DEFLATING | BLOCKED) == 0;
        let limit = if is_collected { link.batch_limit() } else { 0 };
        Self { link, cork: Cork::new(framing, limit) }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let link = self.link;
        if self.cork.is_unused() && link.flags.unset(CORKED) & BEHIND == 0 {
            return;
        }
        let mut out = link.lock();
        link.flags.unset(CORKED);
        link.settle(&mut out, &mut self.cork);
        link.close_if_due(&mut out);
        link.flush(&mut out);
    }
}

impl Link {
    /// The events that wait for the handler.
    pub(in crate::stream) fn events(&self) -> Vec<Box<dyn Any + Send>> {
        if !self.flags.any(EVENTS) {
            return Vec::new();
        }
        let mut out = self.lock();
        self.flags.unset(EVENTS);
        out.rare.as_mut().map(|rare| std::mem::take(&mut rare.events)).unwrap_or_default()
    }

    /// As [`Link::queue`], for the handler.
    #[inline]
    pub(in crate::stream) fn queue_corked(
        self: &Arc<Self>,
        cork: &mut Cork,
        outgoing: Outgoing<'_>,
    ) -> Result<(), Refused> {
        if self.may_collect(cork) && cork.put(outgoing) {
            return Ok(());
        }
        self.queue_behind(cork, outgoing)
    }

    #[inline]
    fn may_collect(&self, cork: &Cork) -> bool {
        let flags = match cork.is_empty() && cork.is_in_use() {
            // From now on others put what they send behind.
            true => self.flags.set(HOLDS),
            false => self.flags.get(),
        };
        flags & (REFUSING | BEHIND) == 0
    }

    /// Queues what is not collected, behind what is.
    #[cold]
    fn queue_behind(
        self: &Arc<Self>,
        cork: &mut Cork,
        outgoing: Outgoing<'_>,
    ) -> Result<(), Refused> {
        let mut out = self.lock();
        self.settle(&mut out, cork);
        if !self.is_open() {
            return Err(Refused::Closed);
        }
        if !self.has_room(&out) {
            // What was collected has not been offered to the byte stream yet.
            self.flush(&mut out);
        }
        self.check_room(&mut out)?;
        out.output.send(outgoing)?;
        if out.output.len() >= HIGH_WATER {
            self.flush(&mut out);
        }
        if !self.flags.any(DEFLATING) {
            cork.set_limit(self.batch_limit().saturating_sub(out.len()));
        }
        Ok(())
    }

    /// As [`Link::transmit`], behind what the handler has sent.
    pub(in crate::stream) fn transmit_corked(
        self: &Arc<Self>,
        cork: Option<&mut Cork>,
        act: impl FnOnce(&mut Transmitter),
    ) {
        let mut out = self.lock();
        if let Some(cork) = cork {
            self.settle(&mut out, cork);
        }
        self.transmit_locked(&mut out, act);
    }

    /// As [`Link::close`], for the handler.
    pub(in crate::stream) fn close_corked(self: &Arc<Self>, cork: &mut Cork, frame: CloseFrame) {
        if self.is_open() {
            self.transmit_corked(Some(cork), |t| t.close(frame, Wheel::now()));
        }
    }

    fn batch_limit(&self) -> usize {
        self.config.max_buffered_bytes.min(MAX_BYTES)
    }

    /// Leaves what was just put down under the lock to whoever answers a batch. Not if nobody does (any more).
    pub(super) fn leave_to_batch(&self) -> bool {
        if !self.flags.any(CORKED) {
            return false;
        }
        let is_corked = self.flags.set(BEHIND) & CORKED != 0;
        if !is_corked {
            self.flags.unset(BEHIND);
        }
        is_corked
    }

    /// Puts in order what the handler has sent, and what others have sent meanwhile.
    fn settle(&self, out: &mut Out, cork: &mut Cork) {
        if self.flags.any(BEHIND | HOLDS) {
            self.flags.unset(BEHIND | HOLDS);
        }
        if let Some(collected) = cork.take() {
            out.append(collected);
        }
        if let Some(behind) = out.behind.take() {
            out.append(behind);
        }
    }
}

impl Out {
    fn append(&mut self, mut outbox: Box<Outbox>) {
        let transmitter = &mut self.output.transmitter;
        if transmitter.is_open() {
            match transmitter.lend_outbox(outbox) {
                None => return,
                Some(back) => outbox = back,
            }
            transmitter.outbox_mut().append(&mut outbox);
        }
        buffers::give_outbox(outbox);
    }
}
