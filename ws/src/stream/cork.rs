//! What a handler sends while a batch of input is handled, collected without a lock.
//!
//! The connection's lock is taken once, when the batch is over, and one write takes all of it. What others send meanwhile, on
//! this thread or another one, is put behind what the handler has sent so far, and before what it sends next: they note in
//! the flags of the link that there is something, which the handler's next send sees.

use super::buffers;
use crate::outbox::Outbox;
use crate::proto::{Framing, Outgoing};

/// From so many copied bytes on nothing more is taken: it is shared ones that are better written many at a time.
const MAX_COPIED: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Cork {
    framing: Framing,
    /// From so many collected bytes on nothing more is taken.
    limit: usize,
    outbox: Option<Box<Outbox>>,
    /// Something was given to the link, which will have to be written when the batch is over.
    has_given: bool,
}

impl Cork {
    /// Collects up to `limit` bytes and one message.
    pub(super) const fn new(framing: Framing, limit: usize) -> Self {
        Self { framing, limit, outbox: None, has_given: false }
    }

    /// Collects a message, if there is room.
    #[inline]
    pub(super) fn put(&mut self, outgoing: Outgoing<'_>) -> bool {
        if self.limit == 0 {
            return false;
        }
        let outbox = self.outbox.get_or_insert_with(buffers::take_big_outbox);
        let has_room = outbox.len() < self.limit && outbox.copied_len() < MAX_COPIED;
        if has_room {
            self.framing.put(outbox, outgoing);
        }
        has_room
    }

    /// Gives away what was collected.
    pub(super) fn take(&mut self) -> Option<Box<Outbox>> {
        self.has_given = true;
        self.outbox.take()
    }

    /// From now on up to `limit` bytes more are collected.
    pub(super) const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether nothing was collected since it was given away.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.outbox.is_none()
    }

    /// Whether anything is to be collected.
    #[inline]
    pub(super) const fn is_in_use(&self) -> bool {
        self.limit > 0
    }

    /// Whether nothing is here to be written, or has been.
    pub(super) const fn is_unused(&self) -> bool {
        self.outbox.is_none() && !self.has_given
    }
}
