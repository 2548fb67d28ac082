//! Packets in MessagePack, as `socket.io-msgpack-parser` (npm) and python-socketio's `serializer="msgpack"` write them (rule 28):
//! one binary message per packet, a map `{type, nsp, data, id?}`, binary data inline.
//!
//! `read` translates MessagePack to JSON with placeholders in one pass, `write` the other way. Types are 0 to 4 only: there are no
//! attachments to announce.

mod date;
mod read;
mod write;

use self::read::Reader;
use super::{Decode, DecodeError, EncodeError, Frame, Kind, Limits, Packet, Parser};

/// The MessagePack parser: less text for numbers and binary, for clients that use the parser of that name.
///
/// What MessagePack has and JSON has not is read as JavaScript would write it to JSON: `undefined`, NaN and infinity as `null`, a date
/// as its ISO text. A map with a member `_placeholder` that is `true` is not for this parser: it would be taken for binary data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Msgpack;

impl Parser for Msgpack {
    fn encode(&self, packet: &Packet) -> Result<Vec<Frame>, EncodeError> {
        let data = packet.data().map_err(|error| EncodeError::Parser(error.to_string().into()))?;
        let kind = match packet.kind {
            Kind::BinaryEvent => Kind::Event,
            Kind::BinaryAck => Kind::Ack,
            kind => kind,
        };
        let digit = kind as u8;
        let bytes = write::packet(digit, &packet.namespace, packet.id, data.as_ref());
        Ok(vec![Frame::Binary(bytes.into())])
    }

    fn decoder(&self, _: &Limits) -> Box<dyn Decode> {
        Box::new(Self)
    }
}

impl Decode for Msgpack {
    fn text(&mut self, _: &str) -> Result<Option<Packet>, DecodeError> {
        Err(DecodeError::Json)
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<Option<Packet>, DecodeError> {
        let fields = Reader::new(bytes).packet()?;
        let kind = fields.kind.and_then(|kind| Kind::from_digit(kind.checked_add(b'0')?));
        let kind = kind.filter(|kind| !kind.is_binary()).ok_or(DecodeError::UnknownType)?;
        let namespace = fields.namespace.ok_or(DecodeError::Namespace)?;
        Packet::from_parts(kind, namespace, fields.id, fields.data.into(), fields.attachments)
            .map(Some)
    }
}

#[cfg(test)]
mod tests;
