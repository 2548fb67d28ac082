//! One packet of version 3: as in version 4, but that binary carries a type, too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::engine::{Message, Outgoing, Packet, ParseError};

/// The type of a message, which as a byte stands before binary.
pub(super) const MESSAGE: u8 = 4;

/// Reads a packet from a WebSocket text message or a piece of a text payload. Binary comes as `b4` and base64; `scratch` receives it.
///
/// # Errors
/// [`ParseError`] if this is no packet.
pub fn from_text<'a>(text: &'a str, scratch: &'a mut Vec<u8>) -> Result<Packet<'a>, ParseError> {
    match text.strip_prefix('b') {
        None => Packet::from_text(text, scratch),
        Some(rest) => match rest.strip_prefix('4') {
            Some(base64) => Packet::from_base64(base64, scratch),
            // The other types have no use for binary.
            None => Err(ParseError::UnknownType),
        },
    }
}

/// Reads a packet from a WebSocket binary message or a binary piece of a payload.
///
/// # Errors
/// [`ParseError`] if it is empty or no message.
pub const fn from_binary(data: &[u8]) -> Result<Packet<'_>, ParseError> {
    match data {
        [MESSAGE, data @ ..] => Ok(Packet::Message(Message::Binary(data))),
        [] => Err(ParseError::Empty),
        _ => Err(ParseError::UnknownType),
    }
}

/// A packet as a WebSocket of version 3 carries it. Text is shared as in version 4, binary is framed anew.
#[must_use]
pub fn frame(packet: &Outgoing, base64: bool) -> Outgoing {
    if packet.is_text() {
        return packet.clone();
    }
    let data = packet.bytes();
    let framed = if base64 {
        Outgoing::written(|text| write_base64(&data, text))
    } else {
        let mut typed = Vec::with_capacity(1 + data.len());
        typed.push(MESSAGE);
        typed.extend_from_slice(&data);
        Outgoing::binary(&typed)
    };
    framed.compress(packet.is_compressible())
}

pub(super) fn write_base64(data: &[u8], text: &mut String) {
    text.push_str("b4");
    STANDARD.encode_string(data, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_21_binary_carries_a_type() {
        let binary = Packet::Message(Message::Binary(&[1, 2, 3, 4]));
        assert_eq!(from_text("b4AQIDBA==", &mut Vec::new()), Ok(binary));
        assert_eq!(from_binary(&[4, 1, 2, 3, 4]), Ok(binary));
        for text in ["b", "bAQIDBA==", "b2AQIDBA==", "b4*"] {
            assert!(from_text(text, &mut Vec::new()).is_err(), "{text}");
        }
        for data in [&[][..], &[2], &[52]] {
            assert!(from_binary(data).is_err(), "{data:?}");
        }
        let packet = Outgoing::binary(&[1, 2, 3, 4]);
        assert_eq!(frame(&packet, true).bytes(), "b4AQIDBA==");
        assert!(frame(&packet, true).is_text());
        assert_eq!(frame(&packet, false).bytes(), &[4, 1, 2, 3, 4][..]);
        assert!(!frame(&packet.compress(false), false).is_compressible());
    }

    #[test]
    fn rule_21_text_is_as_in_version_4() {
        assert_eq!(from_text("4hi", &mut Vec::new()), Ok(Packet::Message(Message::Text("hi"))));
        assert_eq!(from_text("2probe", &mut Vec::new()), Ok(Packet::Ping("probe")));
        let packet = Outgoing::text(|text| text.push_str("hi"));
        assert_eq!(frame(&packet, false).bytes().as_ptr(), packet.bytes().as_ptr(), "shared");
    }
}
