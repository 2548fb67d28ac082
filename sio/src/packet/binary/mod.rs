//! Attachments: a binary packet is a text with placeholders `{"_placeholder":true,"num":i}`, followed by one binary message
//! per attachment (protocol revision 5, "Sending and receiving binary data"; rule 23).
//!
//! [`Decoder`] waits for the attachments, `placeholder` checks what points at them, `read` puts them in front of serde.

mod placeholder;
mod read;

pub(super) use placeholder::check_placeholders;
pub(super) use read::WithAttachments;

use std::fmt;

use bytes::Bytes;

use super::{Decode, DecodeError, Incoming, Limits, Packet, PacketRef, Parser};

/// Takes the messages of one connection in order and hands out complete packets.
///
/// It owns memory only while attachments are missing. After an error the connection must be closed.
#[derive(Default)]
pub struct Decoder {
    pending: Option<Box<Pending>>,
    /// Decodes instead, if packets have another form.
    other: Option<Box<dyn Decode>>,
}

/// A binary packet that lacks at least one attachment.
#[derive(Debug)]
struct Pending {
    packet: Packet,
    missing: usize,
    /// How many more bytes the attachments may have.
    budget: usize,
}

impl Decoder {
    /// A decoder for packets written by this parser, or by the default one.
    pub fn new(parser: Option<&dyn Parser>, limits: &Limits) -> Self {
        Self { pending: None, other: parser.map(|parser| parser.decoder(limits)) }
    }

    /// Takes a text message. `None`: the packet is complete only after the binary messages that it announced.
    ///
    /// # Errors
    /// See [`DecodeError`]; each closes the connection.
    pub fn text<'a>(
        &mut self,
        text: &'a str,
        limits: &Limits,
    ) -> Result<Option<Incoming<'a>>, DecodeError> {
        if let Some(other) = &mut self.other {
            return Ok(other.text(text)?.map(Incoming::Owned));
        }
        if self.pending.is_some() {
            return Err(DecodeError::TextWhileBinaryPending);
        }
        let packet = PacketRef::decode(text, limits)?;
        // `50-[…]` is complete as it is: nothing follows.
        if packet.attachments == 0 {
            return Ok(Some(Incoming::Borrowed(packet)));
        }
        self.pending = Some(Box::new(Pending {
            packet: packet.to_packet(),
            missing: packet.attachments,
            budget: limits.max_attachment_bytes,
        }));
        Ok(None)
    }

    /// Takes a binary message, which is the next attachment; returns the packet if it was the last one.
    ///
    /// # Errors
    /// See [`DecodeError`]; each closes the connection.
    pub fn binary(&mut self, bytes: &[u8]) -> Result<Option<Packet>, DecodeError> {
        if let Some(other) = &mut self.other {
            return other.binary(bytes);
        }
        let mut pending = self.pending.take().ok_or(DecodeError::UnannouncedBinary)?;
        pending.budget =
            pending.budget.checked_sub(bytes.len()).ok_or(DecodeError::AttachmentsTooLarge)?;
        pending.packet.attachments.push(Bytes::copy_from_slice(bytes));
        pending.missing -= 1;
        if pending.missing == 0 {
            return Ok(Some(pending.packet));
        }
        self.pending = Some(pending);
        Ok(None)
    }

    /// Whether attachments are missing.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some() || self.other.as_ref().is_some_and(|other| other.is_pending())
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("is_pending", &self.is_pending()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
