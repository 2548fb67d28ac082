//! One timer for all deadlines of something, however often they change.

use std::time::Instant;

/// Knows when the timer calls next. Nobody cancels a timer: without this, one would be left for every deadline that was put off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Alarm(Option<Instant>);

impl Alarm {
    /// There is a deadline. Gives whether the timer has to be told.
    pub(crate) fn set(&mut self, at: Instant) -> bool {
        let earlier = self.0.is_none_or(|rings| at < rings);
        if earlier {
            self.0 = Some(at);
        }
        earlier
    }

    /// The timer calls. Gives whether it was meant: it may be left over from before an earlier deadline.
    pub(crate) fn ring(&mut self, now: Instant) -> bool {
        self.0.take_if(|rings| *rings <= now).is_some()
    }

    /// What the timer is told when it has called: there may be an earlier deadline meanwhile, that it knows already.
    pub(crate) fn next(&mut self, at: Option<Instant>) -> Option<Instant> {
        at.filter(|at| self.set(*at))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_timer_serves_however_often_the_deadline_changes() {
        let (mut alarm, now) = (Alarm::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(!alarm.ring(now), "nothing was set");
        assert!(alarm.set(at(10)));
        assert!(!alarm.set(at(11)) && !alarm.set(at(10)), "it calls before that");
        assert!(alarm.set(at(5)), "but not that early");
        assert!(!alarm.ring(at(4)));
        assert!(alarm.ring(at(5)));
        assert!(!alarm.ring(at(10)), "left over");
        assert_eq!(alarm.next(Some(at(20))), Some(at(20)));
        assert_eq!(alarm.next(Some(at(30))), None, "it calls anyway");
        assert_eq!(alarm.next(None), None);
    }
}
