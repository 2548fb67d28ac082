//! The open connections of a server, to be closed when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::net::Guard;
use crate::proto::CloseCode;
use crate::stream::Sender;

#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    senders: HashMap<u64, Sender>,
    next: u64,
    /// Set at the end: whoever comes later is closed at once.
    closing: Option<(CloseCode, &'static str)>,
}

/// A connection in the registry, taken out when this is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    registry: Arc<Registry>,
    key: u64,
    _guard: Guard,
}

/// A place that is kept for a connection.
#[derive(Debug)]
pub(super) struct Place {
    registry: Arc<Registry>,
    guard: Guard,
}

impl Place {
    pub(super) const fn new(registry: Arc<Registry>, guard: Guard) -> Self {
        Self { registry, guard }
    }

    /// Enters the connection of `sender`.
    pub(super) fn enter(self, sender: Sender) -> Entry {
        let mut inner = self.registry.lock();
        let key = inner.next;
        inner.next += 1;
        if let Some((code, reason)) = inner.closing {
            sender.close(code, reason);
        }
        inner.senders.insert(key, sender);
        drop(inner);
        Entry { registry: self.registry, key, _guard: self.guard }
    }
}

impl Registry {
    /// Closes every connection, those to come as well.
    pub(super) fn close(&self, code: CloseCode, reason: &'static str) {
        self.lock().closing = Some((code, reason));
        for sender in self.senders() {
            sender.close(code, reason);
        }
    }

    /// Drops every connection.
    pub(super) fn abort(&self) {
        for sender in self.senders() {
            sender.abort();
        }
    }

    /// A copy, so that no lock is held while the connections are spoken to.
    fn senders(&self) -> Vec<Sender> {
        self.lock().senders.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.lock().senders.remove(&self.key);
    }
}
