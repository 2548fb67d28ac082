//! How long to wait before the next try. Pure: the random number comes in.

use std::time::Duration;

use super::Reconnection;

/// Counts the tries since it last went well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Tries so far.
    pub(super) const fn tries(self) -> u32 {
        self.tries
    }

    /// It went well.
    pub(super) const fn reset(&mut self) {
        self.tries = 0;
    }

    /// The time until the next try; `None` if there have been enough. `random` is from 0 to 1.
    ///
    /// Spread after the cap (rule 31: the reference client caps after it has spread, so that all who have tried a few times come at
    /// the same moment).
    pub(super) fn next(&mut self, config: &Reconnection, random: f64) -> Option<Duration> {
        if config.attempts.is_some_and(|attempts| self.tries >= attempts) {
            return None;
        }
        // Beyond this every delay is at its cap.
        let exponent = self.tries.min(64).cast_signed();
        self.tries = self.tries.saturating_add(1);
        let cap = config.max_delay.as_secs_f64();
        let delay = (config.delay.as_secs_f64() * config.factor.powi(exponent)).min(cap);
        let spread = 1.0 + config.jitter * (2.0 * random - 1.0);
        Some(Duration::try_from_secs_f64(delay * spread).unwrap_or(config.max_delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(config: &Reconnection, random: f64, count: usize) -> Vec<u64> {
        let mut backoff = Backoff::default();
        (0..count)
            .map_while(|_| backoff.next(config, random))
            .map(|delay| u64::try_from(delay.as_millis()).unwrap())
            .collect()
    }

    #[test]
    fn rule_31_delays_double_to_the_cap() {
        let config = Reconnection::default();
        assert_eq!(delays(&config, 0.5, 5), [1000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn rule_31_the_spread_does_not_end_at_the_cap() {
        let config = Reconnection::default();
        assert_eq!(delays(&config, 0.0, 5), [500, 1000, 2000, 2500, 2500]);
        assert_eq!(delays(&config, 1.0, 5), [1500, 3000, 6000, 7500, 7500]);
        let later = delays(&config, 0.999, 1000);
        assert!(later.last() > Some(&7000), "after any number of tries");
    }

    #[test]
    fn attempts_end_and_begin_again() {
        let config = Reconnection { attempts: Some(2), ..Reconnection::default() };
        let mut backoff = Backoff::default();
        assert!(backoff.next(&config, 0.5).is_some() && backoff.next(&config, 0.5).is_some());
        assert_eq!((backoff.next(&config, 0.5), backoff.tries()), (None, 2));
        backoff.reset();
        assert_eq!(backoff.next(&config, 0.5), Some(config.delay));
    }

    #[test]
    fn no_setting_makes_it_panic() {
        let max = Duration::MAX;
        let wild =
            Reconnection { delay: max, max_delay: max, jitter: 1.0, ..Reconnection::default() };
        assert_eq!(Backoff::default().next(&wild, 1.0), Some(max));
        let none = Reconnection { delay: Duration::ZERO, ..Reconnection::default() };
        assert_eq!(delays(&none, 1.0, 100), [0; 100]);
    }
}
