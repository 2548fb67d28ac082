//! Attachments: a binary packet is a text with placeholders `{"_placeholder":true,"num":i}`, followed by one binary message
//! per attachment (protocol revision 5, "Sending and receiving binary data"; rule 23).
//!
//! [`Decoder`] waits for the attachments, `placeholder` checks what points at them, `read` puts them in front of serde.

mod placeholder;
mod read;

pub(super) use placeholder::check_placeholders;
pub(super) use read::WithAttachments;

use bytes::Bytes;

use super::{DecodeError, Limits, Packet, PacketRef};

/// Takes the messages of one connection in order and hands out complete packets.
///
/// It owns memory only while attachments are missing. After an error the connection must be closed.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Option<Box<Pending>>,
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
    /// Takes a text message. `None`: the packet is complete only after the binary messages that it announced.
    ///
    /// # Errors
    /// See [`DecodeError`]; each closes the connection.
    pub fn text<'a>(
        &mut self,
        text: &'a str,
        limits: &Limits,
    ) -> Result<Option<PacketRef<'a>>, DecodeError> {
        if self.pending.is_some() {
            return Err(DecodeError::TextWhileBinaryPending);
        }
        let packet = PacketRef::decode(text, limits)?;
        // `50-[…]` is complete as it is: nothing follows.
        if packet.attachments == 0 {
            return Ok(Some(packet));
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
        self.pending.is_some()
    }
}

#[cfg(test)]
mod tests;
