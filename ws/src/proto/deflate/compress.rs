//! From messages to compressed frames (RFC 7692 §7.2.1).

use std::sync::Arc;

use flate2::{CompressError, FlushCompress};

use super::inflate::TAIL;
use super::negotiate::{Deflate, Direction};
use super::pool::{Compressor, Pool};
use crate::proto::frame::{Header, MAX_HEADER, Opcode, RSV1};
use crate::proto::{Compress, Role, mask};

/// Room for output that is made at a time.
const STEP: usize = 64 * 1024;

/// The state of one transmitter.
///
/// Whether a message is compressed is decided by [`Deflater::takes`], before the compressor has seen a byte of it. What the
/// compressor has seen and remembers is sent.
#[derive(Debug)]
pub(in crate::proto) struct Deflater {
    direction: Direction,
    level: u8,
    threshold: usize,
    pool: Arc<Pool>,
    /// With context takeover, from the first message that was compressed.
    context: Option<Compressor>,
}

impl Deflater {
    /// For what the side that plays `role` sends.
    pub(in crate::proto) fn boxed(deflate: &Deflate, role: Role) -> Box<Self> {
        let &Deflate { level, threshold, .. } = deflate;
        let (direction, pool) = (deflate.direction(role), deflate.pool.clone());
        Box::new(Self { direction, level, threshold, pool, context: None })
    }

    /// Whether a message of `len` bytes is to be compressed.
    pub(in crate::proto) const fn takes(&self, len: usize, compress: Compress) -> bool {
        // An empty message can't become shorter.
        len > 0
            && match compress {
                Compress::Auto => len >= self.threshold,
                Compress::Always => true,
                Compress::Never => false,
            }
    }

    /// Whether a message is compressed without reference to those before, so that receivers can share it.
    pub(in crate::proto) const fn is_shareable(&self) -> bool {
        self.direction.no_context_takeover
    }

    pub(super) const fn window_bits(&self) -> u8 {
        self.direction.max_window_bits
    }

    /// Appends `payload` as a compressed frame. Without context takeover nothing is appended, and `false` returned, if the
    /// payload does not become shorter.
    pub(in crate::proto) fn frame(
        &mut self,
        opcode: Opcode,
        mask: Option<[u8; 4]>,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> bool {
        let start = buffer.len();
        let body = start + MAX_HEADER;
        buffer.resize(body, 0);
        let is_deflated = self.deflate(payload, buffer);
        let len = buffer.len() - body;
        if !is_deflated || (self.is_shareable() && len >= payload.len()) {
            buffer.truncate(start);
            return false;
        }
        // §6: "the "Per-Message Compressed" bit" on the first frame, which here is the only one.
        let header = Header { fin: true, rsv: RSV1, opcode, mask, len: len as u64 };
        let (bytes, used) = header.encode();
        if let Some(key) = mask {
            // §5: extensions work on the payload before it is masked.
            mask::apply(key, 0, &mut buffer[body..]);
        }
        buffer[body - used..body].copy_from_slice(&bytes[..used]);
        buffer.drain(start..body - used);
        true
    }

    fn deflate(&mut self, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let (bits, level) = (self.direction.max_window_bits, self.level);
        if self.direction.no_context_takeover {
            let mut compressor = self.pool.take_compressor(bits, level);
            let result = compressor.deflate(payload, out);
            self.pool.give_compressor(compressor);
            return result.is_ok();
        }
        let context = self.context.get_or_insert_with(|| Compressor::new(bits, level));
        let result = context.deflate(payload, out);
        if result.is_err() {
            // The next one begins without a context, which the peer need not know of: it is not referred to.
            self.context = None;
        }
        result.is_ok()
    }
}

impl Compressor {
    /// Appends all of `payload`, compressed, without the tail (§7.2.1 steps 1 to 3).
    fn deflate(&mut self, mut payload: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        let stream = &mut self.stream;
        loop {
            // Room for most texts, and in any case for the tail. Lent as a slice: flate2 would clear all that a `Vec` has to
            // spare, and this one has the room of a whole write buffer.
            let (start, room) = (out.len(), (payload.len() / 2 + 64).min(STEP));
            out.resize(start + room, 0);
            let before = (stream.total_in(), stream.total_out());
            stream.compress(payload, &mut out[start..], FlushCompress::Sync)?;
            // Both are at most the lengths of the slices.
            let taken = (stream.total_in() - before.0) as usize;
            let made = (stream.total_out() - before.1) as usize;
            payload = &payload[taken..];
            out.truncate(start + made);
            // A full slice may hide more output; to ask again costs an empty block at worst.
            if payload.is_empty() && made < room {
                break;
            }
        }
        debug_assert!(out.ends_with(&TAIL), "a sync flush ends with an empty block");
        out.truncate(out.len() - TAIL.len());
        Ok(())
    }
}
