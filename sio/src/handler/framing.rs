//! From a packet to the messages that carry it.

use std::ops::Deref;

use bytes::Bytes;

use crate::engine::Outgoing;
use crate::packet::{EncodeError, Frame, Packet, Parser};

/// The messages of one packet: one, unless it has attachments.
#[derive(Debug, Clone)]
pub(crate) enum Frames {
    One(Outgoing),
    Many(Box<[Outgoing]>),
}

impl Deref for Frames {
    type Target = [Outgoing];

    fn deref(&self) -> &[Outgoing] {
        match self {
            Self::One(message) => std::slice::from_ref(message),
            Self::Many(messages) => messages,
        }
    }
}

impl Frames {
    /// Says whether a transport may compress them, which is so if nothing is said.
    pub(crate) fn compress(self, compress: bool) -> Self {
        if compress {
            return self;
        }
        match self {
            Self::One(message) => Self::One(message.compress(false)),
            Self::Many(messages) => {
                Self::Many(messages.into_iter().map(|message| message.compress(false)).collect())
            }
        }
    }
}

impl From<Vec<Outgoing>> for Frames {
    fn from(messages: Vec<Outgoing>) -> Self {
        Self::Many(messages.into())
    }
}

/// Frames the packet that `encode` appends to a buffer, with the attachments that it returns.
///
/// By default the packet is written where it is framed; another parser translates it.
pub(crate) fn frame(
    parser: Option<&dyn Parser>,
    encode: impl FnOnce(&mut String) -> Result<Vec<Bytes>, EncodeError>,
) -> Result<Frames, EncodeError> {
    if let Some(parser) = parser {
        let mut text = String::new();
        let attachments = encode(&mut text)?;
        return translate(parser, &text, attachments);
    }
    let mut encoded = Ok(Vec::new());
    let text = Outgoing::text(|out| encoded = encode(out));
    let attachments = encoded?;
    if attachments.is_empty() {
        return Ok(Frames::One(text));
    }
    let binaries = attachments.iter().map(|bytes| Outgoing::binary(bytes));
    Ok(Frames::Many(std::iter::once(text).chain(binaries).collect()))
}

/// Frames a packet that is encoded already, once for all who get it.
pub(crate) fn frame_encoded(
    parser: Option<&dyn Parser>,
    text: &str,
    attachments: &[Bytes],
) -> Result<Frames, EncodeError> {
    frame(parser, |out| {
        out.push_str(text);
        Ok(attachments.to_vec())
    })
}

fn translate(
    parser: &dyn Parser,
    text: &str,
    attachments: Vec<Bytes>,
) -> Result<Frames, EncodeError> {
    let packet = Packet::from_encoded(text, attachments)
        .map_err(|error| EncodeError::Parser(error.to_string().into()))?;
    let message = |frame| match frame {
        Frame::Text(text) => Outgoing::text(|out| out.push_str(&text)),
        Frame::Binary(bytes) => Outgoing::binary(&bytes),
    };
    let messages: Vec<_> = parser.encode(&packet)?.into_iter().map(message).collect();
    Ok(messages.into())
}
