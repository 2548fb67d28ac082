//! One task per runtime that writes out what was queued from outside.
//!
//! Whoever queues a frame on a connection puts the connection on a list and goes on. The flusher comes to its turn after the
//! task that did so, and writes once for each connection, however many frames were queued meanwhile; one wake-up serves them
//! all. It is also whom a socket wakes that can be written again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::link::Link;
use crate::net::PerRuntime;

/// After this many connections the flusher lets other tasks run.
const TURN: usize = 128;

static FLUSHERS: PerRuntime<Flusher> = PerRuntime::new();

/// The handle that connections hold. The task ends with the last of them.
#[derive(Debug)]
pub(super) struct Flusher(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    list: Mutex<Vec<Arc<Link>>>,
    wake: Notify,
    ended: AtomicBool,
}

impl Flusher {
    /// The flusher of the runtime that this is called on.
    pub(super) fn current() -> Arc<Self> {
        FLUSHERS.current(|handle| {
            let shared = Arc::new(Shared::default());
            // Writes are bounded by TURN; tokio's own budget would cut them short.
            handle.spawn(tokio::task::coop::unconstrained(shared.clone().run()));
            Self(shared)
        })
    }

    /// Has `link` flushed soon.
    pub(super) fn schedule(&self, link: Arc<Link>) {
        let first = {
            let mut list = self.0.lock();
            if self.0.ended.load(Ordering::Acquire) {
                // The runtime is gone, and nobody left to write.
                return;
            }
            list.push(link);
            list.len() == 1
        };
        if first {
            self.0.wake.notify_one();
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
        self.0.wake.notify_one();
    }
}

/// However the task ends, also with its runtime: connections that still wait on the list hold the flusher, which would keep
/// them and the list for ever.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let left = {
            let mut list = self.0.lock();
            self.0.ended.store(true, Ordering::Release);
            std::mem::take(&mut *list)
        };
        drop(left);
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        let _end = End(self.clone());
        let mut batch = Vec::new();
        while !self.ended.load(Ordering::Acquire) {
            self.wake.notified().await;
            std::mem::swap(&mut batch, &mut *self.lock());
            for (count, link) in batch.drain(..).enumerate() {
                if count % TURN == TURN - 1 {
                    tokio::task::yield_now().await;
                }
                link.flush_scheduled();
            }
        }
    }
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
