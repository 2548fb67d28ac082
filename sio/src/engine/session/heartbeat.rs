//! The server's heartbeat (rule 16): ping, wait for the pong, rest, ping again. In version 3 the client pings, and the server only
//! listens (rule 21).
//!
//! While reading is paused no pong is heard, so that none is waited for; the client still needs its pings (rule 15).

use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The next ping is due at this time.
    Resting { ping: Instant },
    /// A pong must come before `deadline`.
    Waiting { pinged: Instant, deadline: Instant },
    /// Version 3: the client must ping before `deadline`; there is none while reading is paused.
    Listening { deadline: Option<Instant> },
    /// Reading is paused. `pinged`: the last ping, if its pong is still to come.
    Deaf { ping: Instant, pinged: Option<Instant> },
}

/// What the heartbeat wants once its time has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    Timeout,
}

impl Heartbeat {
    pub(super) fn new(now: Instant, interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, state: State::Resting { ping: now + interval } }
    }

    /// The heartbeat of version 3.
    pub(super) fn listening(now: Instant, interval: Duration, timeout: Duration) -> Self {
        let deadline = Some(now + interval + timeout);
        Self { interval, timeout, state: State::Listening { deadline } }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Resting { ping } | State::Deaf { ping, .. } => Some(ping),
            State::Waiting { deadline, .. } => Some(deadline),
            State::Listening { deadline } => deadline,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Beat> {
        match self.state {
            State::Resting { ping } if now >= ping => {
                self.state = State::Waiting { pinged: now, deadline: now + self.timeout };
                Some(Beat::Ping)
            }
            State::Deaf { ping, .. } if now >= ping => {
                self.state = State::Deaf { ping: now + self.interval, pinged: Some(now) };
                Some(Beat::Ping)
            }
            State::Waiting { deadline, .. } | State::Listening { deadline: Some(deadline) }
                if now >= deadline =>
            {
                Some(Beat::Timeout)
            }
            _ => None,
        }
    }

    /// Rule 16: an unsolicited or repeated pong is harmless; it must not put off the next ping either.
    pub(super) fn handle_pong(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting { .. } => self.state = State::Resting { ping: now + self.interval },
            // Was read before the pause took effect.
            State::Deaf { pinged, .. } => *pinged = None,
            State::Resting { .. } | State::Listening { .. } => {}
        }
    }

    /// Version 3: the client lives.
    pub(super) fn handle_ping(&mut self, now: Instant) {
        if let State::Listening { deadline: Some(deadline) } = &mut self.state {
            *deadline = now + self.interval + self.timeout;
        }
    }

    pub(super) fn handle_pause(&mut self) {
        self.state = match self.state {
            State::Resting { ping } => State::Deaf { ping, pinged: None },
            // Counted from the last ping: pauses that come thick and fast must not put off the next for ever.
            State::Waiting { pinged, .. } => {
                State::Deaf { ping: pinged + self.interval, pinged: Some(pinged) }
            }
            State::Listening { .. } => State::Listening { deadline: None },
            deaf @ State::Deaf { .. } => deaf,
        };
    }

    /// The pong may be the last of what piled up meanwhile: the client has all of its time again.
    pub(super) fn handle_resume(&mut self, now: Instant) {
        self.state = match self.state {
            State::Deaf { ping, pinged: None } => State::Resting { ping },
            State::Deaf { pinged: Some(pinged), .. } => {
                State::Waiting { pinged, deadline: now + self.timeout }
            }
            State::Listening { deadline: None } => {
                State::Listening { deadline: Some(now + self.interval + self.timeout) }
            }
            hearing => hearing,
        };
    }
}
