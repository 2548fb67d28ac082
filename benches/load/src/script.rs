//! What is sent over and over, and what must come back.

use flate2::{Compression, FlushCompress, Status};

use crate::frame::{self, BINARY, COMPRESSED, TEXT};

/// Requests are written, and answers compared, in pieces of at least about this size.
const PIECE: usize = 1 << 20;

/// What messages contain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Content {
    /// Bytes.
    Binary,
    /// Text of letters.
    Text,
    /// Text of which a third is not ASCII.
    Mixed,
    /// JSON of many small values.
    Json,
}

/// An endless row of messages: so many different ones, repeated.
pub(crate) struct Script {
    /// The frames of one round, as often as it takes to have a piece of any beginning.
    pub(crate) requests: Row,
    /// The answers to them. Empty where they can't be known, because they are compressed.
    pub(crate) responses: Row,
    /// The payloads of one round.
    pub(crate) payloads: Vec<Vec<u8>>,
}

/// Frames of one round, repeated.
pub(crate) struct Row {
    pub(crate) bytes: Vec<u8>,
    /// Where each frame of the round begins, and at last where the round ends.
    starts: Vec<usize>,
    /// All frames have this length.
    even: Option<usize>,
}

impl Script {
    pub(crate) fn new(content: Content, size: usize, raw: bool, deflate: bool) -> Self {
        // Enough that nobody can answer from memory, few enough that they stay in the generator's cache.
        // With compression more than a window holds, or each message would be found in it whole.
        let (round, most) = if deflate { (1 << 18, 256) } else { (1 << 16, 16) };
        let count = (round / size.max(1)).clamp(1, most);
        let payloads: Vec<_> = (0..count).map(|seed| payload(content, size, seed)).collect();
        let opcode = if content == Content::Binary { BINARY } else { TEXT };
        let key = |index: usize| (0x37FA_213D_u32.wrapping_mul(2 * index as u32 + 1)).to_be_bytes();
        let requests = payloads.iter().enumerate().map(|(index, payload)| {
            if deflate {
                frame::masked(opcode | COMPRESSED, &compress(payload), key(index))
            } else {
                frame::masked(opcode, payload, key(index))
            }
        });
        let requests = Row::new(requests.collect());
        let responses = if raw {
            Row { bytes: requests.bytes.clone(), starts: requests.starts.clone(), ..requests }
        } else {
            Row::new(payloads.iter().map(|payload| frame::plain(opcode, payload)).collect())
        };
        Self { requests, responses, payloads }
    }
}

impl Row {
    fn new(frames: Vec<Vec<u8>>) -> Self {
        let mut starts = vec![0];
        starts.extend(frames.iter().scan(0, |end, frame| {
            *end += frame.len();
            Some(*end)
        }));
        let len = frames[0].len();
        let even = frames.iter().all(|frame| frame.len() == len).then_some(len);
        let round = frames.concat();
        Self { bytes: round.repeat(PIECE / round.len() + 2), starts, even }
    }

    /// Bytes of one round.
    pub(crate) fn round(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// Bytes before the message of this number.
    pub(crate) fn position(&self, message: u64) -> u64 {
        let count = self.starts.len() as u64 - 1;
        (message / count) * self.round() as u64 + self.starts[(message % count) as usize] as u64
    }

    /// How many messages are whole within the first `position` bytes.
    pub(crate) fn messages(&self, position: u64) -> u64 {
        if let Some(len) = self.even {
            return position / len as u64;
        }
        let round = self.round() as u64;
        let rest = (position % round) as usize;
        let count = self.starts.len() as u64 - 1;
        position / round * count + self.starts.partition_point(|&start| start <= rest) as u64 - 1
    }
}

fn payload(content: Content, size: usize, seed: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut random = move || {
        // xorshift64: any sequence will do that is the same in each run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    };
    let mut bytes = Vec::with_capacity(size + 64);
    while bytes.len() < size {
        match content {
            Content::Binary => bytes.extend_from_slice(&random().to_le_bytes()),
            Content::Text => bytes.push(b'a' + (random() % 26) as u8),
            Content::Mixed => match random() % 3 {
                0 => bytes.extend_from_slice("äю—漢".as_bytes()),
                _ => bytes.extend_from_slice(b"plain words "),
            },
            Content::Json => {
                let (id, price, up) = (random() % 100_000, random() % 10_000, random() % 2 == 0);
                let name = ["alpha", "beta", "gamma", "delta"][(random() % 4) as usize];
                let (whole, cents) = (price / 100, price % 100);
                let item = format!(
                    "{{\"id\":{id},\"name\":\"{name}\",\"price\":{whole}.{cents:02},\"up\":{up}}},"
                );
                bytes.extend_from_slice(item.as_bytes());
            }
        }
    }
    bytes.truncate(size);
    // Not through a character.
    while content != Content::Binary && std::str::from_utf8(&bytes).is_err() {
        let cut = std::str::from_utf8(&bytes).map_or_else(|e| e.valid_up_to(), str::len);
        bytes.truncate(cut);
        bytes.resize(size, b'.');
    }
    bytes
}

/// A payload compressed as RFC 7692 section 7.2.1 says, on its own.
fn compress(payload: &[u8]) -> Vec<u8> {
    let mut codec = flate2::Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(payload.len() + 64);
    let status = codec.compress_vec(payload, &mut out, FlushCompress::Sync);
    assert!(matches!(status, Ok(Status::Ok)) && out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}
