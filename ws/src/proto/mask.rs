//! Masking (RFC 6455 §5.3): the payload XORed with a four-byte key, in place.

/// XORs `data` with `key`, the first byte of `data` being byte `offset` of the payload.
///
/// Masking and unmasking are the same operation.
#[inline]
pub fn apply(key: [u8; 4], offset: usize, data: &mut [u8]) {
    let key = rotate(key, offset);
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    // Plain 64-bit steps: the compiler turns this loop into the widest vectors that the target allows.
    let (chunks, tail) = data.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// The key as seen from payload byte `offset` on.
const fn rotate(key: [u8; 4], offset: usize) -> [u8; 4] {
    [key[offset & 3], key[(offset + 1) & 3], key[(offset + 2) & 3], key[(offset + 3) & 3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_of_the_rfc_at_every_length_and_offset() {
        // §5.3: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4).
        let key = [0xA1, 0x02, 0x73, 0xF4];
        let original: Vec<u8> = (0..=255).collect();
        for offset in 0..9 {
            for len in 0..70 {
                let mut data = original[..len].to_vec();
                apply(key, offset, &mut data);
                let expected: Vec<u8> =
                    (0..len).map(|i| original[i] ^ key[(i + offset) % 4]).collect();
                assert_eq!(data, expected, "offset {offset} len {len}");
            }
        }
    }
}
