//! What comes in for one socket: events that wait for their turn, who listens to them, and who waits for answers.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::{Guard, Listener, OutgoingHook, Party};
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
    /// Events that are handled at a time.
    pub(crate) concurrency: usize,
}

/// Part of what a socket's lock guards, on either side.
pub(crate) struct Inbox<S: Party> {
    pub(crate) listeners: Listeners<Listener<S>>,
    /// Called before the socket leaves its rooms.
    pub(crate) on_disconnecting: Vec<Listener<S>>,
    pub(crate) on_disconnect: Vec<Listener<S>>,
    pub(crate) acks: Acks,
    /// Middleware, which events pass before their listeners.
    guards: Option<Arc<[Guard<S>]>>,
    /// See what is emitted. Most sockets have none.
    outgoing: Option<Box<Listeners<OutgoingHook>>>,
    /// Events that wait for their turn.
    queue: VecDeque<Packet>,
    queued_bytes: usize,
    /// How many turns there are: each handles one event after the other, so that others have to wait if there are enough.
    turns: usize,
    /// No turn begins yet.
    held: bool,
    /// Reading is paused on behalf of this socket.
    paused: bool,
    ended: bool,
}

/// What an event meets first.
pub(super) enum Turn<S: Party> {
    Listeners(Fired<Listener<S>>),
    Guards(Arc<[Guard<S>]>),
}

impl<S: Party> Inbox<S> {
    /// With `held`, events wait until [`release`](Self::release) is called.
    pub(crate) fn new(listeners: Listeners<Listener<S>>, held: bool) -> Self {
        Self {
            listeners,
            on_disconnecting: Vec::new(),
            on_disconnect: Vec::new(),
            acks: Acks::default(),
            guards: None,
            outgoing: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            turns: 0,
            held,
            paused: false,
            ended: false,
        }
    }

    pub(crate) fn queued_events(&self) -> usize {
        self.queue.len()
    }

    pub(crate) const fn is_busy(&self) -> bool {
        self.held || self.turns > 0
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

    /// Lets turns begin; gives how many [`work`](super::Endpoint::work) has to be called for.
    pub(crate) fn release(&mut self, bounds: Bounds) -> usize {
        self.held = false;
        self.turns = self.queue.len().clamp(1, bounds.concurrency);
        self.turns
    }

    /// Whether a turn begins: there is something to do, and not enough are at work.
    pub(crate) fn begin_turn(&mut self, bounds: Bounds) -> bool {
        let begins = !self.held && self.turns < bounds.concurrency && !self.queue.is_empty();
        self.turns += usize::from(begins);
        begins
    }

    /// A turn begins with an event that did not have to wait. `None` if it has to.
    pub(super) fn begin_with(&mut self, event: &str, bounds: Bounds) -> Option<Turn<S>> {
        if self.held || self.turns >= bounds.concurrency || !self.queue.is_empty() {
            return None;
        }
        self.turns += 1;
        Some(self.turn(event))
    }

    /// The next event in the queue, and what it meets; without one the turn is over.
    pub(super) fn next(&mut self) -> Option<(Packet, Turn<S>)> {
        let Some(packet) = self.queue.pop_front() else {
            self.turns -= 1;
            // An idle socket owns no memory for events, however many have waited.
            self.queue = VecDeque::new();
            return None;
        };
        self.queued_bytes -= packet.weight();
        let turn = self.turn(packet.event.as_deref().unwrap_or_default());
        Some((packet, turn))
    }

    fn turn(&mut self, event: &str) -> Turn<S> {
        match &self.guards {
            Some(guards) => Turn::Guards(guards.clone()),
            None => Turn::Listeners(self.listeners.fire(event)),
        }
    }

    /// Whether the first event of a turn was also the last.
    pub(super) fn is_turn_over(&mut self) -> bool {
        let over = self.queue.is_empty();
        self.turns -= usize::from(over);
        over
    }

    /// Adds a middleware behind the others.
    pub(crate) fn guard(&mut self, guard: Guard<S>) {
        let before = self.guards.iter().flat_map(|guards| guards.iter()).cloned();
        self.guards = Some(before.chain([guard]).collect());
    }

    /// Who sees what is emitted.
    pub(crate) fn outgoing(&mut self) -> &mut Listeners<OutgoingHook> {
        self.outgoing.get_or_insert_default()
    }

    /// Who sees what is emitted now, if anybody does.
    pub(crate) fn outgoing_hooks(&mut self) -> Option<Fired<OutgoingHook>> {
        self.outgoing.as_mut().map(|hooks| hooks.fire("")).filter(|hooks| !hooks.is_empty())
    }

    /// Takes out all that is the user's, once it can't be called any more, to be dropped without the lock.
    pub(crate) fn take_closures(&mut self) -> impl Sized + use<S> {
        (mem::take(&mut self.listeners), self.guards.take(), self.outgoing.take())
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
    pub(crate) fn end(&mut self) -> Ending<S> {
        self.ended = true;
        Ending {
            on_disconnecting: mem::take(&mut self.on_disconnecting),
            on_disconnect: mem::take(&mut self.on_disconnect),
            acks: mem::take(&mut self.acks),
        }
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

/// Whom the end of a socket concerns.
pub(crate) struct Ending<S: Party> {
    pub(crate) on_disconnecting: Vec<Listener<S>>,
    pub(crate) on_disconnect: Vec<Listener<S>>,
    /// Dropping them tells who waits.
    pub(crate) acks: Acks,
}

impl Packet {
    /// Bytes that it keeps while it waits.
    pub(crate) fn weight(&self) -> usize {
        let text =
            self.payload.len() + self.namespace.len() + self.event.as_deref().map_or(0, str::len);
        size_of::<Self>() + text + self.attachments.iter().map(bytes::Bytes::len).sum::<usize>()
    }
}
