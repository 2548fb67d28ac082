//! Durations, counted in steps of about 6 %.

use std::time::Duration;

/// Sixteen steps for each power of two of nanoseconds.
const STEPS: u32 = 16;

pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; (64 * STEPS) as usize], total: 0, max: Duration::ZERO }
    }

    #[inline]
    pub(crate) fn add(&mut self, duration: Duration) {
        let nanos = (duration.as_nanos() as u64).max(STEPS.into());
        let power = nanos.ilog2();
        let step = (nanos >> (power - 4)) as u32 - STEPS;
        self.counts[(power * STEPS + step) as usize] += 1;
        self.total += 1;
        self.max = self.max.max(duration);
    }

    /// Microseconds that the given part of the durations does not exceed.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let wanted = (self.total as f64 * part).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                let (power, step) = (index as u32 / STEPS, index as u32 % STEPS);
                return f64::from(STEPS + step + 1) * 2f64.powi(power as i32 - 4) / 1e3;
            }
        }
        self.max()
    }

    pub(crate) fn max(&self) -> f64 {
        self.max.as_secs_f64() * 1e6
    }
}
