//! From text to [`PacketRef`]: one pass finds type, attachment count, namespace, ack id, event name and the span of the JSON.

use std::borrow::Cow;
use std::time::Duration;

use super::owned::MAX_ACK_ID;
use super::{Arguments, DecodeError, Kind, Packet, ROOT, binary, is_reserved, json};

/// What a peer may announce and send for one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Attachments of one packet. Default 10, as in the reference implementation: each one costs a message and a
    /// placeholder, and the count comes from the peer.
    pub max_attachments: usize,
    /// Bytes of all attachments of one packet together. Default 10,000,000: ten messages of the default size.
    pub max_attachment_bytes: usize,
    /// How deep arrays and objects may nest. Default 128, as deep as arguments are read at all.
    pub max_depth: usize,
    /// Time in which the next attachment must come, counted from the message before it and without the time in which reading is
    /// paused: what has come of the packet is kept until then. The connection is closed with "parse error" after. Default 60 s, for
    /// the largest message on a slow line.
    pub attachment_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attachments: 10,
            max_attachment_bytes: 10_000_000,
            max_depth: 128,
            attachment_timeout: Duration::from_secs(60),
        }
    }
}

/// A valid packet, borrowed from the text that it was received in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketRef<'a> {
    /// The type.
    pub kind: Kind,
    /// How many binary messages belong to it and follow it; 0 unless the type is binary.
    pub attachments: usize,
    /// The namespace, `/` if the packet names none.
    pub namespace: &'a str,
    /// The ack id, at most 2^53 - 1. An event that has one asks for an answer.
    pub id: Option<u64>,
    /// The name of an event; the text of the number if it is a number. `None` for all other types.
    pub event: Option<Cow<'a, str>>,
    /// The JSON text as received, empty if there is none. For an event the array that starts with the name.
    pub payload: &'a str,
}

impl<'a> PacketRef<'a> {
    /// Decodes a Socket.IO packet (without the Engine.IO type digit) and checks all of it, but builds no value.
    ///
    /// # Errors
    /// See [`DecodeError`]; each closes the connection.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, DecodeError> {
        let mut rest = text;
        let kind = take_kind(&mut rest)?;
        let attachments = if kind.is_binary() { take_attachments(&mut rest, limits)? } else { 0 };
        let namespace = take_namespace(&mut rest);
        let id = take_id(&mut rest)?;
        check_json(kind, attachments, rest, limits.max_depth)?;
        let event = check_payload(kind, rest)?;
        Ok(Self { kind, attachments, namespace, id, event, payload: rest })
    }

    /// The arguments: all elements of an ack, all but the name of an event. Those of a binary packet are only complete
    /// once the [`Decoder`](super::Decoder) has handed out its [`Packet`].
    pub fn arguments(&self) -> Arguments<'a> {
        Arguments::new(self.payload, self.event.is_some(), &[])
    }

    /// The packet with a copy of what it borrows, without attachments.
    pub fn to_packet(&self) -> Packet {
        Packet {
            kind: self.kind,
            namespace: self.namespace.into(),
            id: self.id,
            event: self.event.as_deref().map(Into::into),
            payload: self.payload.into(),
            attachments: Vec::new(),
        }
    }
}

fn take_kind(rest: &mut &str) -> Result<Kind, DecodeError> {
    let kind = rest.bytes().next().and_then(Kind::from_digit).ok_or(DecodeError::UnknownType)?;
    *rest = &rest[1..];
    Ok(kind)
}

/// `<n>-`, rule 23.
fn take_attachments(rest: &mut &str, limits: &Limits) -> Result<usize, DecodeError> {
    let digits = leading_digits(rest);
    if digits.is_empty() || rest.as_bytes().get(digits.len()) != Some(&b'-') {
        return Err(DecodeError::AttachmentCount);
    }
    // Digits only, so that a number that does not parse is one that is too large.
    let count = digits.parse::<usize>().map_err(|_| DecodeError::TooManyAttachments)?;
    if count > limits.max_attachments {
        return Err(DecodeError::TooManyAttachments);
    }
    *rest = &rest[digits.len() + 1..];
    Ok(count)
}

/// A namespace starts with `/` and ends at `,` or with the text (rule 22).
fn take_namespace<'a>(rest: &mut &'a str) -> &'a str {
    if !rest.starts_with('/') {
        return ROOT;
    }
    let (namespace, after) = rest.split_once(',').unwrap_or((rest, ""));
    *rest = after;
    namespace
}

fn take_id(rest: &mut &str) -> Result<Option<u64>, DecodeError> {
    let digits = leading_digits(rest);
    if digits.is_empty() {
        return Ok(None);
    }
    let id = digits.parse::<u64>().ok().filter(|id| *id <= MAX_ACK_ID).ok_or(DecodeError::AckId)?;
    *rest = &rest[digits.len()..];
    Ok(Some(id))
}

fn leading_digits<'a>(text: &&'a str) -> &'a str {
    let text: &'a str = text;
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// Whether the payload is JSON at all, and not too deep; of a binary packet also whether its placeholders point at attachments
/// (rule 23).
fn check_json(
    kind: Kind,
    attachments: usize,
    payload: &str,
    max_depth: usize,
) -> Result<(), DecodeError> {
    if payload.is_empty() {
        return Ok(());
    }
    json::check(payload, max_depth)?;
    if kind.is_binary() { binary::check_placeholders(payload, attachments) } else { Ok(()) }
}

/// Rule 24 for a payload that is absent or valid JSON; gives the name of an event.
pub(super) fn check_payload(
    kind: Kind,
    payload: &str,
) -> Result<Option<Cow<'_, str>>, DecodeError> {
    let first = payload.trim_ascii_start().bytes().next();
    let allowed = match kind {
        Kind::Connect => matches!(first, None | Some(b'{')),
        Kind::Disconnect => first.is_none(),
        Kind::Event | Kind::BinaryEvent | Kind::Ack | Kind::BinaryAck => first == Some(b'['),
        Kind::ConnectError => matches!(first, Some(b'{' | b'"')),
    };
    match kind {
        _ if !allowed => Err(DecodeError::Payload),
        Kind::Event | Kind::BinaryEvent => event_name(payload).map(Some),
        _ => Ok(None),
    }
}

/// The first element of a valid JSON array: a string that is not reserved, or a number.
fn event_name(array: &str) -> Result<Cow<'_, str>, DecodeError> {
    let elements = array.trim_ascii_start().get(1..).unwrap_or_default().trim_ascii_start();
    let name = match elements.bytes().next() {
        Some(b'"') => string(elements)?,
        Some(b'-' | b'0'..=b'9') => {
            let end = elements.find([',', ']', ' ', '\t', '\n', '\r']).unwrap_or(elements.len());
            Cow::Borrowed(&elements[..end])
        }
        Some(b']') | None => return Err(DecodeError::Payload),
        Some(_) => return Err(DecodeError::EventName),
    };
    if is_reserved(&name) { Err(DecodeError::ReservedName) } else { Ok(name) }
}

/// The JSON string that `text` starts with; copied only if it has escapes.
fn string(text: &str) -> Result<Cow<'_, str>, DecodeError> {
    let inside = &text[1..];
    let end = inside.bytes().position(|b| b == b'"' || b == b'\\').ok_or(DecodeError::Json)?;
    if inside.as_bytes()[end] == b'"' {
        return Ok(Cow::Borrowed(&inside[..end]));
    }
    // An escape such as a lone surrogate is valid JSON, but names no event that Rust could hold.
    match serde_json::Deserializer::from_str(text).into_iter::<String>().next() {
        Some(Ok(name)) => Ok(Cow::Owned(name)),
        _ => Err(DecodeError::EventName),
    }
}

#[cfg(test)]
mod tests;
