//! Buffers that belong to a thread and are lent to whichever connection has something to do, so that an idle connection
//! owns none.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, BytesMut};

/// How much one read takes. Big enough to drain a socket's receive buffer of small messages, and to hold most messages whole.
pub(super) const READ_SIZE: usize = 256 * 1024;
/// Write buffers that grew beyond this are not kept.
const WRITE_KEPT: usize = 256 * 1024;
/// Room behind a message that is expected: a read that does not fill its buffer has taken all there was.
const SLACK: usize = 64;
/// Messages are not expected to be longer than this.
const MAX_EXPECTED: usize = 4 * 1024 * 1024;
/// How much memory all connections together may hold for parts of messages that have not arrived, because earlier messages
/// were as long. Who comes later has it grow with what arrives.
const MAX_AHEAD: usize = 64 * 1024 * 1024;

static AHEAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static READ: Cell<BytesMut> = Cell::new(BytesMut::new());
    /// For a message like the one before.
    static EXPECTED: Cell<BytesMut> = Cell::new(BytesMut::new());
    static WRITE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes the read buffer of this thread, empty; a new one if it is out, or shared with messages that are still to be written.
pub(super) fn take_read_buffer() -> BytesMut {
    let mut buffer = READ.take();
    buffer.clear();
    if buffer.try_reclaim(READ_SIZE) { buffer } else { BytesMut::with_capacity(READ_SIZE) }
}

/// Gives the read buffer back, whatever of it has been split off.
pub(super) fn give_read_buffer(mut buffer: BytesMut) {
    buffer.advance(buffer.len());
    READ.set(buffer);
}

/// Takes an empty buffer for a frame of so many bytes.
pub(super) fn take_expected_buffer(len: usize) -> BytesMut {
    let (buffer, capacity) = (EXPECTED.take(), len + SLACK);
    let fits = buffer.capacity() >= capacity && buffer.capacity() / 2 <= capacity;
    if fits { buffer } else { BytesMut::with_capacity(capacity) }
}

/// Gives an empty buffer back that nothing was read into.
pub(super) fn give_expected_buffer(buffer: BytesMut) {
    EXPECTED.set(buffer);
}

/// The length of a frame that is worth being expected again.
pub(super) fn expectation(len: usize) -> u32 {
    len.min(MAX_EXPECTED) as u32 // fits
}

/// Memory that is held for what is expected.
#[derive(Debug)]
pub(super) struct Ahead(u32);

impl Ahead {
    /// Unless there is too much of it already.
    pub(super) fn reserve(len: u32) -> Option<Self> {
        let before = AHEAD.fetch_add(len as usize, Ordering::Relaxed);
        let ahead = Self(len);
        (before + len as usize <= MAX_AHEAD).then_some(ahead)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        AHEAD.fetch_sub(self.0 as usize, Ordering::Relaxed);
    }
}

/// Takes the write buffer of this thread, or an empty one if it is out.
pub(super) fn take_write_buffer() -> Vec<u8> {
    WRITE.take()
}

/// Gives a write buffer back.
pub(super) fn give_write_buffer(buffer: Vec<u8>) {
    if (1..=WRITE_KEPT).contains(&buffer.capacity()) {
        WRITE.set(buffer);
    }
}
