//! What a polling client has to send, cut into bodies that the server takes (rule 15).

use bytes::Bytes;

use super::{Outgoing, SendError, payload};

/// Packets that wait for a POST, bounded by bytes.
#[derive(Debug, Default)]
pub struct Batches {
    /// Goes first. There is one at most: the latest tells as much as all of them.
    pong: Option<Outgoing>,
    packets: std::collections::VecDeque<Outgoing>,
    bytes: usize,
}

impl Batches {
    /// Bytes of the messages that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty() && self.pong.is_none()
    }

    /// Takes all of these or none. Messages are taken while less than `limit` waits, as a WebSocket does, so that a large one can
    /// be sent at all.
    ///
    /// # Errors
    /// [`SendError::Full`].
    pub fn push_all(&mut self, packets: &[Outgoing], limit: usize) -> Result<(), SendError> {
        if self.bytes > 0 && self.bytes >= limit {
            return Err(SendError::Full);
        }
        self.bytes += packets.iter().map(Outgoing::len).sum::<usize>();
        self.packets.extend(packets.iter().cloned());
        Ok(())
    }

    /// The answer to a ping, in place of the one that waits.
    pub fn push_pong(&mut self, pong: Outgoing) {
        self.bytes += pong.len();
        self.bytes -= self.pong.replace(pong).map_or(0, |pong| pong.len());
    }

    /// The next packet alone.
    pub fn pop(&mut self) -> Option<Outgoing> {
        let packet = self.pong.take().or_else(|| self.packets.pop_front())?;
        self.bytes -= packet.len();
        if self.packets.is_empty() {
            // An idle session owns no memory for what it has sent.
            self.packets = std::collections::VecDeque::new();
        }
        Some(packet)
    }

    /// The next body: as many packets as stay within `max_payload` bytes, at least one (rule 15: "a single oversize packet is still
    /// sent"). `None` if nothing waits.
    pub fn next_body(&mut self, max_payload: usize) -> Option<Bytes> {
        let mut taken = vec![self.pop()?];
        let mut length = taken[0].polling_len();
        while let Some(next) = self.packets.front() {
            length += 1 + next.polling_len();
            if length > max_payload {
                break;
            }
            taken.extend(self.pop());
        }
        Some(payload::encode(&taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Outgoing {
        Outgoing::text(|out| out.push_str(text))
    }

    #[test]
    fn rule_15_bodies_stay_within_what_the_server_takes() {
        let mut batches = Batches::default();
        let packets =
            [text("ab"), Outgoing::binary(&[1, 2, 3, 4]), text("c"), text("défg"), text("h")];
        batches.push_all(&packets, 1000).unwrap();
        // `4ab` + separator + `bAQIDBA==` are 13 bytes.
        assert_eq!(batches.next_body(13).unwrap(), "4ab\x1ebAQIDBA==");
        assert_eq!(batches.next_body(8).unwrap(), "4c");
        assert_eq!(
            batches.next_body(3).unwrap(),
            "4défg",
            "a single one is sent, whatever its size"
        );
        assert_eq!(batches.next_body(3).unwrap(), "4h");
        assert_eq!((batches.next_body(3), batches.bytes()), (None, 0));
    }

    #[test]
    fn what_waits_is_bounded_and_refused_as_a_whole() {
        let mut batches = Batches::default();
        batches.push_all(&[text("a long first message")], 5).unwrap();
        assert_eq!(batches.push_all(&[text("b"), text("c")], 5), Err(SendError::Full));
        assert_eq!(batches.next_body(1000).unwrap(), "4a long first message");
        batches.push_all(&[text("b")], 5).unwrap();
        assert!(!batches.is_empty());
    }

    #[test]
    fn one_pong_waits_before_all_else() {
        let mut batches = Batches::default();
        batches.push_all(&[text("a")], 100).unwrap();
        batches.push_pong(Outgoing::pong("1"));
        batches.push_pong(Outgoing::pong("22"));
        assert_eq!(batches.next_body(100).unwrap(), "322\x1e4a");
        assert_eq!((batches.bytes(), batches.is_empty()), (0, true));
        batches.push_pong(Outgoing::pong(""));
        assert!(!batches.is_empty());
        assert_eq!(batches.next_body(100).unwrap(), "3");
    }
}
