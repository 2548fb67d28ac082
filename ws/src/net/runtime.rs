//! One of something for each tokio runtime, shared by all connections that live on it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Handle, Id};

/// Keeps one `T` per runtime for as long as somebody holds it.
#[derive(Debug)]
pub struct PerRuntime<T>(Mutex<Vec<(Id, Weak<T>)>>);

impl<T> PerRuntime<T> {
    /// For a `static`.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The `T` of the runtime that this is called on, made if there is none.
    ///
    /// # Panics
    ///
    /// When called outside a tokio runtime.
    pub fn current(&self, make: impl FnOnce(Handle) -> T) -> Arc<T> {
        let handle = Handle::current();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) =
            all.iter().find(|(id, _)| *id == handle.id()).and_then(|(_, t)| t.upgrade())
        {
            return found;
        }
        all.retain(|(_, t)| t.strong_count() > 0);
        let id = handle.id();
        let made = Arc::new(make(handle));
        all.push((id, Arc::downgrade(&made)));
        made
    }
}

impl<T> Default for PerRuntime<T> {
    fn default() -> Self {
        Self::new()
    }
}
