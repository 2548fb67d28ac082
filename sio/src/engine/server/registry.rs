//! The sessions of an engine by their id, and how many there are of each address. Looked at by HTTP requests, and when a session
//! opens or ends; never per message.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::Peer;
use super::census::Census;
use crate::engine::{Config, Household, Refusal, Sid};

pub(super) struct Registry {
    config: Arc<Config>,
    state: Mutex<State>,
    /// The engine shuts down.
    refusing: AtomicBool,
    /// Wakes who waits for the last session to end, and for the last answer to be written.
    emptied: Notify,
    /// GETs whose answers are waited for or being written.
    polls: AtomicUsize,
    /// The engine has shut down.
    ended: AtomicBool,
    /// Wakes HTTP connections that should end then.
    end: Notify,
}

#[derive(Default)]
struct State {
    sessions: HashMap<Sid, Place>,
    /// Sessions to be: admitted, and not yet among the others.
    opening: usize,
    census: Census,
}

struct Place {
    peer: Arc<Peer>,
    household: Option<Household>,
}

/// With room for fewer sessions than this the table keeps it when they are gone.
const SHRINK_FROM: usize = 256;

/// The right to open one session. Given back when it is dropped unused.
pub(super) struct Admission {
    registry: Arc<Registry>,
    household: Option<Household>,
    is_used: bool,
}

/// The id of a new session is that of another one.
pub(super) struct Taken;

impl Registry {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            state: Mutex::default(),
            refusing: AtomicBool::new(false),
            emptied: Notify::new(),
            polls: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// May another session open, from this address?
    pub(super) fn admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        now: Instant,
    ) -> Result<Admission, Refusal> {
        let limits = &self.config.addresses;
        let household = address.and_then(|address| limits.household(address));
        let mut state = self.lock();
        let count = state.sessions.len() + state.opening;
        if self.is_refusing() || count >= self.config.max_sessions {
            return Err(Refusal::Unavailable);
        }
        if let Some(household) = household
            && !state.census.enter(household, limits.max_sessions, limits.handshakes, now)
        {
            return Err(Refusal::TooMany);
        }
        state.opening += 1;
        Ok(Admission { registry: self.clone(), household, is_used: false })
    }

    /// Does the engine shut down?
    pub(super) fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Acquire)
    }

    pub(super) fn insert(
        &self,
        sid: Sid,
        peer: Arc<Peer>,
        mut admission: Admission,
    ) -> Result<(), Taken> {
        let mut state = self.lock();
        let household = admission.household;
        match state.sessions.entry(sid) {
            Entry::Vacant(entry) => entry.insert(Place { peer, household }),
            Entry::Occupied(_) => {
                // Giving back the admission takes the lock.
                drop(state);
                return Err(Taken);
            }
        };
        state.opening -= 1;
        admission.is_used = true;
        Ok(())
    }

    pub(super) fn get(&self, sid: &Sid) -> Option<Arc<Peer>> {
        self.lock().sessions.get(sid).map(|place| place.peer.clone())
    }

    pub(super) fn remove(&self, sid: &Sid) {
        let mut state = self.lock();
        let removed = state.sessions.remove(sid);
        if let Some(household) = removed.as_ref().and_then(|place| place.household) {
            state.census.leave(household);
        }
        // A crowd that is gone leaves no memory behind.
        let (room, taken) = (state.sessions.capacity(), state.sessions.len());
        if room > SHRINK_FROM && room / 8 > taken {
            state.sessions.shrink_to(2 * taken);
        }
        let is_empty = state.sessions.is_empty();
        // The last reference may drop code of the application, which must not happen under the lock.
        drop(state);
        drop(removed);
        if is_empty {
            self.emptied.notify_waiters();
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.lock().sessions.values().map(|place| place.peer.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    pub(super) fn refuse(&self) {
        self.refusing.store(true, Ordering::Release);
    }

    /// Ends the HTTP connections, too.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.end.notify_waiters();
    }

    /// Waits until no session is left, and what the last ones had to say has been written.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.len() == 0 && self.polls.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// To be kept until a GET has been answered: its session may be gone before the answer is written.
    pub(super) fn poll(self: &Arc<Self>) -> Polling {
        self.polls.fetch_add(1, Ordering::AcqRel);
        Polling(self.clone())
    }

    /// Waits until [`Self::end`].
    pub(super) async fn ended(&self) {
        let end = self.end.notified();
        if !self.ended.load(Ordering::Acquire) {
            end.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A GET that is not yet answered.
pub(super) struct Polling(Arc<Registry>);

impl Drop for Polling {
    fn drop(&mut self) {
        if self.0.polls.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut state = self.registry.lock();
        state.opening -= 1;
        if let Some(household) = self.household {
            state.census.leave(household);
        }
    }
}
