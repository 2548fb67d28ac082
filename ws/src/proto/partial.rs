//! What is kept of a message or frame that has not arrived whole: because a read cut it through, or because it is fragmented
//! (RFC 6455 §5.4). An idle connection has none of it.

use bytes::BytesMut;

use super::error::ProtocolError;
use super::frame::{Header, MAX_HEADER, Opcode};
use super::message::Message;
use super::receive::take;
use super::text::{Spare, TextBuilder};

/// What a read cut through, or a fragment began.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The beginning of a header.
    pub(super) head: [u8; MAX_HEADER],
    pub(super) head_len: u8,
    /// The frame whose payload is arriving.
    pub(super) frame: Option<Frame>,
    /// A control frame.
    pub(super) control: Vec<u8>,
    /// A message that is being gathered from fragments or reads.
    pub(super) message: Option<Gathered>,
}

impl Partial {
    pub(super) const fn is_over(&self) -> bool {
        self.head_len == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// The header whose beginning is there or comes now.
    pub(super) fn split_header(
        &mut self,
        input: &mut &mut [u8],
    ) -> Result<Option<Header>, ProtocolError> {
        let have = usize::from(self.head_len);
        let more = input.len().min(MAX_HEADER - have);
        self.head[have..have + more].copy_from_slice(&input[..more]);
        if let Some((header, used)) = Header::decode(&self.head[..have + more])? {
            take(input, used - have);
            self.head_len = 0;
            return Ok(Some(header));
        }
        take(input, more);
        self.head_len = (have + more) as u8; // at most MAX_HEADER
        Ok(None)
    }
}

/// A frame of which `received` bytes of payload have arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) header: Header,
    pub(super) received: u64,
}

impl Frame {
    pub(super) const fn missing(&self) -> u64 {
        self.header.len - self.received
    }
}

/// A message that is being gathered.
#[derive(Debug)]
pub(super) enum Gathered {
    Text(TextBuilder),
    Binary(BytesMut),
}

impl Gathered {
    pub(super) fn new(opcode: Opcode) -> Self {
        match opcode {
            Opcode::Text => Self::Text(TextBuilder::default()),
            _ => Self::Binary(BytesMut::new()),
        }
    }

    pub(super) fn starting_with(opcode: Opcode, bytes: BytesMut) -> Self {
        match opcode {
            Opcode::Text => Self::Text(TextBuilder::starting_with(bytes)),
            _ => Self::Binary(bytes),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Room for at most `limit` bytes, `reserve` of them allocated.
    pub(super) fn spare(&mut self, reserve: usize, limit: usize) -> Spare<'_> {
        match self {
            Self::Text(text) => text.spare(reserve, limit),
            Self::Binary(bytes) => Spare::new(bytes, reserve, limit),
        }
    }

    /// The `count` bytes that were appended last.
    pub(super) fn unchecked_mut(&mut self, count: usize) -> &mut [u8] {
        match self {
            Self::Text(text) => text.unchecked_mut(),
            Self::Binary(bytes) => {
                let start = bytes.len().saturating_sub(count);
                &mut bytes[start..]
            }
        }
    }

    pub(super) fn check(&mut self) -> Result<(), ProtocolError> {
        match self {
            // §8.1: text that is not UTF-8 fails the connection, here as soon as it shows.
            Self::Text(text) => text.check().map_err(|_| ProtocolError::TextNotUtf8),
            Self::Binary(_) => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Result<Message, ProtocolError> {
        match self {
            Self::Text(text) => match text.finish() {
                Ok(text) => Ok(Message::Text(text)),
                Err(_) => Err(ProtocolError::TextNotUtf8),
            },
            Self::Binary(bytes) => Ok(Message::Binary(bytes.freeze())),
        }
    }
}
