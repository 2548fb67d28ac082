//! One outgoing packet, framed once and shared by all receivers and both transports.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ws::{Compress, Prepared};

use super::Open;

/// An outgoing Engine.IO message, framed once.
///
/// A WebSocket sends the prepared frame as it is, a polling payload the frame's text (or base64 of its bytes), so a
/// broadcast to any number of sessions encodes its message once. A clone costs reference counts.
#[derive(Debug, Clone)]
pub struct Outgoing(Prepared);

impl Outgoing {
    /// A text message. `build` appends to a buffer that already holds the type digit `4`.
    #[must_use]
    pub fn text(build: impl FnOnce(&mut String)) -> Self {
        Self(Prepared::build_text(|buf| {
            buf.push('4');
            build(buf);
        }))
    }

    /// A binary message, which has no type digit (rule 13).
    #[must_use]
    pub fn binary(data: &[u8]) -> Self {
        Self(Prepared::binary(data))
    }

    /// Whether a transport may compress it, where compression was negotiated and the message is long enough. Default true. Not what
    /// is compressed already, nor secrets next to text of somebody else's choice (BREACH).
    #[must_use]
    pub fn compress(self, compress: bool) -> Self {
        Self(self.0.compress(if compress { Compress::Auto } else { Compress::Never }))
    }

    /// May a transport compress it?
    #[must_use]
    pub const fn is_compressible(&self) -> bool {
        !matches!(self.0.compression(), Compress::Never)
    }

    /// The bytes of the message, with the type digit of a text.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.0.payload()
    }

    /// Bytes of the message, with the type digit of a text.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.message().len()
    }

    /// Whether the message is empty, as a binary one may be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is it text?
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.0.message().is_text()
    }

    /// The frame for a WebSocket.
    #[must_use]
    pub const fn prepared(&self) -> &Prepared {
        &self.0
    }

    /// The open packet, which is the first of a session (rule 11).
    #[must_use]
    pub fn open(open: &Open) -> Self {
        Self(Prepared::build_text(|buf| {
            buf.push('0');
            buf.push_str(&open.to_json());
        }))
    }

    pub(super) fn close() -> Self {
        static PACKET: LazyLock<Outgoing> = LazyLock::new(|| Outgoing::control("1"));
        PACKET.clone()
    }

    pub(super) fn ping() -> Self {
        static PACKET: LazyLock<Outgoing> = LazyLock::new(|| Outgoing::control("2"));
        PACKET.clone()
    }

    /// The answer to a ping, with its data (rule 16).
    #[must_use]
    pub fn pong(data: &str) -> Self {
        static PACKET: LazyLock<Outgoing> = LazyLock::new(|| Outgoing::control("3"));
        match data {
            "" => PACKET.clone(),
            data => Self::control(&format!("3{data}")),
        }
    }

    pub(super) fn probe_answer() -> Self {
        static PACKET: LazyLock<Outgoing> = LazyLock::new(|| Outgoing::control("3probe"));
        PACKET.clone()
    }

    pub(super) fn noop() -> Self {
        static PACKET: LazyLock<Outgoing> = LazyLock::new(|| Outgoing::control("6"));
        PACKET.clone()
    }

    fn control(text: &str) -> Self {
        Self::written(|buf| buf.push_str(text))
    }

    /// A text packet of which `build` writes also the type digit.
    pub(super) fn written(build: impl FnOnce(&mut String)) -> Self {
        Self(Prepared::build_text(build))
    }

    /// The text, with the type digit, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.0.as_text()
    }

    pub(super) fn polling_len(&self) -> usize {
        // Four characters for three bytes, the last group padded, after a `b`.
        if self.is_text() { self.len() } else { 1 + self.len().div_ceil(3) * 4 }
    }

    /// Appends the packet as it stands in a payload (rule 12).
    pub(super) fn write_polling(&self, body: &mut String) {
        match self.0.as_text() {
            Some(text) => body.push_str(text),
            None => {
                body.push('b');
                STANDARD.encode_string(self.0.message().as_bytes(), body);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_13_text_has_a_type_digit_and_binary_none() {
        assert_eq!(Outgoing::text(|buf| buf.push('x')).bytes(), "4x");
        assert_eq!(Outgoing::binary(b"x").bytes(), "x");
        assert!(Outgoing::binary(b"").is_empty() && !Outgoing::text(|_| ()).is_empty());
    }

    #[test]
    fn the_length_in_a_payload_is_foretold() {
        for length in 0..8 {
            for packet in [
                Outgoing::binary(&vec![7; length]),
                Outgoing::text(|buf| buf.extend(vec!['é'; length])),
            ] {
                let mut body = String::new();
                packet.write_polling(&mut body);
                assert_eq!(packet.polling_len(), body.len());
            }
        }
    }
}
