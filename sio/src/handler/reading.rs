//! Reading from one peer: for how many sockets it is paused, and how long a binary packet may lack its attachments.

use std::time::{Duration, Instant};

/// Shared by the sockets of one connection, behind a lock.
#[derive(Debug)]
pub(crate) struct Reading {
    /// How many sockets want it to be paused.
    pauses: usize,
    /// For the next attachment; see [`Limits::attachment_timeout`](crate::packet::Limits::attachment_timeout).
    patience: Duration,
    /// When the next attachment must have come, if one is missing.
    due: Option<Instant>,
    /// The timer will call, sooner or later.
    is_scheduled: bool,
}

/// An attachment has not come in time: the connection is to be closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overdue;

impl Reading {
    pub(crate) const fn new(patience: Duration) -> Self {
        Self { pauses: 0, patience, due: None, is_scheduled: false }
    }

    /// One more socket wants reading to be paused, or one less. Gives what is to be done about it.
    pub(crate) fn handle_pause(&mut self, pause: bool, now: Instant) -> Option<bool> {
        if pause {
            self.pauses += 1;
            return (self.pauses == 1).then_some(true);
        }
        self.pauses = self.pauses.saturating_sub(1);
        if self.pauses > 0 {
            return None;
        }
        // What the peer could not send is not late.
        self.due = self.due.map(|_| now + self.patience);
        Some(false)
    }

    /// Whether a socket wants it to be paused.
    pub(crate) const fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    /// A message has come, after which attachments are missing or not. Gives when to call [`handle_timeout`](Self::handle_timeout),
    /// unless that is known: one timer per connection, however many packets come.
    pub(crate) fn handle_message(&mut self, is_incomplete: bool, now: Instant) -> Option<Instant> {
        self.due = is_incomplete.then(|| now + self.patience);
        if self.is_scheduled {
            return None;
        }
        self.is_scheduled = is_incomplete;
        self.due
    }

    /// Time has passed. Gives when to call again.
    ///
    /// # Errors
    /// [`Overdue`].
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<Option<Instant>, Overdue> {
        self.is_scheduled = false;
        let Some(due) = self.due else { return Ok(None) };
        let next = if self.pauses > 0 { now + self.patience } else { due };
        if next <= now {
            return Err(Overdue);
        }
        self.is_scheduled = true;
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_attachment_that_does_not_come_is_overdue() {
        let (mut reading, now) = (Reading::new(PATIENCE), Instant::now());
        assert_eq!(reading.handle_message(true, now), Some(now + PATIENCE));
        let later = now + PATIENCE - MS;
        assert_eq!(reading.handle_timeout(later), Ok(Some(now + PATIENCE)), "too early a call");
        assert_eq!(reading.handle_timeout(now + PATIENCE), Err(Overdue));
    }

    #[test]
    fn each_attachment_has_its_time_and_all_share_one_timer() {
        let (mut reading, mut now) = (Reading::new(PATIENCE), Instant::now());
        let start = now;
        assert!(reading.handle_message(true, now).is_some());
        for _ in 0..9 {
            now += PATIENCE - MS;
            assert_eq!(reading.handle_message(true, now), None);
        }
        assert_eq!(reading.handle_timeout(start + PATIENCE), Ok(Some(now + PATIENCE)));
        assert_eq!(reading.handle_message(false, now), None);
        assert_eq!(reading.handle_timeout(now + PATIENCE), Ok(None), "all have come");
        assert!(reading.handle_message(true, now).is_some(), "the timer is wanted again");
    }

    #[test]
    fn while_reading_is_paused_nothing_is_overdue() {
        let (mut reading, now) = (Reading::new(PATIENCE), Instant::now());
        reading.handle_message(true, now);
        assert_eq!(reading.handle_pause(true, now), Some(true));
        assert_eq!(reading.handle_pause(true, now), None);
        let later = now + 2 * PATIENCE;
        assert_eq!(reading.handle_timeout(later), Ok(Some(later + PATIENCE)));
        assert_eq!(reading.handle_pause(false, later), None);
        let resumed = later + PATIENCE - MS;
        assert_eq!(reading.handle_pause(false, resumed), Some(false));
        assert_eq!(reading.handle_timeout(later + PATIENCE), Ok(Some(resumed + PATIENCE)));
        assert_eq!(reading.handle_timeout(resumed + PATIENCE), Err(Overdue));
    }
}
