//! What each side has sent and seen.

use std::collections::HashSet;

/// The messages of one direction, which are numbers.
#[derive(Debug, Default)]
pub(super) struct Flow {
    sent: u32,
    seen: u32,
    /// Those that came without order.
    loose: HashSet<u32>,
}

impl Flow {
    /// The next number.
    pub(super) const fn send(&mut self) -> u32 {
        self.sent += 1;
        self.sent - 1
    }

    /// Takes back the last so many: they were not accepted.
    pub(super) const fn unsend(&mut self, count: u32) {
        self.sent -= count;
    }

    pub(super) fn see(&mut self, number: u32, in_order: bool) {
        assert!(number < self.sent, "{number} was never sent");
        if in_order {
            assert_eq!(number, self.seen, "in order, once, and none left out");
        } else {
            assert!(self.loose.insert(number), "{number} came twice");
        }
        self.seen += 1;
    }

    pub(super) fn assert_complete(&self) {
        assert_eq!(self.seen, self.sent, "some are lost");
    }
}
