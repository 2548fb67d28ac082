//! Tasks that wait for something of a connection: room for what they send, everything to be written, or the end.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::link::Link;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Room for one more message, or that no more can be sent.
    Room,
    /// Nothing waits to be written, or the connection has ended.
    Drained,
}

/// A place among those who wait.
pub(super) type Place = u64;

/// The place of the socket itself, whose methods are polled: one task at a time.
pub(super) const SOCKET: Place = 0;

/// Those who wait, in the order in which they came. Who gives up waiting leaves nothing behind.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    wakers: BTreeMap<Place, Waker>,
    /// As many places were given away.
    last: Place,
}

impl Waiting {
    /// A place of one's own.
    pub(super) const fn enter(&mut self) -> Place {
        self.last += 1;
        self.last
    }

    pub(super) fn register(&mut self, place: Place, waker: &Waker) {
        self.wakers.entry(place).or_insert_with(|| waker.clone()).clone_from(waker);
    }

    pub(super) fn leave(&mut self, place: Place) -> Option<Waker> {
        self.wakers.remove(&place)
    }

    pub(super) fn wake_all(&mut self) {
        for waker in std::mem::take(&mut self.wakers).into_values() {
            waker.wake();
        }
    }
}

/// Ready when what it waits for has come.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    link: &'a Arc<Link>,
    until: Until,
    place: Option<Place>,
}

impl<'a> Wait<'a> {
    pub(super) const fn new(link: &'a Arc<Link>, until: Until) -> Self {
        Self { link, until, place: None }
    }
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.link.poll_until(cx, this.until, &mut this.place)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.link.stop_waiting(place);
        }
    }
}
