//! Payloads of Engine.IO's polling, of version 4 and, as text and as bytes, of version 3: what is decoded can be encoded, and means
//! the same again.

use sio::engine::payload::{Decoder, encode};
use sio::engine::{Message, Outgoing, Packet, v3};

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

/// Every packet that `next` gives.
fn drain(mut next: impl FnMut() -> Option<Result<Owned, ()>>) -> (Vec<Owned>, bool) {
    let mut packets = Vec::new();
    while let Some(packet) = next() {
        let Ok(packet) = packet else {
            assert!(next().is_none(), "nothing after an error");
            return (packets, false);
        };
        packets.push(packet);
    }
    (packets, true)
}

fn own(packet: Result<Packet<'_>, sio::engine::ParseError>) -> Result<Owned, ()> {
    Ok(match packet.map_err(drop)? {
        Packet::Message(Message::Text(text)) => Owned::Text(text.into()),
        Packet::Message(Message::Binary(bytes)) => Owned::Binary(bytes.into()),
        _ => Owned::Other,
    })
}

fn decode_text(payload: &str) -> (Vec<Owned>, bool) {
    let mut decoder = v3::TextDecoder::new(payload, MAX_PACKETS);
    drain(|| decoder.next_packet().map(own))
}

fn decode_binary(payload: &[u8]) -> (Vec<Owned>, bool) {
    let mut decoder = v3::BinaryDecoder::new(payload, MAX_PACKETS);
    drain(|| decoder.next_packet().map(own))
}

fn run_version_3(data: &[u8]) {
    let (mut packets, _) = decode_binary(data);
    if let Ok(text) = std::str::from_utf8(data) {
        packets.extend(decode_text(text).0);
        let _ = v3::read_form(text);
    }
    packets.retain(|packet| *packet != Owned::Other);
    packets.truncate(MAX_PACKETS);
    let outgoing: Vec<_> = packets.iter().map(outgoing).collect();
    assert_eq!(decode_text(&v3::encode(&outgoing)), (packets, true));
    let (packets, is_whole) = decode_binary(&v3::encode_binary(&outgoing));
    assert!(is_whole && packets.len() == outgoing.len());
}

fn outgoing(message: &Owned) -> Outgoing {
    match message {
        Owned::Text(text) => Outgoing::text(|buffer| buffer.push_str(text)),
        Owned::Binary(bytes) => Outgoing::binary(bytes),
        Owned::Other => unreachable!("filtered"),
    }
}

/// See the module.
pub fn run(data: &[u8]) {
    run_version_3(data);
    let Ok(payload) = std::str::from_utf8(data) else { return };
    let (packets, is_whole) = decode(payload);
    assert!(packets.len() <= MAX_PACKETS);
    if is_whole {
        assert_eq!(packets.len(), payload.split('\x1e').count());
    }
    let messages: Vec<_> = packets.into_iter().filter(|packet| *packet != Owned::Other).collect();
    let outgoing: Vec<_> = messages.iter().map(outgoing).collect();
    if !outgoing.is_empty() {
        let body = encode(&outgoing);
        let body = std::str::from_utf8(&body).expect("a payload is text");
        assert_eq!(decode(body), (messages, true));
    }
}
