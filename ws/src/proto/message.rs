//! Messages (RFC 6455 §5.6): owned, borrowed from the read buffer, and framed once for many receivers.

use bytes::Bytes;

use super::config::Compress;
use super::deflate::Deflated;
use super::frame::{Header, Opcode};
use super::text::Text;

/// A message: text that is surely UTF-8, or bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// The text, if this is a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_str().as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, shared.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Whether this is a text message.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Bytes of payload.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) const fn opcode(&self) -> Opcode {
        if self.is_text() { Opcode::Text } else { Opcode::Binary }
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Payload<'_>> for Message {
    fn from(payload: Payload<'_>) -> Self {
        payload.into_message()
    }
}

/// A received message, borrowed from the read buffer where it arrived; one that was too big for that has bytes of its own.
#[derive(Debug, Clone)]
pub struct Payload<'a>(Repr<'a>);

#[derive(Debug, Clone)]
enum Repr<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    /// A slice of a read buffer: to be sent on, but not to be kept, which would keep all of the buffer.
    Shared(Message),
    Owned(Message),
}

impl<'a> Payload<'a> {
    pub(super) const fn text(text: &'a str) -> Self {
        Self(Repr::Text(text))
    }

    pub(super) const fn binary(bytes: &'a [u8]) -> Self {
        Self(Repr::Binary(bytes))
    }

    pub(super) const fn shared(message: Message) -> Self {
        Self(Repr::Shared(message))
    }

    pub(super) const fn owned(message: Message) -> Self {
        Self(Repr::Owned(message))
    }

    /// The text, if this is a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Repr::Text(text) => Some(text),
            Repr::Binary(_) => None,
            Repr::Shared(message) | Repr::Owned(message) => message.as_text(),
        }
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Text(text) => text.as_bytes(),
            Repr::Binary(bytes) => bytes,
            Repr::Shared(message) | Repr::Owned(message) => message.as_bytes(),
        }
    }

    /// Whether this is a text message.
    #[must_use]
    pub const fn is_text(&self) -> bool {
        match &self.0 {
            Repr::Text(_) => true,
            Repr::Binary(_) => false,
            Repr::Shared(message) | Repr::Owned(message) => message.is_text(),
        }
    }

    pub(super) const fn opcode(&self) -> Opcode {
        if self.is_text() { Opcode::Text } else { Opcode::Binary }
    }

    /// The message, if it need not be copied to be sent.
    pub(super) const fn as_message(&self) -> Option<&Message> {
        match &self.0 {
            Repr::Shared(message) | Repr::Owned(message) => Some(message),
            _ => None,
        }
    }

    /// The message to keep: copied if it stands in a read buffer.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self.0 {
            Repr::Text(text) => Message::from(text),
            Repr::Binary(bytes) => Message::from(bytes),
            Repr::Shared(Message::Text(text)) => Message::from(text.as_str()),
            Repr::Shared(Message::Binary(bytes)) => Message::from(&bytes[..]),
            Repr::Owned(message) => message,
        }
    }
}

/// By kind and content: where a message arrived makes no difference.
impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_text() == other.is_text() && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload<'_> {}

/// Kept free before a text under construction: as long as the longest header without a mask.
const HEADER_ROOM: &str = "          ";

/// A message framed once, to be sent by a server on any number of connections that share its bytes.
///
/// ```
/// let news = ws::Prepared::text("hello, all");
/// assert_eq!(news.frame()[..2], [0x81, 10]); // FIN and text, ten bytes, no mask
/// assert_eq!(news.as_text(), Some("hello, all"));
/// ```
///
/// Connections with permessage-deflate get it compressed. Those that take over no context share that, too: it is compressed for
/// the first of them and remembered here. A clone that was made before does it once more; so lend one to many connections.
#[derive(Debug, Clone)]
pub struct Prepared {
    message: Message,
    /// Header and payload, `message` being a slice of the same bytes.
    frame: Bytes,
    compression: Compress,
    deflated: Deflated,
}

impl Prepared {
    /// A text message.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::build_text(|buffer| buffer.push_str(text))
    }

    /// A binary message.
    #[must_use]
    pub fn binary(bytes: &[u8]) -> Self {
        let (header, used) = Header::new(Opcode::Binary, bytes.len() as u64).encode();
        let mut frame = Vec::with_capacity(used + bytes.len());
        frame.extend_from_slice(&header[..used]);
        frame.extend_from_slice(bytes);
        let frame = Bytes::from(frame);
        Self::new(Message::Binary(frame.slice(used..)), frame)
    }

    /// A text message that `write` appends to a buffer, to be framed where it stands without a copy.
    ///
    /// # Panics
    ///
    /// When `write` does not only append.
    #[must_use]
    pub fn build_text(write: impl FnOnce(&mut String)) -> Self {
        let mut text = String::with_capacity(128);
        text.push_str(HEADER_ROOM);
        write(&mut text);
        let len = text.len().saturating_sub(HEADER_ROOM.len());
        let (header, used) = Header::new(Opcode::Text, len as u64).encode();
        let (frame, text) = Text::framed(text, HEADER_ROOM.len(), &header[..used]);
        Self::new(Message::Text(text), frame)
    }

    fn new(message: Message, frame: Bytes) -> Self {
        Self { message, frame, compression: Compress::Auto, deflated: Deflated::default() }
    }

    /// Says whether the message is compressed, where that was negotiated. [`Compress::Auto`] without this.
    #[must_use]
    pub const fn compress(mut self, compress: Compress) -> Self {
        self.compression = compress;
        self
    }

    /// What [`Prepared::compress`] has said.
    #[must_use]
    pub const fn compression(&self) -> Compress {
        self.compression
    }

    pub(super) const fn deflated(&self) -> &Deflated {
        &self.deflated
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// The text, if this is a text message.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.message.as_text()
    }

    /// The payload, shared.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.message.clone().into_bytes()
    }

    /// [`Prepared::frame`] without counting one more owner.
    pub(super) const fn as_frame(&self) -> &Bytes {
        &self.frame
    }

    /// Header and payload as a server sends them (RFC 6455 §5.2), shared.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        self.frame.clone()
    }
}

/// By kind and content.
impl PartialEq for Prepared {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message
    }
}

impl Eq for Prepared {}
