//! Masking (RFC 6455 §5.3): the payload XORed with a four-byte key, in place.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod avx2;

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use avx2::wide;
/// Elsewhere there is nothing wider than what the compiler uses anyway.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
use medium as wide;

/// Shorter payloads are not worth the way to instructions that only some processors have.
const WIDE_FROM: usize = 192;

/// XORs `data` with `key`, the first byte of `data` being byte `offset` of the payload.
///
/// Masking and unmasking are the same operation.
#[inline]
pub fn apply(key: [u8; 4], offset: usize, data: &mut [u8]) {
    let key = rotate(u32::from_le_bytes(key), offset);
    match data.len() {
        ..32 => short(key, data),
        32..WIDE_FROM => medium(key, data),
        WIDE_FROM.. => wide(key, data),
    }
}

/// The key as seen from payload byte `offset` on. Its lowest byte comes first.
#[inline(always)]
const fn rotate(key: u32, offset: usize) -> u32 {
    key.rotate_right(8 * (offset as u32 & 3))
}

/// By 32 bytes.
#[inline(always)]
fn medium(key: u32, data: &mut [u8]) {
    let tail = chunks::<32>(key, data);
    if !tail.is_empty() {
        short(key, tail);
    }
}

/// Whole chunks; returns the others.
#[inline(always)]
fn chunks<const LEN: usize>(key: u32, data: &mut [u8]) -> &mut [u8] {
    let (chunks, tail) = data.as_chunks_mut::<LEN>();
    for chunk in chunks {
        words(key, chunk);
    }
    tail
}

/// Less than 32 bytes, without a loop but for the last three.
#[inline(always)]
fn short(key: u32, data: &mut [u8]) {
    let tail = first::<16>(key, data);
    let tail = first::<8>(key, tail);
    let tail = first::<4>(key, tail);
    bytes(key, tail);
}

/// The first `LEN` of less than twice as many bytes, if there are so many; returns the others.
#[inline(always)]
fn first<const LEN: usize>(key: u32, data: &mut [u8]) -> &mut [u8] {
    let (chunks, tail) = data.as_chunks_mut::<LEN>();
    if let Some(chunk) = chunks.first_mut() {
        words(key, chunk);
    }
    tail
}

/// The compiler makes vectors of it, as wide as it knows the processor to have them, where the length is known.
#[inline(always)]
fn words(key: u32, data: &mut [u8]) {
    let (words, _) = data.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_le_bytes(*word) ^ key).to_le_bytes();
    }
}

/// At most three.
#[inline(always)]
fn bytes(mut key: u32, data: &mut [u8]) {
    for byte in data {
        *byte ^= key as u8; // the lowest
        key >>= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
    fn check(offset: usize, buffer: &mut [u8], start: usize, len: usize, mask: impl Fn(&mut [u8])) {
        let original = buffer.to_vec();
        mask(&mut buffer[start..start + len]);
        let expected = |i: usize| match (start..start + len).contains(&i) {
            true => original[i] ^ KEY[(i - start + offset) % 4],
            false => original[i],
        };
        let same = buffer.iter().enumerate().all(|(i, byte)| *byte == expected(i));
        assert!(same, "offset {offset}, {len} bytes from {start}");
    }

    const KEY: [u8; 4] = [0xA1, 0x02, 0x73, 0xF4];

    #[test]
    fn agrees_with_the_formula_of_the_rfc_at_every_length_and_offset() {
        let mut buffer: Vec<u8> = (0..1200).map(|i| (i % 251) as u8).collect();
        for len in (0..300).chain([511, 512, 1023, 1024, 1025, 1100, 1151, 1152, 1153]) {
            for offset in 0..9 {
                check(offset, &mut buffer, offset, len, |data| apply(KEY, offset, data));
            }
        }
    }

    /// Whatever the processor has, and however the payload lies in memory.
    #[test]
    fn every_way_agrees_at_every_alignment() {
        let mut buffer: Vec<u8> = (0..1400).map(|i| (i % 251) as u8).collect();
        let key = u32::from_le_bytes(KEY);
        for start in 0..65 {
            for len in (0..70).chain([127, 128, 191, 192, 193, 255, 257, 1023, 1024, 1070, 1300]) {
                check(0, &mut buffer, start, len, |data| medium(key, data));
                if len < 32 {
                    check(0, &mut buffer, start, len, |data| short(key, data));
                }
                check(0, &mut buffer, start, len, |data| wide(key, data));
            }
        }
    }
}
