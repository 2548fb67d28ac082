//! Several packets in one HTTP body: joined by the record separator, binary as `b` + base64 (rule 12).
//! The server reads POST bodies with [`Decoder`] and writes GET answers with [`encode`]; a polling client the reverse.

use bytes::Bytes;

use super::{Outgoing, Packet, ParseError};

/// ASCII record separator between two packets.
pub const SEPARATOR: char = '\x1e';

/// Content type of a payload, in both directions (rule 6).
pub const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";

/// Walks through the packets of a payload and stops at the first bad one (rule 12).
///
/// It lends instead of iterating, since a binary packet is decoded into a buffer that all of them share.
#[derive(Debug)]
pub struct Decoder<'a> {
    rest: Option<&'a str>,
    left: usize,
    scratch: Vec<u8>,
}

impl<'a> Decoder<'a> {
    /// A decoder that refuses to go on after `max_packets` packets.
    #[must_use]
    pub const fn new(payload: &'a str, max_packets: usize) -> Self {
        Self { rest: Some(payload), left: max_packets, scratch: Vec::new() }
    }

    /// The next packet, or `None` after the last one and after an error.
    pub fn next_packet(&mut self) -> Option<Result<Packet<'_>, ParseError>> {
        let rest = self.rest.take()?;
        if self.left == 0 {
            return Some(Err(ParseError::TooManyPackets));
        }
        self.left -= 1;
        let (piece, rest) = match rest.split_once(SEPARATOR) {
            Some((piece, rest)) => (piece, Some(rest)),
            None => (rest, None),
        };
        let packet = Packet::from_text(piece, &mut self.scratch);
        if packet.is_ok() {
            self.rest = rest;
        }
        Some(packet)
    }
}

/// Joins packets into one body. A single text packet is not copied: its bytes are those that a WebSocket would send.
#[must_use]
pub fn encode(packets: &[Outgoing]) -> Bytes {
    if let [only] = packets
        && only.is_text()
    {
        return only.bytes();
    }
    let length = packets.iter().map(|packet| packet.polling_len() + 1).sum();
    let mut body = String::with_capacity(length);
    for (index, packet) in packets.iter().enumerate() {
        if index > 0 {
            body.push(SEPARATOR);
        }
        packet.write_polling(&mut body);
    }
    body.into()
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
    }

    fn decode(payload: &str, max: usize) -> (Vec<Owned>, Option<ParseError>) {
        let mut decoder = Decoder::new(payload, max);
        let mut messages = Vec::new();
        while let Some(packet) = decoder.next_packet() {
            match packet {
                Ok(Packet::Message(Message::Text(text))) => {
                    messages.push(Owned::Text(text.to_owned()))
                }
                Ok(Packet::Message(Message::Binary(data))) => {
                    messages.push(Owned::Binary(data.to_vec()))
                }
                Ok(_) => {}
                Err(error) => {
                    assert!(decoder.next_packet().is_none(), "nothing after an error");
                    return (messages, Some(error));
                }
            }
        }
        (messages, None)
    }

    #[test]
    fn rule_12_the_example_of_the_specification() {
        let packets =
            [Outgoing::text(|buf| buf.push_str("hello")), Outgoing::binary(&[1, 2, 3, 4])];
        assert_eq!(encode(&packets), "4hello\x1ebAQIDBA==");
        assert_eq!(
            decode("4hello\x1ebAQIDBA==", 9),
            (vec![Owned::Text("hello".into()), Owned::Binary(vec![1, 2, 3, 4])], None)
        );
    }

    #[test]
    fn rule_12_decoding_stops_at_the_first_bad_packet() {
        let first = vec![Owned::Text("a".into())];
        for (payload, error) in [
            ("4a\x1e", ParseError::Empty),
            ("4a\x1e\x1e4b", ParseError::Empty),
            ("4a\x1e9\x1e4b", ParseError::UnknownType),
            ("4a\x1eb*\x1e4b", ParseError::Base64),
        ] {
            assert_eq!(decode(payload, 9), (first.clone(), Some(error)), "{payload:?}");
        }
        assert_eq!(decode("", 9), (vec![], Some(ParseError::Empty)));
    }

    #[test]
    fn a_payload_has_a_bounded_number_of_packets() {
        assert_eq!(decode("4a\x1e4b", 2).1, None);
        assert_eq!(
            decode("4a\x1e4b\x1e4c", 2),
            (
                vec![Owned::Text("a".into()), Owned::Text("b".into())],
                Some(ParseError::TooManyPackets)
            )
        );
    }

    #[test]
    fn a_single_text_packet_is_shared_not_copied() {
        let packet = Outgoing::text(|buf| buf.push_str("a text that is shared"));
        assert_eq!(encode(std::slice::from_ref(&packet)).as_ptr(), packet.bytes().as_ptr());
        assert_eq!(encode(&[Outgoing::binary(&[1, 2, 3, 4])]), "bAQIDBA==");
        assert_eq!(encode(&[]), "");
    }

    fn message() -> impl Strategy<Value = Owned> {
        prop_oneof![
            "[^\x1e]{0,20}".prop_map(Owned::Text),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Owned::Binary),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(messages in prop::collection::vec(message(), 1..10)) {
            let packets: Vec<_> = messages.iter().map(Owned::outgoing).collect();
            let body = encode(&packets);
            prop_assert_eq!(decode(std::str::from_utf8(&body).unwrap(), 10), (messages, None));
        }

        #[test]
        fn any_payload_cut_anywhere_never_panics(payload in "([0-9b=A-D\x1eé]|\\PC){0,40}") {
            for (cut, _) in payload.char_indices() {
                decode(&payload[..cut], 5);
                decode(&payload[cut..], 5);
            }
        }
    }
}
