//! Frames of a client, masked once, and those of a server.

/// Which kind of frame, as its first byte.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
/// RSV1: compressed.
pub(crate) const COMPRESSED: u8 = 0x40;

/// A frame from a client.
pub(crate) fn masked(first: u8, payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut frame = header(first, payload.len(), 0x80);
    frame.extend_from_slice(&key);
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A frame from a server.
pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

/// Where the payload of the frame at the front of `bytes` lies, once it is there whole.
pub(crate) fn payload_of(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let (start, len) = match (bytes.get(1)? & 0x7F, bytes) {
        (126, [_, _, a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [_, _, rest @ ..]) => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        (126, _) => return None,
        (short, _) => (2, u64::from(short)),
    };
    let end = start + usize::try_from(len).ok()?;
    (bytes.len() >= end).then_some(start..end)
}

fn header(first: u8, len: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![first];
    match len {
        0..=125 => header.push(mask | len as u8),
        126..=0xFFFF => {
            header.push(mask | 126);
            header.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    header
}
