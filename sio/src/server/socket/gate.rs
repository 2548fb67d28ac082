//! The way out of one socket: nothing leaves after its goodbye.
//!
//! Senders pass without a lock, and count while they do. Who closes the gate says goodbye at once if nobody is passing; else the last
//! one who was does. So nobody waits for anybody, and a send that ends the session may close the gate that it is passing.

use std::sync::atomic::{AtomicU32, Ordering};

/// Counts who passes in the lower bits.
#[derive(Debug, Default)]
pub(in crate::server) struct Gate(AtomicU32);

const CLOSED: u32 = 1 << 31;
/// A goodbye is still to be said.
const GOODBYE: u32 = 1 << 30;
const PASSING: u32 = GOODBYE - 1;

impl Gate {
    /// Begins to pass, unless it is closed. Then [`leave`](Self::leave) has to be called.
    pub(in crate::server) fn enter(&self) -> bool {
        let before = self.0.fetch_add(1, Ordering::AcqRel);
        if before & CLOSED != 0 {
            self.0.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        true
    }

    /// Has passed. Gives whether the caller has to say goodbye.
    #[must_use]
    pub(in crate::server) fn leave(&self) -> bool {
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        before & PASSING == 1 && before & GOODBYE != 0 && self.claim()
    }

    /// Nobody begins to pass any more. Gives whether the caller has to say goodbye, if that is to be said at all.
    #[must_use]
    pub(in crate::server) fn close(&self, goodbye: bool) -> bool {
        let flags = CLOSED | if goodbye { GOODBYE } else { 0 };
        let before = self.0.fetch_or(flags, Ordering::AcqRel);
        goodbye && before & PASSING == 0 && self.claim()
    }

    /// Is somebody passing, or a goodbye not yet said?
    pub(in crate::server) fn is_busy(&self) -> bool {
        self.0.load(Ordering::Acquire) & (PASSING | GOODBYE) != 0
    }

    /// One of those who find that nobody passes gets it.
    fn claim(&self) -> bool {
        self.0.fetch_and(!GOODBYE, Ordering::AcqRel) & GOODBYE != 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::Gate;

    #[test]
    fn goodbye_is_said_by_whoever_is_last() {
        let gate = Gate::default();
        assert!(gate.enter() && gate.enter());
        assert!(!gate.close(true), "two are passing");
        assert!(!gate.enter());
        assert!(!gate.leave() && gate.is_busy());
        assert!(gate.leave() && !gate.is_busy());
        assert!(!gate.enter());
    }

    #[test]
    fn a_gate_that_nobody_passes_is_closed_with_a_goodbye_or_without() {
        let gate = Gate::default();
        assert!(gate.enter() && !gate.leave());
        assert!(gate.close(true));
        assert!(!Gate::default().close(false));
    }

    #[test]
    fn nothing_is_sent_after_the_goodbye_and_it_is_said_once() {
        for _ in 0..200 {
            let (gate, goodbyes) = (Gate::default(), AtomicU32::new(0));
            let said = AtomicBool::new(false);
            let goodbye = || {
                said.store(true, Ordering::SeqCst);
                goodbyes.fetch_add(1, Ordering::SeqCst);
            };
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        while gate.enter() {
                            assert!(!said.load(Ordering::SeqCst), "sent after the goodbye");
                            if gate.leave() {
                                goodbye();
                            }
                        }
                    });
                }
                scope.spawn(|| {
                    std::thread::yield_now();
                    if gate.close(true) {
                        goodbye();
                    }
                });
            });
            assert_eq!(goodbyes.into_inner(), 1);
        }
    }
}
