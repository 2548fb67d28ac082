//! Events of one socket, one after the other: a task takes them from the queue while there are any. Acks and disconnections do
//! not queue, so that a handler may wait for an ack.

use std::sync::Arc;

use tokio::time::Instant;

use super::state::{Arrival, Core, Inner};
use super::{Call, Listener, Socket};
use crate::emitter::Fired;
use crate::handler::Work;
use crate::packet::Packet;

/// While an ack is waited for, the queue may grow to this many times its limit before reading is paused: the ack would be
/// behind the pause.
const STRETCH: usize = 16;

/// Events that may wait for somebody to listen to them.
const MAX_EARLY: usize = 64;

impl Inner {
    /// An event has come.
    pub(super) fn handle_event(self: &Arc<Self>, packet: Packet) {
        let mut core = self.core();
        if core.phase.is_over() {
            return;
        }
        core.arrivals += 1;
        let number = core.arrivals;
        core.queue.push_back(Arrival { number, packet });
        self.regulate(&mut core);
        self.start(&mut core);
    }

    /// Somebody listens to this event now, or to all: those that came before are theirs.
    pub(super) fn replay(self: &Arc<Self>, core: &mut Core, event: Option<&str>) {
        let early = std::mem::take(&mut core.early);
        if core.early_until.is_none_or(|until| until < Instant::now()) {
            return;
        }
        let wanted = |early: &Arrival| event.is_none() || early.packet.event.as_deref() == event;
        let (wanted, kept): (Vec<_>, Vec<_>) = early.into_iter().partition(wanted);
        core.early = kept;
        core.queue.extend(wanted);
        // In the order in which they came, as ever.
        core.queue.make_contiguous().sort_by_key(|arrival| arrival.number);
        self.start(core);
    }

    fn start(self: &Arc<Self>, core: &mut Core) {
        if !core.busy && !core.queue.is_empty() {
            core.busy = true;
            self.runtime.spawn(work(Socket::new(self.clone())));
        }
    }

    /// Pauses and resumes reading from the server, by what waits.
    pub(super) fn regulate(&self, core: &mut Core) {
        let stretch = if core.acks.is_empty() { 1 } else { STRETCH };
        let limit = self.connection.config().max_queued_events.saturating_mul(stretch);
        let waiting = core.queue.len();
        let pause = if core.paused { waiting * 2 >= limit } else { waiting >= limit };
        if pause != core.paused {
            core.paused = pause;
            self.connection.pause(pause);
        }
    }

    /// The next event in the queue; without one the turn is over.
    fn next_event(&self) -> Option<Arrival> {
        let mut core = self.core();
        let arrival = core.queue.pop_front();
        core.busy = arrival.is_some();
        self.regulate(&mut core);
        arrival
    }

    /// The listeners of an event; one that has none may be kept for later.
    fn fire(&self, arrival: Arrival) -> Option<(Fired<Listener>, Arrival)> {
        let mut core = self.core();
        let fired = core.listeners.fire(arrival.packet.event.as_deref().unwrap_or_default());
        if !fired.is_empty() {
            return Some((fired, arrival));
        }
        let is_early = core.early_until.is_some_and(|until| Instant::now() < until);
        if is_early && core.early.len() < MAX_EARLY {
            core.early.push(arrival);
        } else {
            drop(core);
            let event = arrival.packet.event.as_deref();
            tracing::debug!(event, namespace = self.namespace(), "nobody listens to this event");
        }
        None
    }
}

async fn work(socket: Socket) {
    while let Some(arrival) = socket.inner().next_event() {
        let Some((fired, arrival)) = socket.inner().fire(arrival) else { continue };
        for work in begin(&socket, &fired, &arrival.packet) {
            work.await;
        }
    }
}

/// Calls the listeners of an event; gives what is left of their work.
fn begin(socket: &Socket, fired: &Fired<Listener>, packet: &Packet) -> Vec<Work> {
    let event = packet.event.as_deref().unwrap_or_default();
    let mut call = Call::event_of(socket, event, packet.arguments(), packet.id);
    fired.iter().filter_map(|listener| listener(&mut call)).collect()
}
