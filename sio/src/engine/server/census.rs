//! How many there are of each address, and how often they come. For sessions and for connections.

use std::collections::HashMap;
use std::time::Instant;

use crate::engine::{Allowance, Household, RateLimit};

/// With fewer entries than this it is not worth to sweep.
const SWEEP_FROM: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Census {
    households: HashMap<Household, Tally>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Tally {
    count: usize,
    allowance: Allowance,
}

impl Census {
    /// One more; `false` if there are `max` already, or they come too often.
    pub(super) fn enter(
        &mut self,
        household: Household,
        max: usize,
        rate: Option<RateLimit>,
        now: Instant,
    ) -> bool {
        if self.households.len() >= self.sweep_at.max(SWEEP_FROM) {
            self.sweep(now);
        }
        let fresh = || Tally { count: 0, allowance: Allowance::new(now) };
        let tally = self.households.entry(household).or_insert_with(fresh);
        let enters = tally.count < max && rate.is_none_or(|rate| tally.allowance.take(rate, now));
        if enters {
            tally.count += 1;
        }
        enters
    }

    /// One less.
    pub(super) fn leave(&mut self, household: Household) {
        if let Some(tally) = self.households.get_mut(&household) {
            tally.count = tally.count.saturating_sub(1);
        }
    }

    /// Who is gone stays until it may come again as often as if it had never been there. Then it need not be remembered.
    fn sweep(&mut self, now: Instant) {
        self.households.retain(|_, tally| tally.count > 0 || !tally.allowance.is_full(now));
        self.households.shrink_to(2 * self.households.len());
        self.sweep_at = 2 * self.households.len();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use crate::engine::AddressLimits;

    fn household(number: u32) -> Household {
        let address = IpAddr::V4(Ipv4Addr::from_bits(0x0800_0000 + number));
        AddressLimits::default().household(address).unwrap()
    }

    #[test]
    fn each_household_has_a_limit_of_its_own() {
        let (mut census, now) = (Census::default(), Instant::now());
        assert!(
            census.enter(household(1), 2, None, now) && census.enter(household(1), 2, None, now)
        );
        assert!(!census.enter(household(1), 2, None, now));
        assert!(census.enter(household(2), 2, None, now));
        census.leave(household(1));
        assert!(census.enter(household(1), 2, None, now));
        census.leave(household(3));
    }

    #[test]
    fn to_leave_does_not_give_back_what_coming_has_cost() {
        let (mut census, now) = (Census::default(), Instant::now());
        let rate = Some(RateLimit::new(1, 2));
        for _ in 0..2 {
            assert!(census.enter(household(1), 9, rate, now));
            census.leave(household(1));
        }
        assert!(!census.enter(household(1), 9, rate, now));
        assert!(census.enter(household(1), 9, rate, now + Duration::from_secs(1)));
    }

    #[test]
    fn who_is_gone_is_forgotten_and_who_is_there_is_not() {
        let (mut census, start) = (Census::default(), Instant::now());
        let rate = Some(RateLimit::new(1000, 1000));
        assert!(census.enter(household(0), 1, rate, start));
        for number in 1..100_000 {
            let now = start + Duration::from_millis(u64::from(number));
            assert!(census.enter(household(number), 1, rate, now));
            census.leave(household(number));
            assert!(census.households.len() <= SWEEP_FROM);
        }
        assert!(!census.enter(household(0), 1, rate, start + Duration::from_secs(1000)));
    }
}
