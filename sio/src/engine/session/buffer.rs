//! Packets that wait for a GET, bounded by bytes.

use crate::engine::Outgoing;

#[derive(Debug, Default)]
pub(super) struct Buffer {
    packets: Vec<Outgoing>,
    /// Bytes of the messages among them.
    bytes: usize,
    /// A pong of version 3 is among them.
    has_pong: bool,
}

impl Buffer {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Messages are taken while less than `limit` waits, as a WebSocket does, so that a large one can be sent at all.
    pub(super) const fn has_room(&self, limit: usize) -> bool {
        self.bytes == 0 || self.bytes < limit
    }

    pub(super) fn push_all(&mut self, packets: &[Outgoing]) {
        self.bytes += packets.iter().map(Outgoing::len).sum::<usize>();
        self.packets.extend_from_slice(packets);
    }

    /// A packet of the session itself. There are at most a few bytes of them, which count towards nothing.
    pub(super) fn push_control(&mut self, packet: Outgoing) {
        self.packets.push(packet);
    }

    /// The answer to a ping of a client of version 3, which may ping as often as it likes: one answer is enough.
    pub(super) fn push_pong(&mut self, packet: Outgoing) {
        if !std::mem::replace(&mut self.has_pong, true) {
            self.packets.push(packet);
        }
    }

    /// Empties the buffer and gives back its memory with the packets: an idle session owns none.
    pub(super) fn take(&mut self) -> Vec<Outgoing> {
        (self.bytes, self.has_pong) = (0, false);
        std::mem::take(&mut self.packets)
    }
}
