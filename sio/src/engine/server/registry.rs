//! The sessions of an engine by their id. Looked at by HTTP requests, and when a session opens or ends; never per message.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Peer;
use crate::engine::Sid;

pub(super) struct Registry {
    sessions: Mutex<HashMap<Sid, Arc<Peer>>>,
    max: usize,
    /// The engine shuts down.
    refusing: AtomicBool,
    /// Wakes who waits for the last session to end.
    emptied: Notify,
    /// The engine has shut down.
    ended: AtomicBool,
    /// Wakes HTTP connections that should end then.
    end: Notify,
}

impl Registry {
    pub(super) fn new(max: usize) -> Self {
        Self {
            sessions: Mutex::default(),
            max,
            refusing: AtomicBool::new(false),
            emptied: Notify::new(),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// May another session open?
    pub(super) fn has_room(&self) -> bool {
        !self.refusing.load(Ordering::Acquire) && self.lock().len() < self.max
    }

    pub(super) fn insert(&self, sid: Sid, peer: Arc<Peer>) {
        self.lock().insert(sid, peer);
    }

    pub(super) fn get(&self, sid: &Sid) -> Option<Arc<Peer>> {
        self.lock().get(sid).cloned()
    }

    pub(super) fn remove(&self, sid: &Sid) {
        let mut sessions = self.lock();
        let removed = sessions.remove(sid);
        let empty = sessions.is_empty();
        // The last reference may drop code of the application, which must not happen under the lock.
        drop(sessions);
        drop(removed);
        if empty {
            self.emptied.notify_waiters();
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn refuse(&self) {
        self.refusing.store(true, Ordering::Release);
    }

    /// Ends the HTTP connections, too.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.end.notify_waiters();
    }

    /// Waits until no session is left.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Waits until [`Self::end`].
    pub(super) async fn ended(&self) {
        let end = self.end.notified();
        if !self.ended.load(Ordering::Acquire) {
            end.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sid, Arc<Peer>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
