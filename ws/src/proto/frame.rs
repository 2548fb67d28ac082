//! The frame header (RFC 6455 §5.2): two to fourteen bytes before every payload.

use super::error::ProtocolError;

/// The longest header: two bytes, a 64-bit length and a masking key.
pub const MAX_HEADER: usize = 14;

/// The bit of a frame that ends its message.
pub(super) const FIN: u8 = 0x80;

/// The longest payload of a control frame (RFC 6455 §5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// RSV1 in [`Header::rsv`]: the first frame of a compressed message, where that was negotiated (RFC 7692 §6).
pub const RSV1: u8 = 0b100;

/// What a frame carries (RFC 6455 §5.2, §11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of the message under way.
    Continuation,
    /// The first or only frame of a text message.
    Text,
    /// The first or only frame of a binary message.
    Binary,
    /// Starts or answers the closing handshake.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping, or is sent unasked.
    Pong,
}

impl Opcode {
    /// The four bits on the wire, or `None` where RFC 6455 reserves them.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// The four bits on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    /// Whether this is a control frame: never fragmented, at most 125 bytes, allowed between fragments (§5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A frame header, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// FIN: the last (or only) frame of its message.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3 as the bits 4, 2 and 1. Zero unless an extension gives them a meaning.
    pub rsv: u8,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The masking key, on every frame from a client and on none from a server (§5.3).
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload behind the header.
    pub len: u64,
}

impl Header {
    /// A header of a final frame without mask and reserved bits.
    #[must_use]
    pub const fn new(opcode: Opcode, len: u64) -> Self {
        Self { fin: true, rsv: 0, opcode, mask: None, len }
    }

    /// Reads a header from the front of `bytes`: the header and its length, or `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// What can be known from the header alone to be illegal: a reserved opcode, a control frame that is long or
    /// fragmented, a length that is not minimally encoded or has its highest bit set.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(ProtocolError::ReservedOpcode)?;
        let fin = first & FIN != 0;
        let short = second & 0x7F;
        if opcode.is_control() {
            // §5.5: "MUST have a payload length of 125 bytes or less and MUST NOT be fragmented".
            if !fin {
                return Err(ProtocolError::FragmentedControl);
            }
            if usize::from(short) > MAX_CONTROL_PAYLOAD {
                return Err(ProtocolError::LongControl);
            }
        }
        let (len, rest, len_bytes) = match short {
            126 => match rest {
                &[a, b, ref rest @ ..] => (u64::from(u16::from_be_bytes([a, b])), rest, 2),
                _ => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest, 8),
                None => return Ok(None),
            },
            short => (u64::from(short), rest, 0),
        };
        // §5.2: "the minimal number of bytes MUST be used", "the most significant bit MUST be 0".
        if (len_bytes == 2 && len < 126) || (len_bytes == 8 && len <= 0xFFFF) {
            return Err(ProtocolError::NonMinimalLength);
        }
        if len >> 63 != 0 {
            return Err(ProtocolError::LengthHighBit);
        }
        let (mask, mask_bytes) = if second & 0x80 == 0 {
            (None, 0)
        } else {
            match rest.first_chunk::<4>() {
                Some(key) => (Some(*key), 4),
                None => return Ok(None),
            }
        };
        let header = Self { fin, rsv: (first >> 4) & 0x7, opcode, mask, len };
        Ok(Some((header, 2 + len_bytes + mask_bytes)))
    }

    /// The header on the wire, as an array and how much of it counts. The length is encoded minimally.
    #[must_use]
    #[inline]
    pub fn encode(&self) -> ([u8; 16], usize) {
        // Put together in a register: byte by byte in memory it would have to be waited for by who copies it.
        let first = (u8::from(self.fin) << 7) | ((self.rsv & 0x7) << 4) | self.opcode.bits();
        let masked = u8::from(self.mask.is_some()) << 7;
        let (short, extended, mut used) = match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(len @ 0..=125), _) => (len, 0, 2),
            (_, Ok(len)) => (126, u128::from(len.swap_bytes()), 4),
            _ => (127, u128::from(self.len.swap_bytes()), 10),
        };
        let mut word = u128::from(first) | u128::from(masked | short) << 8 | extended << 16;
        if let Some(key) = self.mask {
            word |= u128::from(u32::from_le_bytes(key)) << (8 * used);
            used += 4;
        }
        (word.to_le_bytes(), used)
    }

    /// Appends the header as it stands on the wire.
    #[inline]
    pub(super) fn append_to(&self, buffer: &mut Vec<u8>) {
        let (bytes, used) = self.encode();
        let end = buffer.len() + used;
        // All of it, because that is one store, and then only what counts.
        buffer.extend_from_slice(&bytes);
        buffer.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_wire_at_every_length_class() {
        for len in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, u64::MAX >> 1] {
            for mask in [None, Some([1, 2, 3, 4])] {
                for fin in [false, true] {
                    let header = Header { fin, rsv: 5, opcode: Opcode::Binary, mask, len };
                    let (bytes, used) = header.encode();
                    assert_eq!(Header::decode(&bytes[..used]), Ok(Some((header, used))));
                    for cut in 0..used {
                        assert_eq!(Header::decode(&bytes[..cut]), Ok(None), "cut at {cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn illegal_headers_are_refused_as_soon_as_they_show() {
        use ProtocolError::*;
        let table: &[(&[u8], ProtocolError)] = &[
            (&[0x83, 0x00], ReservedOpcode),
            (&[0x8B, 0x00], ReservedOpcode),
            (&[0x09, 0x00], FragmentedControl),
            (&[0x89, 0x7E], LongControl),
            (&[0x88, 0x7F], LongControl),
            (&[0x82, 0x7E, 0x00, 0x7D], NonMinimalLength),
            (&[0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], NonMinimalLength),
            (&[0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], LengthHighBit),
        ];
        for (bytes, error) in table {
            assert_eq!(Header::decode(bytes), Err(*error), "{bytes:02x?}");
        }
    }
}
