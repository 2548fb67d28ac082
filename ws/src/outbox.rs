//! Bytes on their way out: what was collected to leave in one write.
//!
//! Small pieces are copied behind one another into a single buffer; large ones are kept as shared [`Bytes`]
//! in between and leave by a vectored write without a copy. The queue knows nothing of frames: `proto` fills it,
//! the tokio floors drain it through [`Buf`].

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Consumed bytes at the front of the buffer are cut off once they outweigh the rest and this many bytes.
const COMPACT_FROM: usize = 64 * 1024;

/// A queue of bytes that is read as a [`Buf`].
#[derive(Debug, Default)]
pub struct Outbox {
    /// The collected small pieces; `buffer[start..]` is still to leave.
    buffer: Vec<u8>,
    start: usize,
    /// Large pieces, each with the offset in `buffer` before which it leaves.
    shared: VecDeque<(usize, Bytes)>,
    /// Bytes of `shared`.
    shared_len: usize,
}

impl Outbox {
    /// An empty queue that owns no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, shared: VecDeque::new(), shared_len: 0 }
    }

    /// Bytes that wait here.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.buffer.len() - self.start + self.shared_len
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that were copied to here, and wait or are not yet cleared away.
    #[must_use]
    pub const fn copied_len(&self) -> usize {
        self.buffer.len()
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends what `write` appends to the buffer it is given. `write` must only append.
    pub fn extend_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer);
    }

    /// Appends `bytes` without a copy.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.shared_len += bytes.len();
        self.shared.push_back((self.buffer.len(), bytes));
    }

    /// Copies the shared pieces, so that nothing else is kept alive by what waits here.
    pub fn unshare(&mut self) {
        for (_, bytes) in &mut self.shared {
            *bytes = Bytes::copy_from_slice(bytes);
        }
    }

    /// Moves all that waits in `other` to here.
    pub fn append(&mut self, other: &mut Self) {
        if self.is_empty() {
            std::mem::swap(self, other);
            return;
        }
        let mut from = other.start;
        for (at, bytes) in std::mem::take(&mut other.shared) {
            self.extend(&other.buffer[from..at]);
            self.push(bytes);
            from = at;
        }
        self.extend(&other.buffer[from..]);
        other.recycle(usize::MAX);
    }

    /// Bytes of memory that the queue itself has.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity() + self.shared.capacity() * size_of::<(usize, Bytes)>()
    }

    /// Empties the queue for its next owner. Of its memory no more is kept than room for `most` bytes.
    pub fn recycle(&mut self, most: usize) {
        if self.buffer.capacity() > most {
            self.buffer = Vec::new();
        }
        if self.shared.capacity() > most / size_of::<(usize, Bytes)>() {
            self.shared = VecDeque::new();
        }
        self.buffer.clear();
        self.shared.clear();
        (self.start, self.shared_len) = (0, 0);
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The collected bytes before the next shared piece.
    fn collected(&self) -> &[u8] {
        let end = self.shared.front().map_or(self.buffer.len(), |(at, _)| *at);
        &self.buffer[self.start..end]
    }

    fn consume_collected(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > COMPACT_FROM && self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            for (at, _) in &mut self.shared {
                *at -= self.start;
            }
            self.start = 0;
        }
    }
}

impl Buf for Outbox {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        match (self.collected(), self.shared.front()) {
            ([], Some((_, bytes))) => bytes,
            (collected, _) => collected,
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut position = self.start;
        let before = self.shared.iter().flat_map(|(at, bytes)| {
            let collected = &self.buffer[position..*at];
            position = *at;
            [collected, &bytes[..]]
        });
        let last = self.shared.back().map_or(self.start, |(at, _)| *at);
        let pieces = before.chain([&self.buffer[last..]]).filter(|piece| !piece.is_empty());
        // No further than there are slices: the cost of a write is that of what it can take.
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    /// # Panics
    ///
    /// When `count` is more than what remains, as [`Buf::advance`] says.
    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "advanced past the end of the outbox");
        while count > 0 {
            let collected = self.collected().len();
            if collected > 0 {
                let step = collected.min(count);
                count -= step;
                self.consume_collected(step);
                continue;
            }
            let Some((_, bytes)) = self.shared.front_mut() else { return };
            let step = bytes.len().min(count);
            bytes.advance(step);
            let emptied = bytes.is_empty();
            self.shared_len -= step;
            count -= step;
            if emptied {
                self.shared.pop_front();
            }
            self.consume_collected(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while outbox.has_remaining() {
            let mut slices = [IoSlice::new(&[]); 8];
            let count = outbox.chunks_vectored(&mut slices);
            let all: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter().copied()).collect();
            assert_eq!(&all[..outbox.chunk().len()], outbox.chunk());
            let step = step.min(all.len());
            out.extend_from_slice(&all[..step]);
            outbox.advance(step);
        }
        out
    }

    #[test]
    fn order_is_kept_whatever_the_size_of_a_write() {
        for step in 1..20 {
            let mut outbox = Outbox::new();
            outbox.extend(b"ab");
            outbox.push(Bytes::from_static(b"CDE"));
            outbox.push(Bytes::from_static(b"F"));
            outbox.extend(b"gh");
            outbox.extend_with(|b| b.extend_from_slice(b"ij"));
            outbox.push(Bytes::from_static(b"KL"));
            assert_eq!(outbox.len(), 12);
            assert_eq!(drain(&mut outbox, step), b"abCDEFghijKL");
            assert!(outbox.is_empty());
        }
    }

    #[test]
    fn a_partly_drained_queue_takes_more_and_compacts() {
        let mut outbox = Outbox::new();
        let block = vec![7u8; COMPACT_FROM];
        outbox.extend(&block);
        outbox.extend(&block);
        outbox.push(Bytes::from_static(b"shared"));
        outbox.advance(COMPACT_FROM + 1);
        outbox.advance(COMPACT_FROM - 2);
        outbox.extend(b"tail");
        assert_eq!(outbox.len(), 1 + 6 + 4);
        assert_eq!(drain(&mut outbox, 3), b"\x07sharedtail");
    }

    #[test]
    fn a_queue_keeps_little_memory_for_its_next_owner() {
        let mut outbox = Outbox::new();
        for (size, kept) in [(64, true), (100_000, false)] {
            outbox.extend(&vec![1; size]);
            outbox.push(Bytes::from_static(b"shared"));
            outbox.recycle(4096);
            assert!(outbox.is_empty() && outbox.copied_len() == 0);
            assert_eq!(outbox.buffer.capacity() >= size, kept);
            outbox.extend(b"x");
            assert_eq!(drain(&mut outbox, 1), b"x");
        }
    }
}
