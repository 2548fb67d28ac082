//! UTF-8 checked as it arrives (RFC 6455 §8.1), in linear time however the text is cut.

use std::fmt;

/// A validator that is fed text piece by piece and fails at the first byte that can't be right.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Utf8Validator {
    /// The beginning of a character that the last piece cut through.
    cut: [u8; 4],
    cut_len: u8,
}

/// The text is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

impl Utf8Validator {
    /// A validator at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { cut: [0; 4], cut_len: 0 }
    }

    /// Checks the next piece.
    ///
    /// # Errors
    ///
    /// When no further bytes can make the text valid.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<(), InvalidUtf8> {
        while self.cut_len > 0 {
            let Some((&next, rest)) = piece.split_first() else { return Ok(()) };
            piece = rest;
            self.complete_cut(next)?;
        }
        match simdutf8::compat::from_utf8(piece) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(InvalidUtf8),
            Err(error) => {
                // At most three bytes of a character that may still become valid.
                for &byte in &piece[error.valid_up_to()..] {
                    self.cut[usize::from(self.cut_len)] = byte;
                    self.cut_len += 1;
                }
                Ok(())
            }
        }
    }

    /// Ends the text.
    ///
    /// # Errors
    ///
    /// When it stops in the middle of a character.
    pub const fn finish(self) -> Result<(), InvalidUtf8> {
        if self.cut_len == 0 { Ok(()) } else { Err(InvalidUtf8) }
    }

    fn complete_cut(&mut self, next: u8) -> Result<(), InvalidUtf8> {
        let len = usize::from(self.cut_len);
        self.cut[len] = next;
        match std::str::from_utf8(&self.cut[..=len]) {
            Ok(_) => self.cut_len = 0,
            Err(error) if error.error_len().is_some() => return Err(InvalidUtf8),
            Err(_) => self.cut_len += 1,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_pieces(bytes: &[u8], step: usize) -> Result<(), InvalidUtf8> {
        let mut validator = Utf8Validator::new();
        for piece in bytes.chunks(step) {
            validator.feed(piece)?;
        }
        validator.finish()
    }

    #[test]
    fn a_character_that_can_not_be_completed_fails_at_its_second_byte() {
        let mut validator = Utf8Validator::new();
        assert_eq!(validator.feed(b"ok \xF4"), Ok(()));
        assert_eq!(validator.feed(b"\x90"), Err(InvalidUtf8), "past U+10FFFF");
        let mut validator = Utf8Validator::new();
        assert_eq!(validator.feed(b"\xED"), Ok(()));
        assert_eq!(validator.feed(b"\xA0"), Err(InvalidUtf8), "a surrogate");
    }

    #[test]
    fn a_text_that_stops_inside_a_character_is_invalid() {
        assert_eq!(in_pieces("aé".as_bytes(), 2), Ok(()));
        assert_eq!(in_pieces(&"aé".as_bytes()[..2], 1), Err(InvalidUtf8));
    }

    proptest! {
        #[test]
        fn agrees_with_std_however_the_text_is_cut(bytes: Vec<u8>, text: String, step in 1usize..9) {
            prop_assert_eq!(in_pieces(&bytes, step).is_ok(), std::str::from_utf8(&bytes).is_ok());
            prop_assert_eq!(in_pieces(text.as_bytes(), step), Ok(()));
        }
    }
}
