//! A client's side of the heartbeat (rule 15): it only listens for the server's pings.

use std::time::{Duration, Instant, SystemTime};

use super::Open;

/// The longest time that a server's heartbeat may ask for; what goes beyond is no heartbeat.
const MAX_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Tells whether the server is still there.
///
/// It looks at two clocks: the monotonic one stands still while a machine sleeps on most systems, and a client that wakes up should
/// not believe that the server has waited for it.
#[derive(Debug, Clone)]
pub struct Liveness {
    patience: Duration,
    pace: Duration,
    deadline: Instant,
    last_ping: SystemTime,
    /// Nothing is read.
    is_deaf: bool,
}

impl Liveness {
    /// The heartbeat of a session that opens now.
    #[must_use]
    pub fn new(open: &Open, now: Instant, wall: SystemTime) -> Self {
        let patience = open.ping_interval.saturating_add(open.ping_timeout).min(MAX_PATIENCE);
        // Whenever the server's ping comes, a pong follows within its `pingTimeout`.
        let pace = open.ping_interval.min(open.ping_timeout).min(MAX_PATIENCE) / 2;
        let pace = pace.max(Duration::from_millis(1));
        Self { patience, pace, deadline: now + patience, last_ping: wall, is_deaf: false }
    }

    /// The server has sent a ping.
    pub fn handle_ping(&mut self, now: Instant, wall: SystemTime) {
        self.deadline = now + self.patience;
        self.last_ping = wall;
    }

    /// Nothing is read until [`Self::handle_resume`], so that no ping is heard: the server is not given up for that.
    pub const fn handle_pause(&mut self) {
        self.is_deaf = true;
    }

    /// Whether nothing is read.
    #[must_use]
    pub const fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    /// How often a client that hears no pings sends pongs, so that the server does not give it up: rule 16 has it that pongs may come
    /// unasked.
    #[must_use]
    pub const fn pace(&self) -> Duration {
        self.pace
    }

    /// Pings are heard again, from now on.
    pub fn handle_resume(&mut self, now: Instant, wall: SystemTime) {
        self.is_deaf = false;
        self.handle_ping(now, wall);
    }

    /// Should the client give up? Rule 15: after `pingInterval` + `pingTimeout` without a ping.
    #[must_use]
    pub fn is_expired(&self, now: Instant, wall: SystemTime) -> bool {
        // A wall clock that was put back tells nothing.
        let slept =
            wall.duration_since(self.last_ping).is_ok_and(|silence| silence >= self.patience);
        !self.is_deaf && (now >= self.deadline || slept)
    }

    /// When to look again: before the deadline a few times, since the monotonic clock may have stood still (a machine that slept
    /// finds out soon after).
    #[must_use]
    pub fn next_look(&self, now: Instant) -> Instant {
        if self.is_deaf { now + self.pace } else { self.deadline.min(now + self.patience / 4) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn liveness(interval: u64, timeout: u64) -> (Liveness, Instant, SystemTime) {
        let json = format!(
            r#"{{"sid":"x","upgrades":[],"pingInterval":{interval},"pingTimeout":{timeout}}}"#
        );
        let (now, wall) = (Instant::now(), SystemTime::now());
        (Liveness::new(&Open::parse(&json).unwrap(), now, wall), now, wall)
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn rule_15_silence_for_interval_and_timeout_ends_the_session() {
        let (mut liveness, now, wall) = liveness(25_000, 20_000);
        assert!(!liveness.is_expired(now + 44_999 * MS, wall + 44_999 * MS));
        assert!(liveness.is_expired(now + 45_000 * MS, wall + 45_000 * MS));
        liveness.handle_ping(now + 25_000 * MS, wall + 25_000 * MS);
        assert!(!liveness.is_expired(now + 69_999 * MS, wall + 69_999 * MS));
        assert!(liveness.is_expired(now + 70_000 * MS, wall + 70_000 * MS));
        assert_eq!(liveness.next_look(now + 69_000 * MS), now + 70_000 * MS);
        assert_eq!(liveness.next_look(now + 25_000 * MS), now + 36_250 * MS, "it may have slept");
    }

    #[test]
    fn rule_15_a_machine_that_slept_notices_by_the_wall_clock() {
        let (liveness, now, wall) = liveness(25_000, 20_000);
        assert!(liveness.is_expired(now + MS, wall + 3_600_000 * MS));
        assert!(
            !liveness.is_expired(now + MS, wall - 3_600_000 * MS),
            "a clock put back is no sleep"
        );
    }

    #[test]
    fn rule_15_a_server_that_is_not_read_is_not_given_up() {
        let (mut liveness, now, wall) = liveness(25_000, 20_000);
        liveness.handle_pause();
        assert_eq!(liveness.next_look(now), now + 10_000 * MS, "twice in each `pingTimeout`");
        assert!(!liveness.is_expired(now + 100_000 * MS, wall + 100_000 * MS));
        liveness.handle_resume(now + 100_000 * MS, wall + 100_000 * MS);
        assert!(!liveness.is_expired(now + 144_999 * MS, wall + 144_999 * MS));
        assert!(liveness.is_expired(now + 145_000 * MS, wall + 145_000 * MS));
    }

    #[test]
    fn a_server_that_asks_for_ages_overflows_nothing() {
        let (liveness, now, wall) = liveness(u64::MAX, u64::MAX);
        assert!(!liveness.is_expired(now + 1000 * MS, wall));
        assert_eq!(liveness.next_look(now + MAX_PATIENCE - MS), now + MAX_PATIENCE);
    }
}
