//! Finds where a head ends while it arrives, looking at every byte once.

use std::ops::Range;

use super::{HeadError, Limits};

/// How far a head has been looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    /// Bytes before this one are done with.
    position: usize,
    /// Where the first line begins, behind an empty line that may precede it.
    start: usize,
    /// Where the current line begins.
    line_start: usize,
    /// Lines that are complete, the first line included.
    lines: usize,
    after_cr: bool,
}

impl Scan {
    /// Looks at what was appended to `buffer` since the last call; gives the head once its end is
    /// there.
    ///
    /// Limits and line rules are held at the very byte that breaks them, so how the head was cut on
    /// its way changes nothing.
    pub(super) fn advance(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
    ) -> Result<Option<Range<usize>>, HeadError> {
        let window = &buffer[..buffer.len().min(limits.max_head_bytes)];
        loop {
            if !self.after_cr {
                self.position += plain(window.get(self.position..).unwrap_or_default());
                if self.lines == 0 && self.position - self.start > limits.max_first_line_bytes {
                    return Err(HeadError::FirstLineTooLong);
                }
            }
            let Some(&byte) = window.get(self.position) else { break };
            self.position += 1;
            match (self.after_cr, byte) {
                (true, b'\n') => {
                    self.after_cr = false;
                    if self.end_line(limits)? {
                        return Ok(Some(self.start..self.position));
                    }
                }
                // RFC 9112 §2.2: a bare CR is invalid. A bare LF may be tolerated there, but where
                // two parties disagree on where a line ends, requests get smuggled.
                (true, _) | (false, b'\n') => {
                    return Err(HeadError::Malformed("a line does not end in CRLF"));
                }
                (false, b'\r') => self.after_cr = true,
                // Also tells a TLS client on a plain port at its first byte.
                (false, 0..=8 | 11..=31 | 127) => {
                    return Err(HeadError::Malformed("a control character"));
                }
                (false, _)
                    if self.lines == 0
                        && self.position - self.start > limits.max_first_line_bytes =>
                {
                    return Err(HeadError::FirstLineTooLong);
                }
                (false, _) => {}
            }
        }
        match buffer.len() < limits.max_head_bytes {
            true => Ok(None),
            false if self.lines == 0 => Err(HeadError::FirstLineTooLong),
            false => Err(HeadError::TooLong),
        }
    }

    /// How many header lines a complete head has.
    pub(super) fn header_lines(&self) -> usize {
        self.lines.saturating_sub(1)
    }

    /// A CRLF was seen; true if it was the one that ends the head.
    fn end_line(&mut self, limits: &Limits) -> Result<bool, HeadError> {
        let is_empty = self.position - self.line_start == 2;
        self.line_start = self.position;
        match (is_empty, self.lines) {
            // RFC 9112 §2.2: at least one such line is ignored.
            (true, 0) if self.start == 0 => self.start = self.position,
            (true, 0) => return Err(HeadError::Malformed("empty lines before the first line")),
            (true, _) => return Ok(true),
            (false, lines) if lines > limits.max_headers => return Err(HeadError::TooManyHeaders),
            (false, _) => self.lines += 1,
        }
        Ok(false)
    }
}

/// How many bytes at the front are surely neither control characters nor the end of a line, by steps of eight.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = 0x80 * ONES;
    let is_plain = |chunk: &&[u8; 8]| {
        let word = u64::from_ne_bytes(**chunk);
        // The highest bit of each byte that is less than 0x20, and of each that is 0x7F.
        let low = word.wrapping_sub(0x20 * ONES) & !word;
        let delete = (word ^ (0x7F * ONES)).wrapping_sub(ONES) & !(word ^ (0x7F * ONES));
        (low | delete) & HIGHS == 0
    };
    8 * bytes.as_chunks::<8>().0.iter().take_while(is_plain).count()
}
