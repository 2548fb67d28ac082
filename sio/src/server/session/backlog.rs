//! What waits for a client that does not keep up, where the settings say that the oldest events make room for newer ones
//! ([`SlowReceiver::DropOldest`](crate::server::SlowReceiver::DropOldest)).
//!
//! The transport's own buffer can't give back what it has taken: it comes first, and this queue of whole packets behind it. A task
//! moves them on for as long as there are any, and nobody passes them meanwhile.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client::Client;
use crate::engine::{Outgoing, SendError};
use crate::handler::How;

/// What may become of messages for which the transport has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Worth {
    /// They are worthless when late.
    Volatile,
    /// Newer ones may take their place.
    Droppable,
    /// The client must not miss them.
    Needed,
    /// They come again when there is room.
    Patient,
}

impl Worth {
    /// Of an event that asks for no answer.
    pub(in crate::server) const fn of(how: How) -> Self {
        match how {
            How { volatile: true, .. } => Self::Volatile,
            How { waits: true, .. } => Self::Patient,
            _ => Self::Droppable,
        }
    }
}

/// The packets that wait for one client.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    state: Mutex<State>,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Waiting>,
    bytes: usize,
    /// A task moves them on: whoever sends has to queue.
    is_moving: bool,
}

#[derive(Debug)]
struct Waiting {
    messages: Box<[Outgoing]>,
    is_droppable: bool,
}

impl Waiting {
    fn len(&self) -> usize {
        self.messages.iter().map(Outgoing::len).sum()
    }
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Queues a packet; gives how many were dropped for it. It is taken while less than `limit` waits, as elsewhere.
    fn push(&mut self, packet: Waiting, limit: usize) -> Result<u64, SendError> {
        let mut dropped = 0;
        while self.bytes >= limit {
            let Some(oldest) = self.queue.iter().position(|packet| packet.is_droppable) else {
                return Err(SendError::Full);
            };
            let gone = self.queue.remove(oldest);
            self.bytes -= gone.as_ref().map_or(0, Waiting::len);
            dropped += 1;
        }
        self.bytes += packet.len();
        self.queue.push_back(packet);
        Ok(dropped)
    }

    fn pop(&mut self) -> Option<Waiting> {
        let next = self.queue.pop_front();
        match &next {
            Some(packet) => self.bytes -= packet.len(),
            // A client that keeps up owns no memory for those that did not.
            None => *self = Self::default(),
        }
        next
    }

    fn put_back(&mut self, packet: Waiting) {
        self.bytes += packet.len();
        self.queue.push_front(packet);
    }
}

impl Client {
    /// Sends messages with nothing between them, behind all that wait. Gives whether they were sent, or wait.
    pub(in crate::server) fn send(
        self: &Arc<Self>,
        messages: &[Outgoing],
        worth: Worth,
    ) -> Result<bool, SendError> {
        let is_behind = self.is_behind();
        let sent = match worth {
            Worth::Volatile if is_behind => return Ok(false),
            Worth::Volatile => return self.handle.send_volatile(messages),
            _ if is_behind => Err(SendError::Full),
            _ => self.handle.send_all(messages),
        };
        match (&self.backlog, sent) {
            (Some(backlog), Err(SendError::Full)) if worth != Worth::Patient => {
                self.put_behind(backlog, messages, worth == Worth::Droppable)
            }
            (_, sent) => sent,
        }
        .map(|()| true)
    }

    fn put_behind(
        self: &Arc<Self>,
        backlog: &Backlog,
        messages: &[Outgoing],
        is_droppable: bool,
    ) -> Result<(), SendError> {
        let packet = Waiting { messages: messages.into(), is_droppable };
        let mut state = backlog.state();
        let dropped = state.push(packet, self.io.config().engine.max_buffered_bytes)?;
        let begins = !std::mem::replace(&mut state.is_moving, true);
        drop(state);
        if dropped > 0 {
            backlog.dropped.fetch_add(dropped, Ordering::Relaxed);
            tracing::debug!(dropped, session = ?self.handle, "events were dropped: the client does not keep up");
        }
        if begins {
            self.runtime.spawn(self.clone().move_on());
        }
        Ok(())
    }

    /// Sends what waits as there is room, until nothing does or the client is gone.
    async fn move_on(self: Arc<Self>) {
        let Some(backlog) = &self.backlog else { return };
        // A send may end the session, and come back here.
        loop {
            let Some(next) = backlog.state().pop() else { return };
            match self.handle.send_all(&next.messages) {
                Err(SendError::Full) => {
                    backlog.state().put_back(next);
                    self.handle.ready().await;
                }
                Err(SendError::Closed) => return *backlog.state() = State::default(),
                Ok(()) | Err(SendError::TooLarge) => {}
            }
        }
    }

    /// Bytes that wait for it.
    pub(in crate::server) fn buffered_bytes(&self) -> usize {
        let behind = self.backlog.as_ref().map_or(0, |backlog| backlog.state().bytes);
        self.handle.buffered_bytes() + behind
    }

    /// How many events have been dropped for newer ones.
    pub(in crate::server) fn dropped(&self) -> u64 {
        self.backlog.as_ref().map_or(0, |backlog| backlog.dropped.load(Ordering::Relaxed))
    }

    /// Waits until the transport has room and nothing waits before, or the client is gone.
    pub(in crate::server) async fn ready(&self) {
        self.handle.ready().await;
        while self.is_behind() {
            // The task that moves them on waits for the same.
            tokio::task::yield_now().await;
            self.handle.ready().await;
        }
    }

    /// Waits until the client has taken all that was sent, or is gone.
    pub(in crate::server) async fn drained(&self) {
        self.handle.drained().await;
        while self.is_behind() {
            tokio::task::yield_now().await;
            self.handle.drained().await;
        }
    }

    fn is_behind(&self) -> bool {
        self.backlog.as_ref().is_some_and(|backlog| backlog.state().is_moving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(text: &str, is_droppable: bool) -> Waiting {
        let message = Outgoing::text(|out| out.push_str(text));
        Waiting { messages: [message.clone(), message].into(), is_droppable }
    }

    fn rest(state: &mut State) -> Vec<String> {
        let text = |packet: Waiting| packet.messages[0].as_text().unwrap_or_default().to_owned();
        std::iter::from_fn(|| state.pop()).map(text).collect()
    }

    #[test]
    fn the_oldest_that_may_be_dropped_makes_room_and_the_others_stay_in_order() {
        let mut state = State::default();
        for (text, is_droppable) in [("a", true), ("b", false), ("c", true)] {
            assert_eq!(state.push(packet(text, is_droppable), 100).unwrap(), 0);
        }
        assert_eq!((state.bytes, state.push(packet("d", true), 12).unwrap()), (12, 1));
        assert_eq!(state.push(packet("e", false), 5).unwrap(), 2);
        assert!(matches!(state.push(packet("f", true), 5), Err(SendError::Full)));
        let first = state.pop().unwrap();
        state.put_back(first);
        assert_eq!((rest(&mut state), state.bytes), (vec!["4b".into(), "4e".into()], 0));
    }

    #[test]
    fn a_packet_is_taken_whole_however_large() {
        let mut state = State::default();
        assert_eq!(state.push(packet(&"x".repeat(1000), true), 10).unwrap(), 0);
        assert_eq!(state.push(packet("y", true), 10).unwrap(), 1);
        assert_eq!(rest(&mut state), ["4y"]);
    }
}
