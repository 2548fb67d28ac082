//! Streams of frames: most of them right, some a little wrong, some noise.

use arbitrary::Arbitrary;
use ws::Role;
use ws::proto::frame::{Header, Opcode};
use ws::proto::mask;

/// What makes up a stream.
#[derive(Debug, Arbitrary)]
pub(crate) struct Stream {
    parts: Vec<Part>,
    /// How many bytes are missing at the end.
    missing: u8,
}

#[derive(Debug, Arbitrary)]
enum Part {
    /// A frame as it should be, which only may come at the wrong time.
    Frame {
        kind: Kind,
        fin: bool,
        key: [u8; 4],
        payload: Payload,
    },
    Close {
        code: u16,
        reason: Payload,
        key: [u8; 4],
    },
    /// Any header, with the payload that it declares, if that is not too much.
    Header {
        first: u8,
        second: u8,
        rest: [u8; 12],
    },
    Noise(Vec<u8>),
}

#[derive(Debug, Arbitrary, Clone, Copy)]
enum Kind {
    Continuation,
    Text,
    Binary,
    Ping,
    Pong,
}

#[derive(Debug, Arbitrary)]
enum Payload {
    Text(String),
    Bytes(Vec<u8>),
    /// As long as this, of characters of four different lengths, from the first or a later byte of one on.
    Long {
        len: u16,
        skip: u8,
    },
}

impl Payload {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Long { len, skip } => {
                let skip = usize::from(skip % 16);
                "aé€😀".bytes().cycle().skip(skip).take(usize::from(*len)).collect()
            }
        }
    }
}

impl Stream {
    /// The bytes as `to` gets them.
    pub(crate) fn bytes(&self, to: Role) -> Vec<u8> {
        let mut out = Vec::new();
        for part in self.parts.iter().take(64) {
            part.write(to, &mut out);
        }
        out.truncate(out.len().saturating_sub(usize::from(self.missing)));
        out
    }
}

impl Part {
    fn write(&self, to: Role, out: &mut Vec<u8>) {
        match self {
            Self::Frame { kind, fin, key, payload } => {
                let mut payload = payload.bytes();
                let (opcode, is_control) = match kind {
                    Kind::Continuation => (Opcode::Continuation, false),
                    Kind::Text => (Opcode::Text, false),
                    Kind::Binary => (Opcode::Binary, false),
                    Kind::Ping => (Opcode::Ping, true),
                    Kind::Pong => (Opcode::Pong, true),
                };
                if is_control {
                    payload.truncate(125);
                }
                frame(to, opcode, *fin || is_control, *key, &mut payload, out);
            }
            Self::Close { code, reason, key } => {
                let mut payload = code.to_be_bytes().to_vec();
                payload.extend(reason.bytes());
                payload.truncate(125);
                frame(to, Opcode::Close, true, *key, &mut payload, out);
            }
            Self::Header { first, second, rest } => {
                let start = out.len();
                out.extend([first, second]);
                out.extend(rest);
                let missing = missing(&out[start..]).filter(|missing| *missing < 70_000);
                out.extend(std::iter::repeat_n(b'.', missing.unwrap_or(0)));
            }
            Self::Noise(bytes) => out.extend(bytes),
        }
    }
}

fn frame(to: Role, opcode: Opcode, fin: bool, key: [u8; 4], payload: &mut [u8], out: &mut Vec<u8>) {
    let key = (to == Role::Server).then_some(key);
    let header = Header { fin, rsv: 0, opcode, mask: key, len: payload.len() as u64 };
    if let Some(key) = key {
        mask::apply(key, 0, payload);
    }
    let (bytes, used) = header.encode();
    out.extend(&bytes[..used]);
    out.extend(&*payload);
}

/// How many bytes the last frame of `bytes` lacks, as far as its header says; `None` if that is more than there could be.
///
/// Not [`Header::decode`]: what that refuses has a length too.
pub(crate) fn missing(mut bytes: &[u8]) -> Option<usize> {
    loop {
        if bytes.is_empty() {
            return Some(0);
        }
        let second = bytes.get(1).copied().unwrap_or(0);
        let (len_bytes, mask_bytes) = match (second & 0x7F, second & 0x80) {
            (126, mask) => (2, usize::from(mask >> 7) * 4),
            (127, mask) => (8, usize::from(mask >> 7) * 4),
            (_, mask) => (0, usize::from(mask >> 7) * 4),
        };
        let header = 2 + len_bytes + mask_bytes;
        // What is not there is padded with zeros, also if it belongs to the length.
        let mut len = [0; 8];
        for (to, from) in len[8 - len_bytes..].iter_mut().zip(bytes.get(2..).unwrap_or_default()) {
            *to = *from;
        }
        let len = match len_bytes {
            0 => u64::from(second & 0x7F),
            _ => u64::from_be_bytes(len),
        };
        let whole = header.checked_add(usize::try_from(len).ok()?)?;
        if bytes.len() <= whole {
            return Some(whole - bytes.len());
        }
        bytes = &bytes[whole..];
    }
}
