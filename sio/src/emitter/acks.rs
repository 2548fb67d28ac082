//! Answers that are waited for: each is resolved exactly once - by the answer, by a timeout or by the end of the connection.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::packet::Arguments;

/// Ids for events that ask for an answer, from 0 on (rule 27).
///
/// A server has one per namespace, so that all receivers of a broadcast answer to one id; a client one per socket.
#[derive(Debug, Default)]
pub struct AckIds(AtomicU64);

impl AckIds {
    /// The next id. Wraps before 2^53, where a JavaScript peer would lose count.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) & ((1 << 53) - 1)
    }
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AckError {
    /// It did not come in time.
    Timeout,
    /// The socket was disconnected before it came.
    Disconnected,
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no answer in time",
            Self::Disconnected => "disconnected before the answer came",
        })
    }
}

impl std::error::Error for AckError {}

/// More answers are waited for than allowed. The waiter that found no room comes back, unresolved.
pub struct TooManyAcks(pub Waiter);

impl fmt::Debug for TooManyAcks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TooManyAcks")
    }
}

type Callback = Box<dyn FnOnce(Result<Arguments<'_>, AckError>) + Send>;

/// Called once with the answer, which it reads in place, or with the reason why there is none.
///
/// Dropping it resolves it with [`AckError::Disconnected`]: whoever waits never waits for ever.
pub struct Waiter(Option<Callback>);

impl Waiter {
    /// Wraps the callback. It must be short: it runs where the answer is received.
    pub fn new(callback: impl FnOnce(Result<Arguments<'_>, AckError>) + Send + 'static) -> Self {
        Self(Some(Box::new(callback)))
    }

    /// Drops it without calling it: whoever waits has been told otherwise.
    pub fn forget(mut self) {
        self.0 = None;
    }

    /// Calls it.
    pub fn resolve(mut self, answer: Result<Arguments<'_>, AckError>) {
        if let Some(callback) = self.0.take() {
            callback(answer);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(AckError::Disconnected));
        }
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiter")
    }
}

/// Who waits for which answer, on one socket. Bounded, because a peer that never answers costs memory.
///
/// Dropping it resolves all that wait with [`AckError::Disconnected`].
#[derive(Debug, Default)]
pub struct Acks {
    /// A tree, because an empty one is three words and owns no memory: most sockets wait for nothing.
    waiting: BTreeMap<u64, Waiter>,
}

impl Acks {
    /// Waits for the answer with `id`, together with at most `max - 1` others.
    ///
    /// # Errors
    /// [`TooManyAcks`] if so many are waited for, or somebody already waits for this id.
    pub fn insert(&mut self, id: u64, waiter: Waiter, max: usize) -> Result<(), TooManyAcks> {
        if self.waiting.len() >= max || self.waiting.contains_key(&id) {
            return Err(TooManyAcks(waiter));
        }
        self.waiting.insert(id, waiter);
        Ok(())
    }

    /// Ends the wait for `id`: the caller resolves the waiter, without the lock that guards `self`. `None` for an id that
    /// nobody waits for (any more): such an answer is ignored (rule 27).
    #[must_use = "a waiter that is dropped is resolved as disconnected"]
    pub fn take(&mut self, id: u64) -> Option<Waiter> {
        self.waiting.remove(&id)
    }

    /// Whether somebody waits for `id`.
    pub fn waits_for(&self, id: u64) -> bool {
        self.waiting.contains_key(&id)
    }

    /// How many answers are waited for.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none is waited for.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::{AckError, AckIds, Acks, TooManyAcks, Waiter};
    use crate::packet::{Limits, PacketRef};

    fn waiter() -> (Waiter, Receiver<Result<String, AckError>>) {
        let (sender, receiver) = channel();
        let waiter = Waiter::new(move |answer| {
            let _ = sender.send(answer.map(|arguments| arguments.json().to_owned()));
        });
        (waiter, receiver)
    }

    #[test]
    fn rule_27_ids_count_from_zero() {
        let ids = AckIds::default();
        assert_eq!([ids.next(), ids.next(), ids.next()], [0, 1, 2]);
    }

    #[test]
    fn rule_27_an_answer_resolves_its_waiter_once_and_unknown_ids_are_ignored() {
        let mut acks = Acks::default();
        let (waiter, resolved) = waiter();
        acks.insert(5, waiter, 10).unwrap();
        assert!(acks.take(4).is_none());
        let packet = PacketRef::decode("35[1]", &Limits::default()).unwrap();
        acks.take(5).unwrap().resolve(Ok(packet.arguments()));
        assert!(acks.take(5).is_none() && acks.is_empty());
        assert_eq!(resolved.iter().collect::<Vec<_>>(), [Ok("[1]".to_owned())]);
    }

    #[test]
    fn the_end_of_the_socket_resolves_all_that_wait() {
        let mut acks = Acks::default();
        let (first, second) = (waiter(), waiter());
        acks.insert(0, first.0, 10).unwrap();
        acks.insert(1, second.0, 10).unwrap();
        drop(acks);
        assert_eq!(first.1.recv().unwrap(), Err(AckError::Disconnected));
        assert_eq!(second.1.recv().unwrap(), Err(AckError::Disconnected));
    }

    #[test]
    fn a_timeout_resolves_and_forgets() {
        let mut acks = Acks::default();
        let (waiter, resolved) = waiter();
        acks.insert(0, waiter, 1).unwrap();
        acks.take(0).unwrap().resolve(Err(AckError::Timeout));
        assert_eq!((resolved.recv().unwrap(), acks.len()), (Err(AckError::Timeout), 0));
    }

    #[test]
    fn the_number_of_waiters_is_bounded_and_the_refused_one_comes_back() {
        let mut acks = Acks::default();
        let (first, second) = (waiter(), waiter());
        acks.insert(0, first.0, 1).unwrap();
        let TooManyAcks(refused) = acks.insert(1, second.0, 1).unwrap_err();
        assert!(second.1.try_recv().is_err() && acks.len() == 1);
        refused.resolve(Err(AckError::Timeout));
        assert_eq!(second.1.recv().unwrap(), Err(AckError::Timeout));
    }
}
