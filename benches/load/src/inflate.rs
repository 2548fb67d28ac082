//! Compressed answers: inflated with the context of their connection, and compared.

use std::io;

use flate2::{Decompress, FlushDecompress};

use crate::failure;
use crate::frame::{self, COMPRESSED};

/// The receiving side of a connection with permessage-deflate.
pub(crate) struct Inflater {
    codec: Decompress,
    /// What came of a frame that is not whole yet.
    rest: Vec<u8>,
    out: Vec<u8>,
    /// The number of the next message.
    next: usize,
}

impl Inflater {
    pub(crate) fn new() -> Self {
        Self { codec: Decompress::new(false), rest: Vec::new(), out: Vec::new(), next: 0 }
    }

    /// Takes what was read, and tells how many messages it ended.
    pub(crate) fn take(&mut self, bytes: &[u8], payloads: &[Vec<u8>]) -> io::Result<u64> {
        self.rest.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut self.rest);
        let (mut used, mut whole) = (0, 0);
        while let Some(payload) = frame::payload_of(&rest[used..]) {
            let end = used + payload.end;
            let expected = &payloads[self.next % payloads.len()];
            let first = rest[used];
            self.compare(first, &rest[used + payload.start..end], expected)?;
            self.next += 1;
            whole += 1;
            used = end;
        }
        rest.drain(..used);
        self.rest = rest;
        Ok(whole)
    }

    fn compare(&mut self, first: u8, payload: &[u8], expected: &[u8]) -> io::Result<()> {
        if first & COMPRESSED == 0 {
            return Err(failure("the server answered without compression"));
        }
        self.out.clear();
        self.out.reserve(expected.len() + 64);
        for piece in [payload, &[0, 0, 0xFF, 0xFF]] {
            let mut piece = piece;
            while !piece.is_empty() {
                let before = self.codec.total_in();
                let status = self.codec.decompress_vec(piece, &mut self.out, FlushDecompress::Sync);
                let used = (self.codec.total_in() - before) as usize;
                piece = &piece[used..];
                if status.is_err() || used == 0 {
                    return Err(failure("the server answered what can't be inflated"));
                }
            }
        }
        if self.out == expected {
            Ok(())
        } else {
            Err(failure("the server answered something else"))
        }
    }
}
