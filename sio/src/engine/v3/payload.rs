//! Payloads of version 3: each packet behind its length. As text, `6:4hello10:b4AQIDBA==`, with lengths in UTF-16 units; or, if there
//! is binary and the client takes it, as bytes: 0 for text or 1 for binary, the digits of the length as bytes, 255, the packet.

use bytes::Bytes;

use super::packet::{MESSAGE, from_binary, from_text, write_base64};
use crate::engine::{Outgoing, Packet, ParseError};

/// Digits of a length: more than any body could have.
const MAX_DIGITS: usize = 10;

/// Walks through the packets of a text payload and stops at the first bad one.
#[derive(Debug)]
pub struct TextDecoder<'a> {
    rest: &'a str,
    left: usize,
    scratch: Vec<u8>,
}

impl<'a> TextDecoder<'a> {
    /// A decoder that refuses to go on after `max_packets` packets.
    #[must_use]
    pub const fn new(payload: &'a str, max_packets: usize) -> Self {
        Self { rest: payload, left: max_packets, scratch: Vec::new() }
    }

    /// The next packet, or `None` after the last one and after an error. An empty payload has none.
    pub fn next_packet(&mut self) -> Option<Result<Packet<'_>, ParseError>> {
        if self.rest.is_empty() {
            return None;
        }
        let piece = take_text(&mut self.rest).and_then(|piece| count(&mut self.left, piece));
        let packet = piece.and_then(|piece| from_text(piece, &mut self.scratch));
        if packet.is_err() {
            self.rest = "";
        }
        Some(packet)
    }
}

/// Walks through the packets of a binary payload and stops at the first bad one.
#[derive(Debug)]
pub struct BinaryDecoder<'a> {
    rest: &'a [u8],
    left: usize,
    scratch: Vec<u8>,
}

impl<'a> BinaryDecoder<'a> {
    /// A decoder that refuses to go on after `max_packets` packets.
    #[must_use]
    pub const fn new(payload: &'a [u8], max_packets: usize) -> Self {
        Self { rest: payload, left: max_packets, scratch: Vec::new() }
    }

    /// The next packet, or `None` after the last one and after an error. An empty payload has none.
    pub fn next_packet(&mut self) -> Option<Result<Packet<'_>, ParseError>> {
        if self.rest.is_empty() {
            return None;
        }
        let piece = take_binary(&mut self.rest).and_then(|piece| count(&mut self.left, piece));
        let packet = piece.and_then(|(is_text, piece)| match is_text {
            false => from_binary(piece),
            true => std::str::from_utf8(piece)
                .map_err(|_| ParseError::Length)
                .and_then(|text| from_text(text, &mut self.scratch)),
        });
        if packet.is_err() {
            self.rest = &[];
        }
        Some(packet)
    }
}

/// Joins packets into a text body, binary as base64.
#[must_use]
pub fn encode(packets: &[Outgoing]) -> String {
    let mut body =
        String::with_capacity(packets.iter().map(|packet| packet.len() * 4 / 3 + 16).sum());
    for packet in packets {
        match packet.as_text() {
            Some(text) => write_text(text, &mut body),
            None => {
                let mut text = String::with_capacity(packet.len() * 4 / 3 + 8);
                write_base64(&packet.bytes(), &mut text);
                write_text(&text, &mut body);
            }
        }
    }
    body
}

/// Joins packets into a binary body, for a client that takes it and packets of which one at least is binary.
#[must_use]
pub fn encode_binary(packets: &[Outgoing]) -> Bytes {
    let mut body = Vec::with_capacity(packets.iter().map(|packet| packet.len() + 16).sum());
    for packet in packets {
        let (kind, length) =
            if packet.is_text() { (0, packet.len()) } else { (1, packet.len() + 1) };
        body.push(kind);
        body.extend(length.to_string().bytes().map(|digit| digit - b'0'));
        body.push(255);
        if kind == 1 {
            body.push(MESSAGE);
        }
        body.extend_from_slice(&packet.bytes());
    }
    body.into()
}

fn write_text(text: &str, body: &mut String) {
    body.push_str(&text.encode_utf16().count().to_string());
    body.push(':');
    body.push_str(text);
}

/// Takes one piece with its length off a text payload.
fn take_text<'a>(rest: &mut &'a str) -> Result<&'a str, ParseError> {
    let head = &rest.as_bytes()[..rest.len().min(MAX_DIGITS + 1)];
    let colon = head.iter().position(|byte| *byte == b':').ok_or(ParseError::Length)?;
    // What stands before an ASCII character is whole.
    let (digits, body) = (&rest[..colon], &rest[colon + 1..]);
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(ParseError::Length);
    }
    let mut units: usize = digits.parse().map_err(|_| ParseError::Length)?;
    let mut end = 0;
    for character in body.chars() {
        if units == 0 {
            break;
        }
        // A length that ends within a surrogate pair is none.
        units = units.checked_sub(character.len_utf16()).ok_or(ParseError::Length)?;
        end += character.len_utf8();
    }
    if units > 0 {
        return Err(ParseError::Length);
    }
    *rest = &body[end..];
    Ok(&body[..end])
}

/// Takes one piece with its length off a binary payload. Is it text?
fn take_binary<'a>(rest: &mut &'a [u8]) -> Result<(bool, &'a [u8]), ParseError> {
    let (kind, body) = rest.split_first().ok_or(ParseError::Length)?;
    let head = &body[..body.len().min(MAX_DIGITS + 1)];
    let end = head.iter().position(|byte| *byte == 255).ok_or(ParseError::Length)?;
    let length = head[..end].iter().try_fold(0_usize, |length, digit| {
        (*digit < 10).then(|| length.checked_mul(10)?.checked_add((*digit).into())).flatten()
    });
    let body = &body[end + 1..];
    let length = length.filter(|length| end > 0 && *length <= body.len() && *kind < 2);
    let (piece, others) = body.split_at(length.ok_or(ParseError::Length)?);
    *rest = others;
    Ok((*kind == 0, piece))
}

fn count<T>(left: &mut usize, piece: T) -> Result<T, ParseError> {
    *left = left.checked_sub(1).ok_or(ParseError::TooManyPackets)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::Message;

    #[derive(Debug, Clone, PartialEq)]
    enum Owned {
        Text(String),
        Binary(Vec<u8>),
    }

    impl Owned {
        fn outgoing(&self) -> Outgoing {
            match self {
                Self::Text(text) => Outgoing::text(|buf| buf.push_str(text)),
                Self::Binary(data) => Outgoing::binary(data),
            }
        }

        fn of(packet: &Packet<'_>) -> Option<Self> {
            match packet {
                Packet::Message(Message::Text(text)) => Some(Self::Text((*text).to_owned())),
                Packet::Message(Message::Binary(data)) => Some(Self::Binary(data.to_vec())),
                _ => None,
            }
        }
    }

    type Decoded = (Vec<Owned>, Option<ParseError>);

    fn decode_text(payload: &str, max: usize) -> Decoded {
        let (mut decoder, mut messages) = (TextDecoder::new(payload, max), Vec::new());
        while let Some(packet) = decoder.next_packet() {
            match packet {
                Ok(packet) => messages.extend(Owned::of(&packet)),
                Err(error) => {
                    assert!(decoder.next_packet().is_none(), "nothing after an error");
                    return (messages, Some(error));
                }
            }
        }
        (messages, None)
    }

    fn decode_binary(payload: &[u8], max: usize) -> Decoded {
        let (mut decoder, mut messages) = (BinaryDecoder::new(payload, max), Vec::new());
        while let Some(packet) = decoder.next_packet() {
            match packet {
                Ok(packet) => messages.extend(Owned::of(&packet)),
                Err(error) => {
                    assert!(decoder.next_packet().is_none(), "nothing after an error");
                    return (messages, Some(error));
                }
            }
        }
        (messages, None)
    }

    /// What `engine.io/build/parser-v3` of Node makes of the same packets.
    #[test]
    fn rule_21_payloads_as_the_reference_writes_them() {
        let packets = [
            Outgoing::text(|buf| buf.push_str("hello")),
            Outgoing::binary(&[1, 2, 3, 4]),
            Outgoing::text(|buf| buf.push_str("é🦀")),
        ];
        assert_eq!(encode(&packets), "6:4hello10:b4AQIDBA==4:4é🦀");
        assert_eq!(
            encode_binary(&packets),
            [
                &[0, 6, 255][..],
                b"4hello",
                &[1, 5, 255, 4, 1, 2, 3, 4, 0, 7, 255],
                "4é🦀".as_bytes()
            ]
            .concat()
        );
        let long = Outgoing::text(|buf| buf.extend(std::iter::repeat_n('x', 122)));
        assert_eq!(encode_binary(&[long])[..5], [0, 1, 2, 3, 255]);
    }

    #[test]
    fn rule_21_decoding_stops_at_the_first_bad_packet() {
        let first = vec![Owned::Text("a".into())];
        for (payload, error) in [
            ("2:4a2", ParseError::Length),
            ("2:4a9:4b", ParseError::Length),
            ("2:4a:4b", ParseError::Length),
            ("2:4a-2:4b", ParseError::Length),
            ("2:4a+2:4b", ParseError::Length),
            ("2:4a99999999999:4b", ParseError::Length),
            ("2:4a0:2:4b", ParseError::Empty),
            ("2:4a1:9", ParseError::UnknownType),
            ("2:4a3:b4*", ParseError::Base64),
            ("2:4a2:4🦀", ParseError::Length),
        ] {
            assert_eq!(decode_text(payload, 9), (first.clone(), Some(error)), "{payload:?}");
        }
        for payload in [
            &[0, 2, 255, b'4', b'a', 0][..],
            &[0, 2, 255, b'4', b'a', 0, 255],
            &[0, 2, 255, b'4', b'a', 0, 9, 255, b'4'],
            &[0, 2, 255, b'4', b'a', 0, 10, 255, b'4'],
            &[0, 2, 255, b'4', b'a', 2, 1, 255, b'2'],
            &[0, 2, 255, b'4', b'a', 0, 2, 255, b'4', 0xff],
            &[0, 2, 255, b'4', b'a', 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255],
        ] {
            let (messages, error) = decode_binary(payload, 9);
            assert_eq!((messages, error), (first.clone(), Some(ParseError::Length)), "{payload:?}");
        }
        assert_eq!(decode_text("2:4a2:4b", 1), (first.clone(), Some(ParseError::TooManyPackets)));
        assert_eq!(decode_text("", 9), (vec![], None));
    }

    fn message() -> impl Strategy<Value = Owned> {
        prop_oneof![
            "\\PC{0,20}".prop_map(Owned::Text),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Owned::Binary),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(messages in prop::collection::vec(message(), 1..10)) {
            let packets: Vec<_> = messages.iter().map(Owned::outgoing).collect();
            prop_assert_eq!(decode_text(&encode(&packets), 10), (messages.clone(), None));
            prop_assert_eq!(decode_binary(&encode_binary(&packets), 10), (messages, None));
        }

        #[test]
        fn any_payload_cut_anywhere_never_panics(payload in "([0-9b:=A-Dé🦀]|\\PC){0,40}") {
            for (cut, _) in payload.char_indices() {
                decode_text(&payload[..cut], 5);
                decode_text(&payload[cut..], 5);
            }
        }

        #[test]
        fn any_bytes_never_panic(payload in prop::collection::vec(prop_oneof![0..11_u8, Just(255), Just(b'4')], 0..40)) {
            for cut in 0..payload.len() {
                decode_binary(&payload[..cut], 5);
                decode_binary(&payload[cut..], 5);
            }
        }
    }
}
