//! What the benchmarks have in common: frames and texts to work on.

use ws::proto::frame::{Header, Opcode};
use ws::proto::mask;

/// The key of all frames.
pub const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Frames in a row, as one read delivers them.
pub const FRAMES: usize = 16;

/// Bytes that are not all the same.
pub fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index * index % 251) as u8).collect()
}

/// Text of letters.
pub fn ascii(size: usize) -> String {
    (0..size).map(|index| char::from(b'a' + (index * index % 251 % 26) as u8)).collect()
}

/// Text of which a third is not ASCII, of about this size.
pub fn mixed(size: usize) -> String {
    let mut text = String::with_capacity(size);
    while text.len() + 24 <= size {
        text.push_str("plain words äю—漢 ");
    }
    text + &ascii(size)[..size % 24]
}

/// JSON of this size, and so many different ones of it that a window of 32 KiB forgets each before it comes again.
pub fn documents(size: usize) -> Vec<String> {
    let mut state = 1_u32;
    let mut number = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 12
    };
    let document = |_| {
        let mut text = String::with_capacity(size + 64);
        while text.len() < size {
            let (id, price, up) = (number() % 100_000, number() % 10_000, number() % 2 == 0);
            text += &format!("{{\"id\":{id},\"name\":\"alpha\",\"price\":{price},\"up\":{up}}},");
        }
        text.truncate(size);
        text
    };
    (0..(1 << 17) / size).map(document).collect()
}

/// [`FRAMES`] frames from a client.
pub fn frames(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let header = Header { mask: Some(KEY), ..Header::new(opcode, payload.len() as u64) };
    let (head, used) = header.encode();
    let mut frame = head[..used].to_vec();
    frame.extend_from_slice(payload);
    mask::apply(KEY, 0, &mut frame[used..]);
    frame.repeat(FRAMES)
}
