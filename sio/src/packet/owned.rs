//! A packet that has left the read buffer: queued, or complete with its attachments.

use bytes::Bytes;

use super::{Arguments, Kind};

/// A valid packet that owns its text, with all of its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The type.
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
    /// The arguments: all elements of an ack, all but the name of an event.
    pub fn arguments(&self) -> Arguments<'_> {
        Arguments::new(&self.payload, self.event.is_some(), &self.attachments)
    }
}
