//! Whether there is a session, or when the next try is to make one. Pure: time and random numbers come in.
//!
//! ```text
//!            wanted                     opened
//!  +------+ ---------> +---------+ ------------------> +------+
//!  | idle |            | opening |                     | open |
//!  +------+ <-----+    +---------+                     +------+
//!     ^           |      |     ^                          |
//!     |    give up|      |     | time has come            | lost
//!     |           |      v     |                          |
//!     |           +--- +---------+ <----------------------+
//!     +--------------- | waiting |
//!        unwanted      +---------+
//! ```

use std::time::Instant;

use crate::client::Reconnection;
use crate::client::backoff::Backoff;

/// The state of one manager's session.
#[derive(Debug)]
pub(super) struct Machine {
    state: State,
    backoff: Backoff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Opening,
    Open { since: Instant },
    Waiting,
}

/// What follows a failure or a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again at this time.
    TryAt(Instant),
    /// There is no next try.
    GiveUp,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { state: State::Idle, backoff: Backoff::default() }
    }

    /// Somebody wants a session. Whether it has to be opened: nobody does so yet.
    pub(super) fn handle_wanted(&mut self) -> bool {
        let idle = self.state == State::Idle;
        if idle {
            self.state = State::Opening;
            self.backoff.reset();
        }
        idle
    }

    /// The time for a try has come. Its number, from 1 on; 0 is the first connection.
    pub(super) const fn handle_try(&mut self) -> u32 {
        self.state = State::Opening;
        self.backoff.tries()
    }

    /// A session is open. The number of the try that it took.
    pub(super) const fn handle_opened(&mut self, now: Instant) -> u32 {
        self.state = State::Open { since: now };
        self.backoff.tries()
    }

    /// A try has failed. `permanent`: no other can do better.
    pub(super) fn handle_failed(
        &mut self,
        permanent: bool,
        config: &Reconnection,
        now: Instant,
        random: f64,
    ) -> Next {
        let first = self.backoff.tries() == 0;
        let enabled = config.enabled && (config.first || !first);
        self.wait(!permanent && enabled, config, now, random)
    }

    /// The session has ended, and is still wanted or not. A server that lets everybody in and drops them soon is not run at: tries
    /// are forgotten only once a session has lasted as long as the longest delay.
    pub(super) fn handle_lost(
        &mut self,
        wanted: bool,
        config: &Reconnection,
        now: Instant,
        random: f64,
    ) -> Next {
        if let State::Open { since } = self.state
            && now.saturating_duration_since(since) >= config.max_delay
        {
            self.backoff.reset();
        }
        self.wait(wanted && config.enabled, config, now, random)
    }

    /// Whether the next try is to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Nobody wants a session any more.
    pub(super) const fn handle_unwanted(&mut self) {
        self.state = State::Idle;
    }

    fn wait(&mut self, again: bool, config: &Reconnection, now: Instant, random: f64) -> Next {
        let delay = if again { self.backoff.next(config, random) } else { None };
        match delay {
            Some(delay) => {
                self.state = State::Waiting;
                // A delay that no clock can count is as good as a long one.
                Next::TryAt(now.checked_add(delay).unwrap_or(now + config.max_delay.min(DAY)))
            }
            None => {
                self.state = State::Idle;
                Next::GiveUp
            }
        }
    }
}

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn machine() -> (Machine, Reconnection, Instant) {
        let mut machine = Machine::new();
        assert!(machine.handle_wanted() && !machine.handle_wanted(), "one opens for all");
        (machine, Reconnection::default(), Instant::now())
    }

    #[test]
    fn the_first_connection_is_tried_again_only_if_that_is_wanted() {
        let (mut machine, config, now) = machine();
        assert_eq!(machine.handle_failed(false, &config, now, 0.5), Next::GiveUp);
        assert!(machine.handle_wanted(), "and may be wanted again");
        let config = Reconnection { first: true, ..config };
        assert_eq!(machine.handle_failed(false, &config, now, 0.5), Next::TryAt(now + SECOND));
        assert_eq!(machine.handle_try(), 1);
        assert_eq!(machine.handle_failed(true, &config, now, 0.5), Next::GiveUp);
    }

    #[test]
    fn a_lost_session_is_tried_for_until_the_attempts_are_used_up() {
        let (mut machine, config, mut now) = machine();
        let config = Reconnection { attempts: Some(3), ..config };
        machine.handle_opened(now);
        let mut next = machine.handle_lost(true, &config, now, 0.5);
        for (attempt, delay) in [(1, 1), (2, 2), (3, 4)] {
            assert_eq!(next, Next::TryAt(now + delay * SECOND));
            now += delay * SECOND;
            assert_eq!(machine.handle_try(), attempt);
            next = machine.handle_failed(false, &config, now, 0.5);
        }
        assert_eq!(next, Next::GiveUp);
    }

    #[test]
    fn tries_are_forgotten_once_a_session_has_lasted() {
        let (mut machine, config, mut now) = machine();
        machine.handle_opened(now);
        for delay in [1, 2, 4, 5, 5] {
            let next = machine.handle_lost(true, &config, now, 0.5);
            assert_eq!(next, Next::TryAt(now + delay * SECOND), "it lets in and drops");
            machine.handle_try();
            machine.handle_opened(now);
        }
        now += config.max_delay;
        assert_eq!(machine.handle_lost(true, &config, now, 0.5), Next::TryAt(now + SECOND));
        assert_eq!(machine.handle_try(), 1);
    }

    #[test]
    fn what_is_not_wanted_is_not_tried_for() {
        let (mut machine, config, now) = machine();
        machine.handle_opened(now);
        assert_eq!(machine.handle_lost(false, &config, now, 0.5), Next::GiveUp);
        assert!(machine.handle_wanted());
        machine.handle_unwanted();
        assert!(machine.handle_wanted());
        let off = Reconnection { enabled: false, ..config };
        machine.handle_opened(now);
        assert_eq!(machine.handle_lost(true, &off, now, 0.5), Next::GiveUp);
    }
}
