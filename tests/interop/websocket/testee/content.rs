//! What the messages consist of.

use ws::Message;

/// The largest is the limit itself.
pub const SIZES: [usize; 8] = [0, 1, 125, 126, 65535, 65536, 1 << 20, 64 << 20];

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Binary,
}

impl Kind {
    /// A message of this many bytes.
    pub fn message(self, size: usize) -> Message {
        match self {
            Self::Text => text(size).into(),
            Self::Binary => binary(size).into(),
        }
    }
}

/// Characters of four, three, two and one bytes; one of them lies across every boundary somewhere.
fn text(size: usize) -> String {
    let mut text = "😀€éx".repeat(size / 10);
    text.push_str(&"x".repeat(size % 10));
    text
}

/// Noise that repeats after a prime number of bytes, too far for deflate to see it.
fn binary(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let block: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345) & 0x7FFF_FFFF;
        state.to_be_bytes()[1]
    })
    .take(65521)
    .collect();
    block.iter().copied().cycle().take(size).collect()
}
