//! A coarse timer that serves every connection of a runtime: heartbeats, idle limits, close deadlines.
//!
//! Time is cut into ticks. Deadlines in one tick lie in one list, and one task sleeps until the next list is due. Nobody
//! cancels: whoever is called looks at its own clockwork, and says when to be called again. Whoever is gone is swept out
//! before there are more of them than of the living.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::runtime::PerRuntime;

/// How coarse the wheel is: a deadline is served up to this much late, never early.
const TICK: Duration = Duration::from_millis(50);
/// With fewer entries than this it is not worth to sweep.
const SWEEP_FROM: usize = 1024;

/// Something with deadlines.
pub trait Timed: Send + Sync + 'static {
    /// A deadline that was announced to the wheel has passed; returns the next one, if there is one. May be called early or
    /// without need.
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant>;
}

/// The timer of a runtime.
pub struct Wheel {
    start: Instant,
    handle: Handle,
    slots: Mutex<Slots>,
    /// Wakes the task when an earlier deadline comes in.
    earlier: Notify,
}

#[derive(Default)]
struct Slots {
    due: BTreeMap<u64, Vec<Weak<dyn Timed>>>,
    /// The tick that the task sleeps for; `None` while there is no task.
    sleeps_for: Option<u64>,
    /// All entries of `due`.
    len: usize,
    /// With how many entries those are swept out that are gone: twice what was left the last time.
    sweep_at: usize,
}

impl Slots {
    /// An entry keeps the memory of its connection, and a deadline may be hours away: connections that come and go would
    /// pile up until then.
    fn sweep(&mut self) {
        self.due.retain(|_, entries| {
            entries.retain(|timed| timed.strong_count() > 0);
            entries.shrink_to(2 * entries.len());
            !entries.is_empty()
        });
        self.len = self.due.values().map(Vec::len).sum();
        self.sweep_at = 2 * self.len.max(SWEEP_FROM / 2);
    }
}

impl std::fmt::Debug for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wheel").field("ticks", &self.lock().due.len()).finish_non_exhaustive()
    }
}

static WHEELS: PerRuntime<Wheel> = PerRuntime::new();

impl Wheel {
    /// The wheel of the runtime that this is called on.
    ///
    /// # Panics
    ///
    /// When called outside a tokio runtime.
    #[must_use]
    pub fn current() -> Arc<Self> {
        WHEELS.current(|handle| Self {
            start: now(),
            handle,
            slots: Mutex::default(),
            earlier: Notify::new(),
        })
    }

    /// The time by which this wheel turns: tokio's, so that a test may pause it.
    #[must_use]
    pub fn now() -> Instant {
        now()
    }

    /// When `after` will have passed. It may be [`Duration::MAX`] for never, which no clock can count.
    #[must_use]
    pub fn deadline(after: Duration) -> Instant {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        now() + after.min(CENTURY)
    }

    /// Calls `timed` when `deadline` has passed, unless it is gone by then. Earlier calls stay valid.
    pub fn schedule(self: &Arc<Self>, timed: Weak<dyn Timed>, deadline: Instant) {
        let after = deadline.saturating_duration_since(self.start).as_millis();
        let tick = u64::try_from(after / TICK.as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let mut slots = self.lock();
        slots.due.entry(tick).or_default().push(timed);
        slots.len += 1;
        if slots.len > slots.sweep_at.max(SWEEP_FROM) {
            slots.sweep();
        }
        match slots.sleeps_for {
            None => {
                slots.sleeps_for = Some(tick);
                self.handle.spawn(self.clone().turn());
            }
            Some(sleeps_for) if tick < sleeps_for => self.earlier.notify_one(),
            Some(_) => {}
        }
    }

    /// Runs until no deadline is left.
    async fn turn(self: Arc<Self>) {
        while let Some(until) = self.next_deadline() {
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => {}
                () = self.earlier.notified() => continue,
            }
            let now = now();
            for timed in self.take_due(now) {
                if let Some(timed) = timed.upgrade() {
                    let again = Arc::downgrade(&timed);
                    if let Some(deadline) = timed.handle_timeout(now) {
                        self.schedule(again, deadline.max(now));
                    }
                }
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let mut slots = self.lock();
        slots.sleeps_for = slots.due.keys().next().copied();
        let tick = u32::try_from(slots.sleeps_for?).unwrap_or(u32::MAX);
        Some(self.start + TICK * tick)
    }

    fn take_due(&self, now: Instant) -> Vec<Weak<dyn Timed>> {
        let mut slots = self.lock();
        let mut due = Vec::new();
        while let Some(entry) = slots.due.first_entry() {
            if self.start + TICK * u32::try_from(*entry.key()).unwrap_or(u32::MAX) > now {
                break;
            }
            due.append(&mut entry.remove());
        }
        slots.len -= due.len();
        // After a rush it is not waited for the next.
        slots.sweep_at = slots.sweep_at.min(2 * slots.len);
        due
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counter {
        calls: AtomicU32,
        again: Duration,
        times: u32,
    }

    impl Timed for Counter {
        fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
            let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
            (calls < self.times).then(|| now + self.again)
        }
    }

    fn counter(times: u32) -> Arc<Counter> {
        Arc::new(Counter { calls: AtomicU32::new(0), again: Duration::from_secs(1), times })
    }

    #[tokio::test(start_paused = true)]
    async fn deadlines_are_served_in_time_and_again_as_often_as_asked() {
        let (wheel, often, once) = (Wheel::current(), counter(3), counter(1));
        let dynamic = |c: &Arc<Counter>| Arc::downgrade(&(c.clone() as Arc<dyn Timed>));
        wheel.schedule(dynamic(&once), now() + Duration::from_secs(60));
        wheel.schedule(dynamic(&often), now() + Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(1990)).await;
        assert_eq!(often.calls.load(Ordering::Relaxed), 0, "never early");
        tokio::time::sleep(Duration::from_millis(110)).await;
        assert_eq!(often.calls.load(Ordering::Relaxed), 1, "an earlier deadline wakes the wheel");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(often.calls.load(Ordering::Relaxed), 3);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(once.calls.load(Ordering::Relaxed), 1);
        assert_eq!(wheel.lock().sleeps_for, None, "no deadline, no task");
        wheel.schedule(dynamic(&once), now());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(once.calls.load(Ordering::Relaxed), 2, "and it turns again");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_gone_is_swept_out_long_before_its_deadline() {
        let (wheel, alive) = (Wheel::current(), counter(1));
        let far = now() + Duration::from_secs(3600);
        for i in 0..100 * SWEEP_FROM {
            let timed = if i % SWEEP_FROM == 0 { alive.clone() } else { counter(1) };
            wheel.schedule(Arc::downgrade(&(timed as Arc<dyn Timed>)), far);
            assert!(wheel.lock().len <= SWEEP_FROM);
        }
        assert!(Arc::weak_count(&alive) >= 100, "those who live are not");
        tokio::time::sleep(Duration::from_secs(3601)).await;
        assert_eq!(alive.calls.load(Ordering::Relaxed), 100);
        assert_eq!(wheel.lock().len, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_gone_is_not_called_and_not_kept() {
        let (wheel, gone) = (Wheel::current(), counter(9));
        let weak = Arc::downgrade(&(gone.clone() as Arc<dyn Timed>));
        wheel.schedule(weak.clone(), now() + Duration::from_secs(1));
        drop(gone);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(weak.upgrade().is_none());
        assert!(wheel.lock().due.is_empty());
    }
}
