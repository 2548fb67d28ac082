//! UTF-8 text over shared bytes. The one module of the crate with `unsafe`: what was validated as it arrived is
//! not validated again each time it is read.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;

use bytes::buf::{Limit, UninitSlice};
use bytes::{BufMut, Bytes, BytesMut};

use super::utf8::{InvalidUtf8, Utf8Validator};

/// The payload of a text message: valid UTF-8 (RFC 6455 §5.6), shared, cheap to clone.
///
/// ```
/// let text = ws::Text::from("grüezi");
/// assert_eq!(text.len(), 7);
/// assert_eq!(&*text, "grüezi");
/// ```
// Invariant: the bytes are valid UTF-8. Every way in is in this module.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// A text from a string literal, without a copy.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: the bytes are valid UTF-8, by the invariant of this type.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The shared bytes of the text.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Puts `header` before the text in the place of as many bytes that were kept free for it: of `room` bytes at the front of
    /// `text`, the last ones are overwritten. Returns header and text, and the text alone, over the same bytes.
    ///
    /// # Panics
    ///
    /// When `text` no longer has a character boundary at `room`, or `header` is longer than that.
    pub(super) fn framed(text: String, room: usize, header: &[u8]) -> (Bytes, Self) {
        assert!(text.is_char_boundary(room), "what was kept free for the header is gone");
        let mut bytes = text.into_bytes();
        let start = room - header.len();
        bytes[start..room].copy_from_slice(header);
        let frame = Bytes::from(bytes).slice(start..);
        // SAFETY: behind the header stand the unchanged bytes of a `String` from a character boundary on.
        let text = unsafe { Self::from_valid(frame.slice(header.len()..)) };
        (frame, text)
    }

    /// # Safety
    ///
    /// `bytes` must be valid UTF-8.
    unsafe fn from_valid(bytes: Bytes) -> Self {
        debug_assert!(std::str::from_utf8(&bytes).is_ok());
        Self(bytes)
    }
}

/// A text message that arrives in pieces, each byte of it checked once.
#[derive(Debug, Default)]
pub(super) struct TextBuilder {
    // Invariant: `validator` has been fed exactly `bytes[..checked]`, and nobody can reach those bytes to change them.
    bytes: BytesMut,
    checked: usize,
    validator: Utf8Validator,
}

impl TextBuilder {
    /// A text that begins with `bytes`, none of which is checked yet.
    pub(super) fn starting_with(bytes: BytesMut) -> Self {
        Self { bytes, checked: 0, validator: Utf8Validator::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Room for at most `limit` bytes that are appended, not yet checked; `reserve` of them are allocated.
    pub(super) fn spare(&mut self, reserve: usize, limit: usize) -> Spare<'_> {
        Spare::new(&mut self.bytes, reserve, limit)
    }

    /// What was appended and not yet checked.
    pub(super) fn unchecked_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.checked..]
    }

    /// Checks what was appended since the last check.
    pub(super) fn check(&mut self) -> Result<(), InvalidUtf8> {
        self.validator.feed(&self.bytes[self.checked..])?;
        self.checked = self.bytes.len();
        Ok(())
    }

    /// Ends the message.
    pub(super) fn finish(mut self) -> Result<Text, InvalidUtf8> {
        self.check()?;
        self.validator.finish()?;
        // SAFETY: the validator has seen all of `bytes`, in order and unchanged since, and found it valid and whole.
        Ok(unsafe { Text::from_valid(self.bytes.freeze()) })
    }
}

/// Room at the end of a message that is arriving. Bytes can be appended; those that are there can't be reached.
///
/// A `Limit<&mut BytesMut>` would do the same but give the buffer away, and with it text that was checked already:
///
/// ```compile_fail,E0599
/// # fn spoil(mut receiver: ws::proto::Receiver) {
/// receiver.direct().expect("a text is arriving").get_mut()[0] = 0xFF;
/// # }
/// ```
#[derive(Debug)]
pub struct Spare<'a>(Limit<&'a mut BytesMut>);

impl<'a> Spare<'a> {
    pub(super) fn new(bytes: &'a mut BytesMut, reserve: usize, limit: usize) -> Self {
        bytes.reserve(reserve);
        Self(bytes.limit(limit))
    }
}

// SAFETY: every method hands on to an implementation that keeps the contract.
unsafe impl BufMut for Spare<'_> {
    fn remaining_mut(&self) -> usize {
        self.0.remaining_mut()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller has initialized `count` bytes of `chunk_mut`.
        unsafe { self.0.advance_mut(count) }
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        self.0.chunk_mut()
    }
}

impl TryFrom<Bytes> for Text {
    type Error = InvalidUtf8;

    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        match simdutf8::basic::from_utf8(&bytes) {
            // SAFETY: just validated.
            Ok(_) => Ok(unsafe { Self::from_valid(bytes) }),
            Err(_) => Err(InvalidUtf8),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<Text> for Bytes {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
