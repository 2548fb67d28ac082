//! Parsers: how packets look on the wire, where that is not the default (which is [`encode`](super::encode) and
//! [`Decoder`](super::Decoder)).
//!
//! Both ends of a connection must use the same parser. Inside of a server or client every packet has the form of the default
//! encoding, JSON text with placeholders and the attachments beside it; a parser translates that to and from its own.

use std::fmt;

use bytes::Bytes;

use super::{DecodeError, EncodeError, Limits, Packet};

/// A way to write packets. One of one's own is given to the configuration of a server or client; [`Msgpack`](super::Msgpack) is one.
///
/// ```
/// use sio::packet::{Decode, DecodeError, EncodeError, Frame, Kind, Limits, Packet, Parser, Value};
///
/// /// One text message per packet: its parts in a JSON array. Attachments are not for it.
/// #[derive(Debug)]
/// struct Plain;
///
/// impl Parser for Plain {
///     fn encode(&self, packet: &Packet) -> Result<Vec<Frame>, EncodeError> {
///         if !packet.attachments.is_empty() {
///             return Err(EncodeError::Parser("no binary data in here".into()));
///         }
///         let data = packet.data().map_err(|error| EncodeError::Parser(error.to_string().into()))?;
///         let parts = (packet.kind.digit(), &packet.namespace, packet.id, data);
///         serde_json::to_string(&parts).map(|text| vec![Frame::Text(text)]).map_err(EncodeError::Serialize)
///     }
///
///     fn decoder(&self, _: &Limits) -> Box<dyn Decode> {
///         Box::new(Plain)
///     }
/// }
///
/// impl Decode for Plain {
///     fn text(&mut self, text: &str) -> Result<Option<Packet>, DecodeError> {
///         let (digit, namespace, id, data): (char, String, Option<u64>, Option<Value>) =
///             serde_json::from_str(text).map_err(|_| DecodeError::Json)?;
///         let kind = u8::try_from(digit).ok().and_then(Kind::from_digit).ok_or(DecodeError::UnknownType)?;
///         Packet::new(kind, namespace, id, data.as_ref()).map(Some)
///     }
///
///     fn binary(&mut self, _: &[u8]) -> Result<Option<Packet>, DecodeError> {
///         Err(DecodeError::UnannouncedBinary)
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let packet = Packet::new(Kind::Event, "/", Some(7), Some(&Value::Array(vec!["add".into(), 1.into()])))?;
/// let frames = Plain.encode(&packet)?;
/// assert_eq!(frames, [Frame::Text(r#"["2","/",7,["add",1]]"#.into())]);
/// # Ok(())
/// # }
/// ```
pub trait Parser: fmt::Debug + Send + Sync + 'static {
    /// The messages that carry this packet, in order.
    ///
    /// # Errors
    /// [`EncodeError`] if the packet has no form here: the caller of `emit` gets it.
    fn encode(&self, packet: &Packet) -> Result<Vec<Frame>, EncodeError>;

    /// A decoder for one connection.
    fn decoder(&self, limits: &Limits) -> Box<dyn Decode>;
}

/// Takes the messages of one connection in order and gives packets. It is dropped after its first error.
pub trait Decode: Send {
    /// Takes a text message. `Ok(None)`: there is more of the packet to come.
    ///
    /// # Errors
    /// [`DecodeError`]; each closes the connection.
    fn text(&mut self, text: &str) -> Result<Option<Packet>, DecodeError>;

    /// Takes a binary message; as [`text`](Self::text).
    ///
    /// # Errors
    /// [`DecodeError`]; each closes the connection.
    fn binary(&mut self, bytes: &[u8]) -> Result<Option<Packet>, DecodeError>;

    /// Whether a packet is half here, so that the rest has to come in time
    /// ([`Limits::attachment_timeout`](super::Limits::attachment_timeout)).
    fn is_pending(&self) -> bool {
        false
    }
}

/// One message on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}
