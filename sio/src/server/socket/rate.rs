//! How many events a client may send: a bucket of tokens per socket, and one per event that has a limit of its own.

use std::time::{Duration, Instant};

use ws::net::Wheel;

use crate::handler::Party;
use crate::packet::Incoming;
use crate::server::session::connection::Violation;
use crate::server::{HandlerError, Responder, Socket};

/// So many events in so much time. All of them may come at once; then they come back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Events.
    pub events: u32,
    /// The time in which so many are allowed.
    pub per: Duration,
    /// What happens to those beyond.
    pub beyond: Beyond,
}

/// What happens to events beyond a [`RateLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Beyond {
    /// The event is not handled. That goes to `on_error`, and is the answer if one was asked for.
    #[default]
    Refuse,
    /// The client's connection is closed.
    Disconnect,
}

impl RateLimit {
    /// So many events in so much time; those beyond are refused.
    #[must_use]
    pub const fn new(events: u32, per: Duration) -> Self {
        Self { events, per, beyond: Beyond::Refuse }
    }

    /// The same with another fate for those beyond.
    #[must_use]
    pub const fn beyond(self, beyond: Beyond) -> Self {
        Self { beyond, ..self }
    }
}

/// What has come on one socket lately, as far as that is limited.
#[derive(Debug, Default)]
pub(in crate::server) struct Meter {
    all: Option<Bucket>,
    by_event: Vec<(Box<str>, Bucket)>,
}

/// Time that is left to spend: each event costs its share, and time gives it back.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    limit: RateLimit,
    spent: Duration,
    at: Instant,
}

impl Bucket {
    const fn new(limit: RateLimit, now: Instant) -> Self {
        Self { limit, spent: Duration::ZERO, at: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        self.spent = self.spent.saturating_sub(now.saturating_duration_since(self.at));
        self.at = now;
        // No events at all is a limit, too.
        let cost = self.limit.per.checked_div(self.limit.events).unwrap_or(Duration::MAX);
        let after = self.spent.saturating_add(cost);
        let fits = after <= self.limit.per;
        if fits {
            self.spent = after;
        }
        fits
    }
}

impl Meter {
    /// Limits one event, from now on.
    fn limit_event(&mut self, event: &str, limit: RateLimit, now: Instant) {
        self.by_event.retain(|(name, _)| **name != *event);
        self.by_event.push((event.into(), Bucket::new(limit, now)));
    }

    /// Counts an event; gives the limit that it passes.
    fn take(&mut self, event: &str, default: Option<RateLimit>, now: Instant) -> Option<RateLimit> {
        if let Some(limit) = default {
            let all = self.all.get_or_insert_with(|| Bucket::new(limit, now));
            if !all.take(now) {
                return Some(limit);
            }
        }
        let (_, own) = self.by_event.iter_mut().find(|(name, _)| **name == *event)?;
        if own.take(now) { None } else { Some(own.limit) }
    }
}

impl Socket {
    /// Limits how often the client may send this event, beside [`Config::rate_limit`](crate::server::Config::rate_limit) for all events.
    pub fn limit_event(&self, event: &str, limit: RateLimit) {
        self.inner().core().meter.get_or_insert_default().limit_event(event, limit, Wheel::now());
    }

    /// Counts an event that has come. Gives whether it is to be handled.
    pub(in crate::server) fn is_within_rate(
        &self,
        packet: &Incoming<'_>,
    ) -> Result<bool, Violation> {
        let default = self.io().config().rate_limit;
        let passed = {
            let mut core = self.inner().core();
            if default.is_none() && core.meter.is_none() {
                return Ok(true);
            }
            core.meter.get_or_insert_default().take(packet.event(), default, Wheel::now())
        };
        match passed.map(|limit| limit.beyond) {
            None => Ok(true),
            Some(Beyond::Disconnect) => Err(Violation::RateLimit),
            Some(Beyond::Refuse) => {
                let event = packet.event().to_owned().into();
                Responder::new(self.replies(), event, packet.id()).fail(&HandlerError::RateLimit);
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_is_allowed_and_then_one_event_per_share_of_time() {
        let now = Instant::now();
        let limit = RateLimit::new(4, SECOND);
        let mut meter = Meter::default();
        let mut take = |after: Duration| meter.take("e", Some(limit), now + after).is_none();
        assert_eq!([(); 6].map(|()| take(Duration::ZERO)), [true, true, true, true, false, false]);
        assert!(!take(SECOND / 5));
        assert!(take(SECOND / 4) && !take(SECOND / 4), "a quarter of a second is one event");
        assert_eq!([(); 5].map(|()| take(SECOND * 9)), [true, true, true, true, false]);
    }

    #[test]
    fn an_event_has_a_limit_of_its_own_beside_that_of_all() {
        let now = Instant::now();
        let mut meter = Meter::default();
        let (own, all) = (RateLimit::new(1, SECOND), RateLimit::new(3, SECOND));
        meter.limit_event("rare", own, now);
        assert_eq!(meter.take("rare", Some(all), now), None);
        assert_eq!(meter.take("rare", Some(all), now), Some(own));
        assert_eq!(meter.take("other", Some(all), now), None);
        assert_eq!(meter.take("other", Some(all), now), Some(all));
        meter.limit_event("never", RateLimit::new(0, SECOND), now);
        assert!(meter.take("never", None, now + SECOND * 9).is_some());
    }
}
