//! The server's heartbeat (rule 16): ping, wait for the pong, rest, ping again.

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The next ping is due at this time.
    Resting(Instant),
    /// A pong must come before this time.
    Waiting(Instant),
}

/// What the heartbeat wants once its time has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    Timeout,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, state: State::Resting(now + interval) }
    }

    pub(super) const fn deadline(&self) -> Instant {
        match self.state {
            State::Resting(deadline) | State::Waiting(deadline) => deadline,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Beat> {
        match self.state {
            State::Resting(ping) if now >= ping => {
                self.state = State::Waiting(now + self.timeout);
                Some(Beat::Ping)
            }
            State::Waiting(deadline) if now >= deadline => Some(Beat::Timeout),
            _ => None,
        }
    }

    /// Rule 16: an unsolicited or repeated pong is harmless; it must not put off the next ping either.
    pub(super) fn handle_pong(&mut self, now: Instant) {
        if matches!(self.state, State::Waiting(_)) {
            self.state = State::Resting(now + self.interval);
        }
    }
}
