//! Keepalive: pings into silence, and deadlines for the answer (RFC 6455 §5.5.2, which leaves the policy open).
//!
//! The clock is not read for each message: whoever receives sets a flag, and this machine looks at the flags when a
//! deadline passes. A ping is due when the peer was silent for a whole interval.

use std::time::{Duration, Instant};

use super::close::Failure;
use super::config::Config;

/// What was received since the last time somebody asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Any bytes at all.
    pub bytes: bool,
    /// A whole message.
    pub message: bool,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// Send a ping with this payload.
    Ping([u8; 4]),
    /// Fail the connection.
    Fail(Failure),
}

#[derive(Debug)]
pub(super) struct Keepalive {
    ping_at: Option<Instant>,
    idle_at: Option<Instant>,
    /// The ping that awaits its pong.
    awaited: Option<Box<Awaited>>,
    /// In microseconds.
    latency: Option<u32>,
    count: u32,
    heard: Heard,
}

#[derive(Debug)]
struct Awaited {
    sent: Instant,
    /// When the answer is overdue.
    overdue: Instant,
}

impl Keepalive {
    pub(super) fn new(now: Instant, config: &Config) -> Self {
        Self {
            ping_at: config.ping_interval.map(|interval| deadline(now, interval)),
            idle_at: config.idle_timeout.map(|timeout| deadline(now, timeout)),
            awaited: None,
            latency: None,
            count: 0,
            heard: Heard::default(),
        }
    }

    /// The next deadline.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let ping = self.awaited.as_ref().map(|awaited| awaited.overdue).or(self.ping_at);
        [ping, self.idle_at].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, heard: Heard, config: &Config) -> Due {
        self.heard.bytes |= heard.bytes;
        self.heard.message |= heard.message;
        if let (Some(at), Some(timeout)) = (self.idle_at, config.idle_timeout)
            && at <= now
        {
            if !std::mem::take(&mut self.heard.message) {
                return Due::Fail(Failure::IdleTimeout);
            }
            self.idle_at = Some(deadline(now, timeout));
        }
        if let Some(Awaited { overdue, .. }) = self.awaited.as_deref() {
            if self.heard.bytes {
                // Whatever it was, the peer lives.
                self.awaited = None;
            } else if *overdue <= now {
                return Due::Fail(Failure::PongTimeout);
            }
        }
        if let (Some(at), Some(interval)) = (self.ping_at, config.ping_interval)
            && at <= now
            && self.awaited.is_none()
        {
            self.ping_at = Some(deadline(now, interval));
            if !std::mem::take(&mut self.heard.bytes) {
                self.count = self.count.wrapping_add(1);
                let overdue = deadline(now, config.pong_timeout);
                self.awaited = Some(Box::new(Awaited { sent: now, overdue }));
                return Due::Ping(self.count.to_be_bytes());
            }
        }
        Due::Nothing
    }

    /// A pong has come: if it answers our latest ping, the time between them is the latency.
    pub(super) fn handle_pong(&mut self, now: Instant, payload: &[u8]) {
        if let Some(Awaited { sent, .. }) = self.awaited.as_deref()
            && payload == self.count.to_be_bytes()
        {
            let micros = now.saturating_duration_since(*sent).as_micros();
            self.latency = Some(u32::try_from(micros).unwrap_or(u32::MAX));
            self.awaited = None;
        }
    }

    pub(super) const fn awaits_pong(&self) -> bool {
        self.awaited.is_some()
    }

    pub(super) fn latency(&self) -> Option<Duration> {
        self.latency.map(|micros| Duration::from_micros(micros.into()))
    }
}

/// `now` and `after`, which may be [`Duration::MAX`] for never: the clock can't count that far.
pub(super) fn deadline(now: Instant, after: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    now + after.min(CENTURY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Heard = Heard { bytes: false, message: false };
    const BYTES: Heard = Heard { bytes: true, message: false };

    fn config() -> Config {
        Config {
            ping_interval: Some(Duration::from_secs(30)),
            pong_timeout: Duration::from_secs(20),
            ..Config::default()
        }
    }

    #[test]
    fn silence_is_pinged_and_a_silent_peer_fails() {
        let (start, config) = (Instant::now(), config());
        let mut keepalive = Keepalive::new(start, &config);
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(keepalive.poll_timeout(), Some(at(30)));
        assert_eq!(keepalive.handle_timeout(at(30), BYTES, &config), Due::Nothing);
        assert_eq!(keepalive.handle_timeout(at(60), SILENCE, &config), Due::Ping([0, 0, 0, 1]));
        assert_eq!(keepalive.poll_timeout(), Some(at(80)));
        keepalive.handle_pong(at(61), &[0, 0, 0, 1]);
        assert_eq!(keepalive.latency(), Some(Duration::from_secs(1)));
        assert_eq!(keepalive.handle_timeout(at(90), BYTES, &config), Due::Nothing);
        assert_eq!(keepalive.handle_timeout(at(120), SILENCE, &config), Due::Ping([0, 0, 0, 2]));
        let failed = keepalive.handle_timeout(at(140), SILENCE, &config);
        assert_eq!(failed, Due::Fail(Failure::PongTimeout));
    }

    #[test]
    fn any_byte_after_a_ping_proves_life_but_gives_no_latency() {
        let (start, config) = (Instant::now(), config());
        let mut keepalive = Keepalive::new(start, &config);
        let at = |s| start + Duration::from_secs(s);
        assert!(matches!(keepalive.handle_timeout(at(30), SILENCE, &config), Due::Ping(_)));
        keepalive.handle_pong(at(31), b"unasked");
        assert_eq!(keepalive.handle_timeout(at(50), BYTES, &config), Due::Nothing);
        assert_eq!(keepalive.latency(), None);
    }

    #[test]
    fn messages_and_nothing_else_hold_off_the_idle_timeout() {
        let mut config = config();
        config.ping_interval = None;
        config.idle_timeout = Some(Duration::from_secs(60));
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut keepalive = Keepalive::new(start, &config);
        let message = Heard { bytes: true, message: true };
        assert_eq!(keepalive.handle_timeout(at(60), message, &config), Due::Nothing);
        let failed = keepalive.handle_timeout(at(120), BYTES, &config);
        assert_eq!(failed, Due::Fail(Failure::IdleTimeout));
    }
}
