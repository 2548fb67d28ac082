//! From messages to frames (RFC 6455 §5.1 to §5.3, §6.1): what can be sent, and how it stands in an outbox.

use std::fmt;

use bytes::Bytes;

use super::config::{Compress, Role};
use super::frame::{FIN, Header, MAX_CONTROL_PAYLOAD, MAX_HEADER, Opcode};
use super::mask;
use super::message::{Message, Payload, Prepared};
use crate::outbox::Outbox;

/// Payloads from this size on leave without a copy, if they need no mask.
pub(super) const SHARE_FROM: usize = 2 * 1024;

/// Makes the masking key of a frame. It must come from a strong source of entropy (RFC 6455 §10.3), which the pure floors
/// don't have; it is handed to them.
pub type MaskSource = fn() -> [u8; 4];

/// What the application sends. Owned bytes are shared if they are many; borrowed ones are copied.
#[derive(Debug, Clone, Copy)]
pub enum Outgoing<'a> {
    /// A message, compressed or not where that was negotiated.
    Message(&'a Message, Compress),
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A received message, sent back or on.
    Payload(&'a Payload<'a>),
    /// Messages that were framed before, with no other between them.
    Prepared(&'a [Prepared]),
    /// A ping with at most 125 bytes of payload; more are cut off.
    Ping(&'a [u8]),
}

impl<'a> From<&'a Message> for Outgoing<'a> {
    fn from(message: &'a Message) -> Self {
        Self::Message(message, Compress::Auto)
    }
}

impl<'a> From<&'a Prepared> for Outgoing<'a> {
    fn from(prepared: &'a Prepared) -> Self {
        Self::Prepared(std::slice::from_ref(prepared))
    }
}

/// How one side of a connection makes frames: a client masks them, a server does not (RFC 6455 §5.1).
#[derive(Clone, Copy)]
pub struct Framing {
    mask_source: Option<MaskSource>,
}

impl fmt::Debug for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framing").field("role", &self.role()).finish_non_exhaustive()
    }
}

impl Framing {
    pub(super) fn new(role: Role, mask_source: MaskSource) -> Self {
        Self { mask_source: (role == Role::Client).then_some(mask_source) }
    }

    pub(super) const fn role(self) -> Role {
        if self.mask_source.is_some() { Role::Client } else { Role::Server }
    }

    /// The masking key of the next frame, if it is to have one.
    #[inline]
    pub(super) fn mask(self) -> Option<[u8; 4]> {
        self.mask_source.map(|source| source())
    }

    /// Puts a message into `outbox`, as it is.
    #[inline]
    pub fn put(self, outbox: &mut Outbox, outgoing: Outgoing<'_>) {
        match outgoing {
            Outgoing::Message(message, _) => self.message(outbox, message),
            Outgoing::Text(text) => self.frame(outbox, Opcode::Text, text.as_bytes()),
            Outgoing::Binary(bytes) => self.frame(outbox, Opcode::Binary, bytes),
            Outgoing::Payload(payload) => match payload.as_message() {
                Some(message) => self.message(outbox, message),
                None => self.frame(outbox, payload.opcode(), payload.as_bytes()),
            },
            Outgoing::Prepared(all) => all.iter().for_each(|one| self.prepared(outbox, one)),
            Outgoing::Ping(payload) => {
                let payload = &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)];
                self.frame(outbox, Opcode::Ping, payload);
            }
        }
    }

    #[inline]
    fn message(self, outbox: &mut Outbox, message: &Message) {
        let payload = message.as_bytes();
        if payload.len() < SHARE_FROM || self.mask_source.is_some() {
            self.frame(outbox, message.opcode(), payload);
        } else {
            outbox.extend_with(|buffer| {
                Header::new(message.opcode(), payload.len() as u64).append_to(buffer);
            });
            outbox.push(message.clone().into_bytes());
        }
    }

    #[inline]
    pub(super) fn prepared(self, outbox: &mut Outbox, prepared: &Prepared) {
        match self.role() {
            // §5.3: each frame has a masking key of its own.
            Role::Client => self.message(outbox, prepared.message()),
            Role::Server => share(outbox, prepared.as_frame()),
        }
    }

    /// Copies a frame into the outbox, masked if this is a client.
    #[inline]
    pub(super) fn frame(self, outbox: &mut Outbox, opcode: Opcode, payload: &[u8]) {
        let mask = self.mask();
        outbox.extend_with(|buffer| {
            buffer.reserve(MAX_HEADER + payload.len());
            // Most headers are one of the first two.
            let first = FIN | opcode.bits();
            match u16::try_from(payload.len()) {
                Ok(len @ 0..=125) if mask.is_none() => {
                    buffer.extend_from_slice(&[first, len as u8]);
                }
                Ok(len) if mask.is_none() => {
                    let [high, low] = len.to_be_bytes();
                    buffer.extend_from_slice(&[first, 126, high, low]);
                }
                _ => Header { mask, ..Header::new(opcode, payload.len() as u64) }.append_to(buffer),
            }
            buffer.extend_from_slice(payload);
            if let Some(key) = mask {
                let start = buffer.len() - payload.len();
                mask::apply(key, 0, &mut buffer[start..]);
            }
        });
    }
}

/// Puts a whole frame into `outbox`, shared if it is long.
#[inline]
pub(super) fn share(outbox: &mut Outbox, frame: &Bytes) {
    if frame.len() < SHARE_FROM {
        outbox.extend(frame);
    } else {
        outbox.push(frame.clone());
    }
}
