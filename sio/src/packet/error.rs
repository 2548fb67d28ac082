//! What can be wrong with a packet. A [`DecodeError`] is the peer's fault and closes its connection (rule 24); the other two
//! are an application's.

use std::fmt;

/// Why a received packet is invalid. The whole connection is closed for it, whatever the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The first character is no digit from 0 to 6, or there is none.
    UnknownType,
    /// A binary packet without `<n>-`.
    AttachmentCount,
    /// More attachments announced than [`Limits::max_attachments`](super::Limits::max_attachments).
    TooManyAttachments,
    /// The attachments of one packet exceed [`Limits::max_attachment_bytes`](super::Limits::max_attachment_bytes).
    AttachmentsTooLarge,
    /// A placeholder whose `num` is no integer below the number of attachments.
    Placeholder,
    /// The namespace does not start with a slash: only in parsers where it could.
    Namespace,
    /// The ack id is above 2^53 - 1.
    AckId,
    /// The payload is not JSON, or the message not MessagePack.
    Json,
    /// The payload nests deeper than is read.
    TooDeep,
    /// The payload is JSON that this type of packet must not carry.
    Payload,
    /// The first element of an event is neither a string nor a number.
    EventName,
    /// The event has a name that is reserved.
    ReservedName,
    /// A text packet while attachments of the one before are missing.
    TextWhileBinaryPending,
    /// A binary message that no packet announced.
    UnannouncedBinary,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownType => "unknown packet type",
            Self::AttachmentCount => "illegal number of attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::AttachmentsTooLarge => "attachments too large",
            Self::Placeholder => "illegal attachment placeholder",
            Self::Namespace => "illegal namespace",
            Self::AckId => "ack id out of range",
            Self::Json => "payload is not JSON",
            Self::TooDeep => "payload nests too deep",
            Self::Payload => "payload not allowed in this packet",
            Self::EventName => "event name is neither string nor number",
            Self::ReservedName => "event name is reserved",
            Self::TextWhileBinaryPending => "text packet while attachments are missing",
            Self::UnannouncedBinary => "binary message without a packet",
        })
    }
}

impl std::error::Error for DecodeError {}

/// Why a packet could not be encoded: the caller's fault, nothing was written.
#[derive(Debug)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event name is reserved; see [`is_reserved`](super::is_reserved).
    ReservedName(Box<str>),
    /// The data's `Serialize` failed, or it has no JSON form.
    Serialize(serde_json::Error),
    /// The [`Parser`](super::Parser) can't write the packet.
    Parser(Box<str>),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedName(name) => write!(f, "event name {name:?} is reserved"),
            Self::Serialize(error) => write!(f, "data has no JSON form: {error}"),
            Self::Parser(message) => write!(f, "the parser can't write the packet: {message}"),
        }
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ReservedName(_) | Self::Parser(_) => None,
            Self::Serialize(error) => Some(error),
        }
    }
}

/// Why arguments did not fit the type that they were read into.
#[derive(Debug)]
pub struct ReadError(pub(super) serde_json::Error);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arguments do not fit: {}", self.0)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
