//! Socket.IO packets in MessagePack: any bytes are a packet or refused, what they hold can be read, and a packet written again is
//! read as the same.

use sio::packet::{Args, DecodeError, Frame, Kind, Limits, Msgpack, Packet, Parser, Value};

/// See the module.
pub fn run(data: &[u8]) {
    let Ok(packet) = decode(data) else { return };
    let event = packet.event.as_deref();
    assert!(event.is_none_or(|name| !sio::packet::is_reserved(name)));
    // Depth, or a map that looks like a placeholder, may be in the way; it is no crash.
    let Ok(data) = packet.data() else { return };
    let _ = packet.arguments().read::<Args<Value>>();
    let Ok(frames) = Msgpack.encode(&packet) else { return };
    let [Frame::Binary(bytes)] = &frames[..] else { panic!("{frames:?}") };
    let again = decode(bytes).expect("what was written is read");
    assert_eq!(textual(again.kind), textual(packet.kind));
    assert_eq!((&again.namespace, again.id), (&packet.namespace, packet.id));
    assert_eq!(again.data().ok(), Some(data));
}

/// The kind without regard to attachments: where a map has a key twice the last value counts, and the only bytes may be lost.
fn textual(kind: Kind) -> Kind {
    match kind {
        Kind::BinaryEvent => Kind::Event,
        Kind::BinaryAck => Kind::Ack,
        other => other,
    }
}

fn decode(data: &[u8]) -> Result<Packet, DecodeError> {
    let packet = Msgpack.decoder(&Limits::default()).binary(data)?;
    Ok(packet.expect("a message is a packet"))
}
