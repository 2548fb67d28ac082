//! One Engine.IO packet as it arrives: a type digit and its data (rules 11-13). Outgoing packets are [`super::Outgoing`].

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// An incoming message without its type digit, borrowed from what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Binary; a WebSocket carries it raw, a polling payload as base64.
    Binary(&'a [u8]),
}

/// An incoming packet (rule 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the server's description of a new session, as JSON; see [`super::Open`].
    Open(&'a str),
    /// `1`: the peer ends the session.
    Close,
    /// `2`: heartbeat of the server, or `probe` from a client that tries a WebSocket.
    Ping(&'a str),
    /// `3`: answer to a ping, with the ping's data.
    Pong(&'a str),
    /// `4`, or a binary message, which has no digit.
    Message(Message<'a>),
    /// `5`: the client has moved to this transport.
    Upgrade,
    /// `6`: nothing; ends a waiting GET during an upgrade.
    Noop,
}

/// The peer sent something that is no Engine.IO packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// A packet without even a type digit.
    Empty,
    /// The first character is neither `0`-`6` nor `b`.
    UnknownType,
    /// What follows `b` is not base64.
    Base64,
    /// A length of version 3 is none, or does not fit what follows.
    Length,
    /// A payload holds more packets than the receiver accepts at once.
    TooManyPackets,
}

/// JavaScript's decoder takes base64 with and without padding, so peers send both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl<'a> Packet<'a> {
    /// Reads a packet from a WebSocket text message or from one piece of a polling payload.
    ///
    /// `scratch` receives the bytes of a `b` + base64 packet, which clients also send on a WebSocket when they were told
    /// to avoid binary frames; its old content is lost.
    ///
    /// # Errors
    /// [`ParseError`] if this is no packet; the session ends with "parse error".
    pub fn from_text(text: &'a str, scratch: &'a mut Vec<u8>) -> Result<Self, ParseError> {
        let kind = *text.as_bytes().first().ok_or(ParseError::Empty)?;
        // A first byte below 0x80 is a whole character, so the cut is on a boundary.
        let data = text.get(1..).ok_or(ParseError::UnknownType)?;
        Ok(match kind {
            b'0' => Self::Open(data),
            b'1' => Self::Close,
            b'2' => Self::Ping(data),
            b'3' => Self::Pong(data),
            b'4' => Self::Message(Message::Text(data)),
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            b'b' => {
                return Self::from_base64(data, scratch);
            }
            _ => return Err(ParseError::UnknownType),
        })
    }

    /// Reads a binary message from base64.
    pub(super) fn from_base64(data: &str, scratch: &'a mut Vec<u8>) -> Result<Self, ParseError> {
        scratch.clear();
        BASE64.decode_vec(data, scratch).map_err(|_| ParseError::Base64)?;
        Ok(Self::Message(Message::Binary(scratch)))
    }

    /// Reads a packet from a WebSocket binary message, which is always a message without a type digit (rule 13).
    #[must_use]
    pub const fn from_binary(data: &'a [u8]) -> Self {
        Self::Message(Message::Binary(data))
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty Engine.IO packet",
            Self::UnknownType => "unknown Engine.IO packet type",
            Self::Base64 => "Engine.IO packet with broken base64",
            Self::Length => "Engine.IO packet with a wrong length",
            Self::TooManyPackets => "too many Engine.IO packets in one payload",
        })
    }
}

impl std::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_11_the_seven_types() {
        let table = [
            ("0{\"sid\":\"x\"}", Packet::Open("{\"sid\":\"x\"}")),
            ("1", Packet::Close),
            ("2", Packet::Ping("")),
            ("2probe", Packet::Ping("probe")),
            ("3probe", Packet::Pong("probe")),
            ("4", Packet::Message(Message::Text(""))),
            ("4hellö", Packet::Message(Message::Text("hellö"))),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
        ];
        for (text, packet) in table {
            assert_eq!(Packet::from_text(text, &mut Vec::new()), Ok(packet), "{text}");
        }
    }

    #[test]
    fn rule_11_other_types_are_refused() {
        for (text, error) in [
            ("", ParseError::Empty),
            ("7", ParseError::UnknownType),
            ("a", ParseError::UnknownType),
            (" 4x", ParseError::UnknownType),
            ("é", ParseError::UnknownType),
            ("\u{1e}", ParseError::UnknownType),
        ] {
            assert_eq!(Packet::from_text(text, &mut Vec::new()), Err(error), "{text}");
        }
    }

    #[test]
    fn rule_12_base64_binary_with_and_without_padding() {
        for (text, bytes) in [
            ("b", &[][..]),
            ("bAQIDBA==", &[1, 2, 3, 4]),
            ("bAQIDBA", &[1, 2, 3, 4]),
            ("b+/8=", &[0xfb, 0xff]),
        ] {
            let mut scratch = vec![9; 9];
            assert_eq!(
                Packet::from_text(text, &mut scratch),
                Ok(Packet::Message(Message::Binary(bytes))),
                "{text}"
            );
        }
        for text in ["bA", "b!!!!", "b-_8=", "bAQ=D", "bAQIDBA== "] {
            assert_eq!(Packet::from_text(text, &mut Vec::new()), Err(ParseError::Base64), "{text}");
        }
    }

    #[test]
    fn rule_13_a_binary_frame_is_a_message() {
        assert_eq!(Packet::from_binary(b"4x"), Packet::Message(Message::Binary(b"4x")));
    }
}
