//! From compressed payload to messages (RFC 7692 §7.2.2), piece by piece as it arrives.

use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};

use super::negotiate::Deflate;
use super::pool::Pool;
use crate::proto::{ProtocolError, Role};

/// What the sender cuts off the end of each message (§7.2.1): the rest of an empty block.
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// Bytes that are inflated before somebody looks at them. No limit is passed by more than this.
const STEP: usize = 8 * 1024;

/// The state of one receiver.
#[derive(Debug)]
pub(in crate::proto) struct Inflater {
    no_context_takeover: bool,
    pool: Arc<Pool>,
    /// There from the first byte that needs it; without context takeover to the end of a message only.
    stream: Option<Box<Decompress>>,
    /// A compressed message is under way.
    is_active: bool,
    /// The stream stands at a beginning: of the message, or behind a block with BFINAL.
    is_fresh: bool,
}

impl Inflater {
    /// For the side that plays `role`, and so for what the other one sends.
    pub(in crate::proto) fn boxed(deflate: &Deflate, role: Role) -> Box<Self> {
        let no_context_takeover = deflate.direction(role.peer()).no_context_takeover;
        let pool = deflate.pool.clone();
        Box::new(Self { no_context_takeover, pool, stream: None, is_active: false, is_fresh: true })
    }

    /// Whether a compressed message is under way.
    pub(in crate::proto) const fn is_active(&self) -> bool {
        self.is_active
    }

    /// A compressed message begins.
    pub(in crate::proto) const fn begin(&mut self) {
        self.is_active = true;
        self.is_fresh = true;
    }

    /// Inflates the next piece of the message and shows `sink` what comes of it, step by step.
    ///
    /// # Errors
    ///
    /// Those of `sink`, and what is not DEFLATE.
    pub(in crate::proto) fn feed(
        &mut self,
        piece: &[u8],
        sink: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        if piece.is_empty() { Ok(()) } else { self.inflate(piece, &mut [0; STEP], sink) }
    }

    /// Ends the message.
    ///
    /// # Errors
    ///
    /// When the payload stopped in the middle of something, as far as this shows.
    pub(in crate::proto) fn finish(&mut self) -> Result<(), ProtocolError> {
        // §7.2.1 wants an empty block at the end, of which at least the first octet is left, also behind a block with BFINAL
        // (§7.2.3.4) and in an empty message (§7.2.3.6).
        if self.is_fresh {
            return Err(ProtocolError::DeflateCorrupt);
        }
        // §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message." They end an empty
        // block, so that nothing comes of them.
        self.inflate(&TAIL, &mut [0; 8], |_| Err(ProtocolError::DeflateCorrupt))?;
        self.is_active = false;
        if self.no_context_takeover
            && let Some(stream) = self.stream.take()
        {
            self.pool.give_decompressor(stream);
        }
        Ok(())
    }

    fn inflate(
        &mut self,
        mut piece: &[u8],
        room: &mut [u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let stream = self.stream.get_or_insert_with(|| self.pool.take_decompressor());
        loop {
            self.is_fresh &= piece.is_empty();
            let before = (stream.total_in(), stream.total_out());
            let status = stream
                .decompress(piece, room, FlushDecompress::None)
                .map_err(|_| ProtocolError::DeflateCorrupt)?;
            // Both are at most the lengths of the slices.
            let taken = (stream.total_in() - before.0) as usize;
            let made = (stream.total_out() - before.1) as usize;
            piece = &piece[taken..];
            if made > 0 {
                sink(&room[..made])?;
            }
            if status == Status::StreamEnd {
                // §7.2.3.4: BFINAL ends a DEFLATE stream, not the message. What follows begins at the next octet, as another
                // stream. That the window ends with it is how zlib and those who use it understand this.
                stream.reset(false);
                self.is_fresh = true;
                if piece.is_empty() {
                    return Ok(());
                }
            } else if piece.is_empty() && made < room.len() {
                return Ok(());
            } else if taken == 0 && made == 0 {
                // There would be no end to it.
                return if piece.is_empty() { Ok(()) } else { Err(ProtocolError::DeflateCorrupt) };
            }
        }
    }
}
