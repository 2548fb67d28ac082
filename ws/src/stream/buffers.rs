//! Buffers that belong to a thread and are lent to whichever connection has something to do, so that an idle connection
//! owns none.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;

use crate::outbox::Outbox;

/// How much one read takes. Big enough to drain a socket's receive buffer of small messages, and to hold most messages whole.
pub(super) const READ_SIZE: usize = 256 * 1024;
/// An outbox that grew beyond this is not kept.
const BIG_KEPT: usize = 256 * 1024;
/// Up to this size many are kept, for messages to many connections at a time.
const SMALL_KEPT: usize = 4 * 1024;
/// How many, so that a thread keeps at most 4 MiB.
const MAX_SMALL: usize = 1024;
/// Room behind a message that is expected: a read that does not fill its buffer has taken all there was.
const SLACK: usize = 64;
/// Messages are not expected to be longer than this.
const MAX_EXPECTED: usize = 4 * 1024 * 1024;
/// How much memory all connections together may hold for parts of messages that have not arrived, because earlier messages
/// were as long. Who comes later has it grow with what arrives.
const MAX_AHEAD: usize = 64 * 1024 * 1024;

static AHEAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LENT: RefCell<Lent> = const {
        RefCell::new(Lent { read: None, expected: None, big: None, small: Vec::new() })
    };
}

/// What this thread lends.
struct Lent {
    read: Option<BytesMut>,
    /// For a message like the one before.
    expected: Option<BytesMut>,
    /// For a batch of answers.
    big: Option<Box<Outbox>>,
    #[expect(clippy::vec_box, reason = "a connection that has none has room for a pointer only")]
    small: Vec<Box<Outbox>>,
}

/// `None` if the thread is ending, and has nothing to lend any more.
fn lent<T>(use_it: impl FnOnce(&mut Lent) -> T) -> Option<T> {
    LENT.try_with(|lent| use_it(&mut lent.borrow_mut())).ok()
}

/// Takes the read buffer of this thread, empty; a new one if it is out, or shared with messages that are still to be written.
pub(super) fn take_read_buffer() -> BytesMut {
    let mut buffer = lent(|lent| lent.read.take()).flatten().unwrap_or_default();
    let has_room = buffer.capacity() >= READ_SIZE || buffer.try_reclaim(READ_SIZE);
    if has_room { buffer } else { BytesMut::with_capacity(READ_SIZE) }
}

/// Gives the read buffer back, whatever of it has been split off.
pub(super) fn give_read_buffer(mut buffer: BytesMut) {
    buffer.clear();
    let before = lent(|lent| lent.read.replace(buffer));
    drop(before);
}

/// Takes an empty buffer for a frame of so many bytes.
pub(super) fn take_expected_buffer(len: usize) -> BytesMut {
    let (buffer, capacity) = (lent(|lent| lent.expected.take()).flatten(), len + SLACK);
    match buffer {
        Some(buffer) if buffer.capacity() >= capacity && buffer.capacity() / 2 <= capacity => {
            buffer
        }
        _ => BytesMut::with_capacity(capacity),
    }
}

/// Gives an empty buffer back that nothing was read into.
pub(super) fn give_expected_buffer(buffer: BytesMut) {
    let _ = lent(|lent| lent.expected = Some(buffer));
}

/// The length of a frame that is worth being expected again.
pub(super) fn expectation(len: usize) -> u32 {
    len.min(MAX_EXPECTED) as u32 // fits
}

/// Memory that is held for what is expected.
#[derive(Debug)]
pub(super) struct Ahead(NonZeroU32);

impl Ahead {
    /// Unless there is too much of it already.
    pub(super) fn reserve(len: u32) -> Option<Self> {
        let ahead = Self(NonZeroU32::new(len)?);
        let before = AHEAD.fetch_add(len as usize, Ordering::Relaxed);
        (before + len as usize <= MAX_AHEAD).then_some(ahead)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        AHEAD.fetch_sub(self.0.get() as usize, Ordering::Relaxed);
    }
}

/// Takes an empty outbox, for a message or a few.
pub(super) fn take_outbox() -> Box<Outbox> {
    let outbox = lent(|lent| lent.small.pop().or_else(|| lent.big.take()));
    outbox.flatten().unwrap_or_default()
}

/// Takes an empty outbox, for a batch.
pub(super) fn take_big_outbox() -> Box<Outbox> {
    let outbox = lent(|lent| lent.big.take().or_else(|| lent.small.pop()));
    outbox.flatten().unwrap_or_default()
}

/// Gives an outbox back, whatever is in it.
pub(super) fn give_outbox(mut outbox: Box<Outbox>) {
    outbox.recycle(BIG_KEPT);
    let unwanted = lent(|lent| {
        if outbox.capacity() > SMALL_KEPT {
            lent.big.replace(outbox)
        } else if lent.small.len() < MAX_SMALL {
            lent.small.push(outbox);
            None
        } else {
            Some(outbox)
        }
    });
    drop(unwanted);
}
