//! Payloads of Engine.IO's polling: what is decoded can be encoded, and means the same again.

use sio::engine::payload::{Decoder, encode};
use sio::engine::{Message, Outgoing, Packet};

const MAX_PACKETS: usize = 1000;

#[derive(Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Other,
}

fn decode(payload: &str) -> (Vec<Owned>, bool) {
    let mut decoder = Decoder::new(payload, MAX_PACKETS);
    let mut packets = Vec::new();
    while let Some(packet) = decoder.next_packet() {
        packets.push(match packet {
            Ok(Packet::Message(Message::Text(text))) => Owned::Text(text.into()),
            Ok(Packet::Message(Message::Binary(bytes))) => Owned::Binary(bytes.into()),
            Ok(_) => Owned::Other,
            Err(_) => {
                assert!(decoder.next_packet().is_none(), "nothing after an error");
                return (packets, false);
            }
        });
    }
    (packets, true)
}

/// See the module.
pub fn run(data: &[u8]) {
    let Ok(payload) = std::str::from_utf8(data) else { return };
    let (packets, is_whole) = decode(payload);
    assert!(packets.len() <= MAX_PACKETS);
    if is_whole {
        assert_eq!(packets.len(), payload.split('\x1e').count());
    }
    let messages: Vec<_> = packets.into_iter().filter(|packet| *packet != Owned::Other).collect();
    let outgoing: Vec<_> = messages
        .iter()
        .map(|message| match message {
            Owned::Text(text) => Outgoing::text(|buffer| buffer.push_str(text)),
            Owned::Binary(bytes) => Outgoing::binary(bytes),
            Owned::Other => unreachable!("filtered"),
        })
        .collect();
    if !outgoing.is_empty() {
        let body = encode(&outgoing);
        let body = std::str::from_utf8(&body).expect("a payload is text");
        assert_eq!(decode(body), (messages, true));
    }
}
