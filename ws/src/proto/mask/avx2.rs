//! Masking by vectors of 32 bytes, on processors that have them.
//!
//! Twice as fast as the 16 bytes that every x86-64 has, from the first level of cache to the second. 64 bytes (AVX-512) gave
//! nothing on top: it is storing that takes the time.

use std::sync::OnceLock;

use fearless_simd::{Avx2, Level};

use super::{chunks, medium, rotate, short};

/// From this length on it pays to start where vectors do not lie across cache lines.
const ALIGN_FROM: usize = 1024;

/// Looked up once.
static AVX2: OnceLock<Option<Avx2>> = OnceLock::new();

#[inline]
pub(super) fn wide(key: u32, data: &mut [u8]) {
    match AVX2.get() {
        Some(Some(avx2)) => by_32(*avx2, key, data),
        Some(None) | None => otherwise(key, data),
    }
}

/// Out of the way, because it matters for 256 bytes how short the way is.
#[cold]
#[inline(never)]
fn otherwise(key: u32, data: &mut [u8]) {
    match AVX2.get_or_init(|| Level::new().as_avx2()) {
        Some(avx2) => by_32(*avx2, key, data),
        None => medium(key, data),
    }
}

// What is inlined here is compiled for processors with AVX2; that they are such is known by the token.
fearless_simd::kernel!(
    #[inline(always)]
    fn by_32(avx2: Avx2, key: u32, data: &mut [u8]) {
        if data.len() < ALIGN_FROM {
            return blocks(key, data);
        }
        let start = data.as_ptr().addr().wrapping_neg() % 32;
        let (head, body) = data.split_at_mut(start);
        short(key, head);
        blocks(rotate(key, start), body);
    }
);

#[inline(always)]
fn blocks(key: u32, data: &mut [u8]) {
    // Four vectors at a time, so that the loop itself costs little.
    let tail = chunks::<128>(key, data);
    if !tail.is_empty() {
        medium(key, tail);
    }
}
