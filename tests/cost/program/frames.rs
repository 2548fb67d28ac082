//! Frames of a client, and how long a server's are.

use ws::proto::frame::{Header, Opcode};
use ws::proto::mask;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A frame from a client.
pub(crate) fn masked(header: Header, payload: &[u8]) -> Vec<u8> {
    let header = Header { mask: Some(KEY), len: payload.len() as u64, ..header };
    let (head, used) = header.encode();
    let mut frame = head[..used].to_vec();
    frame.extend_from_slice(payload);
    mask::apply(KEY, 0, &mut frame[used..]);
    frame
}

/// A whole message from a client.
pub(crate) fn message(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    masked(Header::new(opcode, 0), payload)
}

/// A message from a client in so many fragments.
pub(crate) fn fragments(payload: &[u8], count: usize) -> Vec<u8> {
    let pieces = payload.chunks(payload.len().div_ceil(count)).enumerate();
    let frames = pieces.map(|(index, piece)| {
        let opcode = if index == 0 { Opcode::Binary } else { Opcode::Continuation };
        masked(Header { fin: index + 1 == count, ..Header::new(opcode, 0) }, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

/// Bytes of a server's frame.
pub(crate) fn length(payload: usize) -> u64 {
    (Header::new(Opcode::Binary, payload as u64).encode().1 + payload) as u64
}
