//! What a socket has to send and can't yet: it waits for the connection, or (with `retries`) for the answer to what was sent before.
//! Pure: the time comes in.

use std::collections::VecDeque;
use std::time::Instant;

use crate::client::{Offline, OnOverflow};
use crate::handler::Frames;

/// Events in the order in which they were emitted.
#[derive(Debug, Default)]
pub(in crate::client) struct Outbox {
    queue: VecDeque<Item>,
    bytes: usize,
    /// With retries: the first one has been sent, and this is about its answer.
    flight: Option<Flight>,
    /// How often the first one was sent and not answered in time.
    tries: u32,
    /// How often the connection was lost while it was in flight.
    losses: u32,
}

#[derive(Debug)]
pub(in crate::client) struct Item {
    /// The ack id. With retries every item has one.
    pub(in crate::client) id: Option<u64>,
    pub(in crate::client) frames: Frames,
    /// With retries: when it is given up, whatever has become of it.
    pub(in crate::client) until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flight {
    due: Instant,
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::client) struct Full;

/// What to do about the first item.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::client) enum Due {
    /// Nothing yet.
    Nothing,
    /// Send it again.
    Resend,
    /// It was sent often enough, or has waited too long: it has been removed, and whoever waits for the answer with this id is to be
    /// told. The next may be due, too.
    GaveUp(Option<u64>),
}

impl Outbox {
    pub(in crate::client) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(in crate::client) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(in crate::client) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(in crate::client) fn ids(&self) -> impl Iterator<Item = u64> {
        self.queue.iter().filter_map(|item| item.id)
    }

    /// Takes an item. Gives the ids of those that were dropped for it, or its own if it was.
    pub(in crate::client) fn push(
        &mut self,
        item: Item,
        limits: &Offline,
    ) -> Result<Vec<u64>, Full> {
        let mut dropped = Vec::new();
        while self.queue.len() >= limits.max_events
            || (self.bytes > 0 && self.bytes >= limits.max_bytes)
        {
            // What is in flight may have arrived already: it stays.
            let oldest = usize::from(self.flight.is_some());
            match limits.policy {
                OnOverflow::Refuse => return Err(Full),
                OnOverflow::DropOldest if self.queue.len() > oldest => {
                    if let Some(item) = self.queue.remove(oldest) {
                        self.bytes -= item.weight();
                        dropped.extend(item.id);
                    }
                }
                _ => {
                    dropped.extend(item.id);
                    return Ok(dropped);
                }
            }
        }
        self.bytes += item.weight();
        self.queue.push_back(item);
        Ok(dropped)
    }

    pub(in crate::client) fn front(&self) -> Option<&Item> {
        self.queue.front()
    }

    /// Removes the first item: it has been sent, or is not wanted.
    pub(in crate::client) fn pop(&mut self) -> Option<Item> {
        let item = self.queue.pop_front()?;
        self.bytes -= item.weight();
        (self.flight, self.tries, self.losses) = (None, 0, 0);
        if self.queue.is_empty() {
            // An idle socket owns no memory for what it has sent.
            self.queue = VecDeque::new();
        }
        Some(item)
    }

    /// The item that is to be sent now, with retries: the first, unless it has been.
    pub(in crate::client) fn ready(&self) -> Option<&Item> {
        if self.flight.is_some() { None } else { self.front() }
    }

    /// The first item was sent; its answer is waited for until `due`.
    pub(in crate::client) const fn handle_sent(&mut self, due: Instant) {
        self.flight = Some(Flight { due });
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). The first item is the oldest, so that no other is given up before it.
    pub(in crate::client) fn deadline(&self) -> Option<Instant> {
        let until = self.front().and_then(|item| item.until);
        [self.flight.map(|flight| flight.due), until].into_iter().flatten().min()
    }

    /// An answer has come. Whether it was to the first item, which is done with then.
    pub(in crate::client) fn handle_ack(&mut self, id: u64) -> bool {
        let first = self.flight.is_some() && self.front().is_some_and(|item| item.id == Some(id));
        if first {
            self.pop();
        }
        first
    }

    /// The connection is lost: what is in flight is sent again over the next. That is no try, since it may never have left. Gives
    /// whether it was given up instead: so many times may not be chance.
    pub(in crate::client) fn handle_lost(&mut self, resends: u32) -> bool {
        self.losses += u32::from(self.flight.take().is_some());
        let gave_up = self.losses > resends;
        if gave_up {
            self.pop();
        }
        gave_up
    }

    /// Time has passed.
    pub(in crate::client) fn handle_timeout(&mut self, now: Instant, retries: u32) -> Due {
        let is_old = self.front().is_some_and(|item| item.until.is_some_and(|until| until <= now));
        let is_late = self.flight.is_some_and(|Flight { due }| due <= now);
        if !is_old && !is_late {
            return Due::Nothing;
        }
        if is_old || self.tries >= retries {
            return Due::GaveUp(self.pop().and_then(|item| item.id));
        }
        self.tries += 1;
        self.flight = None;
        Due::Resend
    }
}

impl Item {
    fn weight(&self) -> usize {
        self.frames.iter().map(crate::engine::Outgoing::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::Outgoing;

    const SECOND: Duration = Duration::from_secs(1);

    fn item(id: u64) -> Item {
        let frames = Frames::One(Outgoing::text(|out| out.push_str("123456789")));
        Item { id: Some(id), frames, until: None }
    }

    fn outbox(count: u64, limits: &Offline) -> Outbox {
        let mut outbox = Outbox::default();
        (0..count).for_each(|id| assert_eq!(outbox.push(item(id), limits), Ok(vec![])));
        outbox
    }

    fn limits(max_events: usize, max_bytes: usize, policy: OnOverflow) -> Offline {
        Offline { max_events, max_bytes, policy }
    }

    #[test]
    fn what_waits_is_bounded_by_count_and_by_bytes() {
        let by_count = limits(2, 1000, OnOverflow::Refuse);
        assert_eq!(outbox(2, &by_count).push(item(9), &by_count), Err(Full));
        let by_bytes = limits(1000, 15, OnOverflow::Refuse);
        assert_eq!(outbox(2, &by_bytes).push(item(9), &by_bytes), Err(Full));
        let none = limits(0, 15, OnOverflow::Refuse);
        assert_eq!(outbox(0, &none).push(item(9), &none), Err(Full));
    }

    #[test]
    fn policies_say_who_goes() {
        let oldest = limits(2, 1000, OnOverflow::DropOldest);
        let mut outbox = outbox(2, &oldest);
        assert_eq!(outbox.push(item(2), &oldest), Ok(vec![0]));
        assert_eq!(outbox.ids().collect::<Vec<_>>(), [1, 2]);
        outbox.handle_sent(Instant::now() + SECOND);
        assert_eq!(outbox.push(item(3), &oldest), Ok(vec![2]), "1 is in flight");
        let newest = limits(2, 1000, OnOverflow::DropNewest);
        assert_eq!(outbox.push(item(4), &newest), Ok(vec![4]));
        assert_eq!(outbox.ids().collect::<Vec<_>>(), [1, 3]);
        let none = limits(0, 1000, OnOverflow::DropOldest);
        assert_eq!(Outbox::default().push(item(5), &none), Ok(vec![5]));
    }

    #[test]
    fn rule_30_one_is_in_flight_and_the_next_follows_its_answer() {
        let (mut outbox, now) = (outbox(2, &Offline::default()), Instant::now());
        assert_eq!(outbox.ready().unwrap().id, Some(0));
        assert!(!outbox.handle_ack(0), "it was not sent yet");
        outbox.handle_sent(now + SECOND);
        assert!(outbox.ready().is_none());
        assert!(!outbox.handle_ack(1));
        assert!(outbox.handle_ack(0));
        assert_eq!(outbox.ready().unwrap().id, Some(1));
        assert!(!outbox.handle_lost(1));
        assert_eq!(outbox.ready().unwrap().id, Some(1), "again");
        assert!(!outbox.handle_lost(1), "it was not in flight");
        outbox.handle_sent(now + SECOND);
        assert!(outbox.handle_ack(1) && outbox.is_empty());
        assert_eq!((outbox.len(), outbox.bytes()), (0, 0));
    }

    #[test]
    fn rule_30_it_is_sent_once_more_than_there_are_retries() {
        let (mut outbox, mut now) = (outbox(2, &Offline::default()), Instant::now());
        for _ in 0..2 {
            outbox.handle_sent(now + SECOND);
            assert_eq!(outbox.handle_timeout(now, 2), Due::Nothing);
            assert_eq!(outbox.deadline(), Some(now + SECOND));
            now += SECOND;
            assert_eq!(outbox.handle_timeout(now, 2), Due::Resend);
        }
        outbox.handle_sent(now);
        assert_eq!(outbox.handle_timeout(now, 2), Due::GaveUp(Some(0)));
        outbox.handle_sent(now);
        assert_eq!(outbox.handle_timeout(now, 2), Due::Resend, "the next has tries of its own");
        assert_eq!(outbox.handle_timeout(now, 2), Due::Nothing);
        assert_eq!(outbox.deadline(), None);
    }

    #[test]
    fn an_event_is_given_up_when_the_connection_was_lost_under_it_too_often() {
        let mut outbox = outbox(2, &Offline::default());
        for gave_up in [false, false, true, false, false, true] {
            outbox.handle_sent(Instant::now());
            assert_eq!(outbox.handle_lost(2), gave_up);
        }
        assert!(outbox.is_empty() && !outbox.handle_lost(0));
    }

    #[test]
    fn an_event_is_given_up_after_its_time_whether_it_was_sent_or_not() {
        let now = Instant::now();
        let old = |id, seconds| Item { until: Some(now + seconds * SECOND), ..item(id) };
        let mut outbox = Outbox::default();
        for (id, seconds) in [(0, 10), (1, 20), (2, 30)] {
            outbox.push(old(id, seconds), &Offline::default()).unwrap();
        }
        assert_eq!(outbox.deadline(), Some(now + 10 * SECOND));
        outbox.handle_sent(now + 5 * SECOND);
        assert!(!outbox.handle_lost(9));
        assert_eq!(outbox.handle_timeout(now + 9 * SECOND, 2), Due::Nothing, "not in flight");
        outbox.handle_sent(now + 30 * SECOND);
        assert_eq!(outbox.handle_timeout(now + 20 * SECOND, 2), Due::GaveUp(Some(0)));
        assert_eq!(outbox.handle_timeout(now + 20 * SECOND, 2), Due::GaveUp(Some(1)));
        assert_eq!(outbox.handle_timeout(now + 20 * SECOND, 2), Due::Nothing);
        assert_eq!((outbox.len(), outbox.deadline()), (1, Some(now + 30 * SECOND)));
    }
}
