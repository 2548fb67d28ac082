//! Codec states that no connection needs just now.
//!
//! A state is some hundred kilobytes and takes longer to allocate than a short message to compress. Without context takeover
//! it is needed only while a message is being worked on, so that a few of them serve any number of connections.

use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::{Compress, Compression, Decompress};

/// States of each kind that are kept. More are made when more are needed at a time, and dropped afterwards.
const KEPT: usize = 16;

/// What a [`DeflateConfig`](super::DeflateConfig) and its clones share.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    compressors: Mutex<Vec<Compressor>>,
    #[expect(clippy::vec_box, reason = "a connection that has none has room for a pointer only")]
    decompressors: Mutex<Vec<Box<Decompress>>>,
}

/// A compressor that remembers how it was made.
#[derive(Debug)]
pub(super) struct Compressor {
    pub(super) stream: Box<Compress>,
    window_bits: u8,
    level: u8,
}

impl Compressor {
    pub(super) fn new(window_bits: u8, level: u8) -> Self {
        // There is no window of 8 bits here: its search needs a margin of 262 bytes, so that it refers back by at most 250
        // bytes in a window of 9. This is within the 256 that a peer with a window of 8 has; a test holds it against this.
        let bits = window_bits.clamp(9, 15);
        let effort = Compression::new(level.min(9).into());
        let stream = Box::new(Compress::new_with_window_bits(effort, false, bits));
        Self { stream, window_bits, level }
    }
}

impl Pool {
    /// A compressor as new.
    pub(super) fn take_compressor(&self, window_bits: u8, level: u8) -> Compressor {
        let mut kept = lock(&self.compressors);
        // The latest one first: its memory is likely to be in a cache.
        let fits = |c: &Compressor| c.window_bits == window_bits && c.level == level;
        let found = kept.iter().rposition(fits).map(|at| kept.swap_remove(at));
        drop(kept);
        match found {
            Some(mut compressor) => {
                compressor.stream.reset();
                compressor
            }
            None => Compressor::new(window_bits, level),
        }
    }

    pub(super) fn give_compressor(&self, compressor: Compressor) {
        let mut kept = lock(&self.compressors);
        // The oldest one makes room: perhaps nobody wants its kind any more.
        let surplus = (kept.len() >= KEPT).then(|| kept.swap_remove(0));
        kept.push(compressor);
        drop(kept);
        drop(surplus);
    }

    /// A decompressor as new. Its window always has 15 bits: one that is bigger than agreed does no harm, and this one takes
    /// the same memory for all sizes.
    pub(super) fn take_decompressor(&self) -> Box<Decompress> {
        let found = lock(&self.decompressors).pop();
        match found {
            Some(mut stream) => {
                stream.reset(false);
                stream
            }
            None => Box::new(Decompress::new(false)),
        }
    }

    pub(super) fn give_decompressor(&self, stream: Box<Decompress>) {
        let mut kept = lock(&self.decompressors);
        if kept.len() < KEPT {
            kept.push(stream);
        }
    }

    /// How many states of each kind are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (lock(&self.compressors).len(), lock(&self.decompressors).len())
    }
}

fn lock<T>(kept: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
