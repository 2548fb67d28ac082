//! Many things to do, spread evenly over a window of time.

use std::time::{Duration, Instant};

use ws::net::Wheel;

/// Tells when each of many things is due, so that all are done over a window: clients that are disconnected at the same time come
/// back at the same time.
#[derive(Debug)]
pub struct Pace {
    start: Instant,
    step: Duration,
    done: u32,
    deadline: Instant,
}

impl Pace {
    /// `count` things over `window`, and the rest at once when `deadline` comes before its end.
    #[must_use]
    pub fn new(window: Duration, count: usize, deadline: Instant) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        Self { start: Wheel::now(), step: window / count, done: 0, deadline }
    }

    /// Waits until the next one is due. The first is at once.
    pub async fn next(&mut self) {
        let due = (self.start + self.step * self.done).min(self.deadline);
        self.done = self.done.saturating_add(1);
        if due > Wheel::now() {
            tokio::time::sleep_until(due.into()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn everything_in_its_time_and_nothing_after_the_deadline() {
        let start = Wheel::now();
        let elapsed = || Wheel::now().duration_since(start).as_millis();
        let mut pace = Pace::new(Duration::from_secs(4), 4, start + Duration::from_millis(2500));
        let mut times = Vec::new();
        for _ in 0..5 {
            pace.next().await;
            times.push(elapsed());
        }
        assert_eq!(times, [0, 1000, 2000, 2500, 2500]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_is_no_wait() {
        let start = Wheel::now();
        let mut pace =
            Pace::new(Duration::ZERO, 0, start + Duration::MAX.min(Duration::from_secs(9)));
        for _ in 0..3 {
            pace.next().await;
        }
        assert_eq!(Wheel::now(), start);
    }
}
