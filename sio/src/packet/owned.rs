//! A packet that has left the read buffer: queued, complete with its attachments, or on its way to or from a parser.

use bytes::Bytes;
use serde::de::DeserializeSeed;

use super::binary::check_placeholders;
use super::decode::check_payload;
use super::encode;
use super::value::Seed;
use super::{Arguments, DecodeError, Kind, Limits, PacketRef, ReadError, Value};

/// The largest ack id: 2^53 - 1, the largest integer that JavaScript counts to.
pub(super) const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// A valid packet that owns its text, with all of its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet {
    /// The type: one with attachments is binary, unless a parser has none for that.
    pub kind: Kind,
    /// The namespace, `/` if the packet names none.
    pub namespace: Box<str>,
    /// The ack id, at most 2^53 - 1.
    pub id: Option<u64>,
    /// The name of an event, `None` for all other types.
    pub event: Option<Box<str>>,
    /// The JSON text as received, empty if there is none; binary arguments are placeholders.
    pub payload: Box<str>,
    /// The attachments, in the order of their placeholders' `num`.
    pub attachments: Vec<Bytes>,
}

impl Packet {
    /// The packet with this payload, if rule 24 allows it: for parsers. Binary data in it makes the type a binary one.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn new(
        kind: Kind,
        namespace: impl Into<Box<str>>,
        id: Option<u64>,
        data: Option<&Value>,
    ) -> Result<Self, DecodeError> {
        let mut payload = String::new();
        let attachments = data.map_or(Ok(Vec::new()), |data| {
            encode::value(&mut payload, data).map_err(|_| DecodeError::Json)
        })?;
        Self::from_parts(kind, namespace.into(), id, payload.into(), attachments)
    }

    /// The same of a payload that is JSON already.
    pub(super) fn from_parts(
        kind: Kind,
        namespace: Box<str>,
        id: Option<u64>,
        payload: Box<str>,
        attachments: Vec<Bytes>,
    ) -> Result<Self, DecodeError> {
        if id.is_some_and(|id| id > MAX_ACK_ID) {
            return Err(DecodeError::AckId);
        }
        if !namespace.starts_with('/') {
            return Err(DecodeError::Namespace);
        }
        if !attachments.is_empty() {
            check_placeholders(&payload, attachments.len())?;
        }
        let kind = if attachments.is_empty() { kind } else { kind.with_attachments() };
        let event = check_payload(kind, &payload)?.as_deref().map(Into::into);
        Ok(Self { kind, namespace, id, event, payload, attachments })
    }

    /// The packet that was written by [`encode`].
    ///
    /// # Errors
    /// [`DecodeError`] if it was not.
    pub fn from_encoded(text: &str, attachments: Vec<Bytes>) -> Result<Self, DecodeError> {
        let limits =
            Limits { max_attachments: usize::MAX, max_depth: usize::MAX, ..Limits::default() };
        Ok(Self { attachments, ..PacketRef::decode(text, &limits)?.to_packet() })
    }

    /// The arguments: all elements of an ack, all but the name of an event.
    pub fn arguments(&self) -> Arguments<'_> {
        Arguments::new(&self.payload, self.event.is_some(), &self.attachments)
    }

    /// The whole payload, binary included: an event's is an array that starts with the name. `None` if there is none.
    ///
    /// # Errors
    /// [`ReadError`] if it nests deeper than 128.
    pub fn data(&self) -> Result<Option<Value>, ReadError> {
        if self.payload.is_empty() {
            return Ok(None);
        }
        let mut json = serde_json::Deserializer::from_str(&self.payload);
        let seed = Seed { attachments: &self.attachments };
        seed.deserialize(&mut json).map(Some).map_err(ReadError)
    }
}

/// A packet as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// Still in the text that it came in.
    Borrowed(PacketRef<'a>),
    /// With attachments, or from a parser.
    Owned(Packet),
}

impl Incoming<'_> {
    /// The type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Borrowed(packet) => packet.kind,
            Self::Owned(packet) => packet.kind,
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Borrowed(packet) => packet.namespace,
            Self::Owned(packet) => &packet.namespace,
        }
    }

    /// The ack id.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Borrowed(packet) => packet.id,
            Self::Owned(packet) => packet.id,
        }
    }

    /// The name of an event, empty for other types.
    pub fn event(&self) -> &str {
        let event = match self {
            Self::Borrowed(packet) => packet.event.as_deref(),
            Self::Owned(packet) => packet.event.as_deref(),
        };
        event.unwrap_or_default()
    }

    /// The JSON text of the payload, empty if there is none.
    pub fn payload(&self) -> &str {
        match self {
            Self::Borrowed(packet) => packet.payload,
            Self::Owned(packet) => &packet.payload,
        }
    }

    /// The arguments.
    pub fn arguments(&self) -> Arguments<'_> {
        match self {
            Self::Borrowed(packet) => packet.arguments(),
            Self::Owned(packet) => packet.arguments(),
        }
    }

    /// The packet, copied if it is borrowed.
    pub fn into_packet(self) -> Packet {
        match self {
            Self::Borrowed(packet) => packet.to_packet(),
            Self::Owned(packet) => packet,
        }
    }
}
