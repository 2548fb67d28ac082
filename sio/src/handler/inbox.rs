//! What comes in for one socket: events that wait for their turn, who listens to them, and who waits for answers.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::{Listener, Party};
use crate::emitter::{Acks, Fired, Listeners};
use crate::packet::Packet;

/// While an ack is waited for, the queue may grow to this many times its limit before reading is paused: the ack would be
/// behind the pause.
const STRETCH: usize = 16;

/// How much may wait, and how long; from the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) queued_events: usize,
    pub(crate) queued_bytes: usize,
    pub(crate) pending_acks: usize,
    pub(crate) ack_timeout: Duration,
}

/// Part of what a socket's lock guards, on either side.
pub(crate) struct Inbox<S: Party> {
    pub(crate) listeners: Listeners<Listener<S>>,
    pub(crate) on_disconnect: Vec<Listener<S>>,
    pub(crate) acks: Acks,
    /// Events that wait for their turn.
    queue: VecDeque<Packet>,
    queued_bytes: usize,
    /// A handler is at work, so that events have to wait.
    busy: bool,
    /// Reading is paused on behalf of this socket.
    paused: bool,
    ended: bool,
}

impl<S: Party> Inbox<S> {
    /// With `busy`, events wait until [`Endpoint::work`](super::Endpoint::work) is called.
    pub(crate) fn new(listeners: Listeners<Listener<S>>, busy: bool) -> Self {
        Self {
            listeners,
            on_disconnect: Vec::new(),
            acks: Acks::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            busy,
            paused: false,
            ended: false,
        }
    }

    pub(crate) fn queued_events(&self) -> usize {
        self.queue.len()
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.busy
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        self.queued_bytes += packet.weight();
        self.queue.push_back(packet);
    }

    /// Puts events back that came before all that wait.
    pub(crate) fn put_back(&mut self, packets: Vec<Packet>) {
        for packet in packets.into_iter().rev() {
            self.queued_bytes += packet.weight();
            self.queue.push_front(packet);
        }
    }

    /// Whether a turn begins: nobody is at work, and there is something to do.
    pub(crate) fn begin_turn(&mut self) -> bool {
        let begins = !self.busy && !self.queue.is_empty();
        self.busy |= begins;
        begins
    }

    /// A turn begins with an event that did not have to wait. `None` if it has to.
    pub(super) fn begin_with(&mut self, event: &str) -> Option<Fired<Listener<S>>> {
        if self.busy {
            return None;
        }
        self.busy = true;
        Some(self.listeners.fire(event))
    }

    /// The next event in the queue, and who listens to it now; without one the turn is over.
    pub(super) fn next(&mut self) -> Option<(Packet, Fired<Listener<S>>)> {
        let Some(packet) = self.queue.pop_front() else {
            self.busy = false;
            // An idle socket owns no memory for events, however many have waited.
            self.queue = VecDeque::new();
            return None;
        };
        self.queued_bytes -= packet.weight();
        let fired = self.listeners.fire(packet.event.as_deref().unwrap_or_default());
        Some((packet, fired))
    }

    /// Whether the first event of a turn was also the last.
    pub(super) fn is_turn_over(&mut self) -> bool {
        self.busy = !self.queue.is_empty();
        !self.busy
    }

    /// Answers to events that wait are wanted no more.
    pub(crate) fn forget_ack_ids(&mut self) {
        self.queue.iter_mut().for_each(|packet| packet.id = None);
    }

    /// The events that wait, to be dropped without the lock.
    pub(crate) fn take_queue(&mut self) -> VecDeque<Packet> {
        self.queued_bytes = 0;
        mem::take(&mut self.queue)
    }

    /// The socket is disconnected: no events or answers come any more, and those that wait are still handled. Gives who is to be
    /// told, and who waits for answers, to be dropped without the lock.
    pub(crate) fn end(&mut self) -> (Vec<Listener<S>>, Acks) {
        self.ended = true;
        (mem::take(&mut self.on_disconnect), mem::take(&mut self.acks))
    }

    /// Whether reading has to be paused or resumed now, by what waits.
    pub(super) fn regulate(&mut self, bounds: Bounds) -> Option<bool> {
        let stretch = if self.acks.is_empty() { 1 } else { STRETCH };
        let exceeds = |part: usize| {
            self.queue.len().saturating_mul(part) >= bounds.queued_events.saturating_mul(stretch)
                || self.queued_bytes.saturating_mul(part)
                    >= bounds.queued_bytes.saturating_mul(stretch)
        };
        // Nothing more comes for a socket that has ended: the others must not wait for it.
        let pause = !self.ended && if self.paused { exceeds(2) } else { exceeds(1) };
        let changed = pause != self.paused;
        self.paused = pause;
        changed.then_some(pause)
    }
}

impl Packet {
    /// Bytes that it keeps while it waits.
    pub(crate) fn weight(&self) -> usize {
        let text =
            self.payload.len() + self.namespace.len() + self.event.as_deref().map_or(0, str::len);
        size_of::<Self>() + text + self.attachments.iter().map(bytes::Bytes::len).sum::<usize>()
    }
}
