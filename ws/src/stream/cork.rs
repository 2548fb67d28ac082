//! What a handler sends while a batch of input is handled, collected by its thread without a lock.
//!
//! The frames belong to the connection all the same: whoever takes its lock on this thread brings them along first, so that
//! what one thread does keeps its order. Other threads don't see them before the batch is done; what they send meanwhile is
//! put behind, before the next message of the handler.

use std::cell::RefCell;

use super::buffers;
use crate::outbox::Outbox;
use crate::proto::{Framing, Outgoing};

thread_local! {
    static CORK: RefCell<Cork> = const { RefCell::new(Cork { corked: None, outbox: Outbox::new() }) };
}

struct Cork {
    corked: Option<Corked>,
    outbox: Outbox,
}

/// The connection whose batch is being handled.
#[derive(Clone, Copy)]
struct Corked {
    /// The address of its link, which stays where it is meanwhile.
    link: usize,
    framing: Framing,
    /// From so many collected bytes on nothing more is taken.
    limit: usize,
}

/// Nor from so many copied bytes on: it is shared ones that are better written many at a time.
const MAX_COPIED: usize = 64 * 1024;

impl Cork {
    const fn has_room(&self, limit: usize) -> bool {
        self.outbox.len() < limit && self.outbox.copied_len() < MAX_COPIED
    }

    fn of(&mut self, link: usize) -> Option<&mut Corked> {
        self.corked.as_mut().filter(|corked| corked.link == link)
    }
}

/// Begins to collect for `link`, which has nothing else that waits, up to `limit` bytes and one message. Not if this thread
/// collects for another one.
pub(super) fn begin(link: usize, framing: Framing, limit: usize) -> bool {
    CORK.with_borrow_mut(|cork| {
        if cork.corked.is_some() {
            return false;
        }
        cork.corked = Some(Corked { link, framing, limit });
        if let Some(unused) = cork.outbox.lend(buffers::take_write_buffer()) {
            buffers::give_write_buffer(unused);
        }
        true
    })
}

/// Collects a message, if this thread does so for `link` and there is room.
#[inline]
pub(super) fn put(link: usize, outgoing: Outgoing<'_>) -> bool {
    CORK.with_borrow_mut(|cork| match cork.corked {
        Some(corked) if corked.link == link && cork.has_room(corked.limit) => {
            corked.framing.put(&mut cork.outbox, outgoing);
            true
        }
        _ => false,
    })
}

/// Whether this thread collects for `link`.
pub(super) fn is_of(link: usize) -> bool {
    CORK.with_borrow_mut(|cork| cork.of(link).is_some())
}

/// What has been collected for `link`. More may be.
pub(super) fn take(link: usize) -> Option<Outbox> {
    CORK.with_borrow_mut(|cork| {
        let collected = cork.outbox.len();
        let corked = cork.of(link)?;
        corked.limit = corked.limit.saturating_sub(collected);
        Some(std::mem::take(&mut cork.outbox))
    })
}

/// Collects no more for `link`.
pub(super) fn end(link: usize) {
    CORK.with_borrow_mut(|cork| {
        if cork.of(link).is_some() {
            cork.corked = None;
        }
    });
}
