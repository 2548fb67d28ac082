//! Buffers that belong to a thread and are lent to whichever connection has something to do, so that an idle connection
//! owns none.

use std::cell::{Cell, RefCell};

/// How much one read takes. Big enough to drain a socket's receive buffer of small messages, and to hold most messages whole.
pub(super) const READ_SIZE: usize = 256 * 1024;
/// Write buffers that grew beyond this are not kept.
const WRITE_KEPT: usize = 256 * 1024;

thread_local! {
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static WRITE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the read buffer of this thread. It is zeroed once in its life, never before a read.
pub(super) fn with_read_buffer<T>(f: impl FnOnce(&mut [u8]) -> T) -> T {
    READ.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            if buffer.is_empty() {
                buffer.resize(READ_SIZE, 0);
            }
            f(&mut buffer)
        }
        // A handler that polls another connection from within its callback: rare, and served by a buffer of its own.
        Err(_) => f(&mut vec![0; READ_SIZE / 8]),
    })
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
