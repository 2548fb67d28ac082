//! Limits of how often something may happen, as a virtual bucket that fills at a constant rate.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// In the long run, per second.
    pub per_second: NonZeroU32,
    /// At once, after a rest.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// So many per second, and so many at once after a rest; zero counts as one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }
}

/// What is left of a [`RateLimit`]: the time at which all that has happened would be paid for (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    paid_at: Instant,
}

impl Allowance {
    /// Nothing has happened yet.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { paid_at: now }
    }

    /// It wants to happen once more: may it?
    #[must_use]
    pub fn take(&mut self, limit: RateLimit, now: Instant) -> bool {
        let price = Duration::from_secs(1) / limit.per_second.get();
        let paid_at = self.paid_at.max(now) + price;
        let allowed = paid_at.saturating_duration_since(now) <= price * limit.burst.get();
        if allowed {
            self.paid_at = paid_at;
        }
        allowed
    }

    /// Is it as good as new?
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.paid_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let (limit, start) = (RateLimit::new(10, 3), Instant::now());
        let mut allowance = Allowance::new(start);
        for _ in 0..3 {
            assert!(allowance.take(limit, start));
        }
        assert!(!allowance.take(limit, start) && !allowance.is_full(start));
        let later = start + Duration::from_millis(100);
        assert!(allowance.take(limit, later), "one is paid for in a tenth of a second");
        assert!(!allowance.take(limit, later), "and only one");
        let rested = start + Duration::from_secs(9);
        assert!(allowance.is_full(rested));
        let taken = (0..100).filter(|_| allowance.take(limit, rested)).count();
        assert_eq!(taken, 3, "a rest gives no more than a burst");
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let (limit, start) = (RateLimit::new(1, 1), Instant::now());
        let mut allowance = Allowance::new(start + Duration::from_secs(5));
        assert!(!allowance.take(limit, start));
    }

    #[test]
    fn nothing_overflows() {
        let now = Instant::now();
        for limit in
            [RateLimit::new(0, 0), RateLimit::new(u32::MAX, u32::MAX), RateLimit::new(1, u32::MAX)]
        {
            let mut allowance = Allowance::new(now);
            assert!(allowance.take(limit, now));
        }
    }
}
