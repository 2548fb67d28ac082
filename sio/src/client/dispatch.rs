//! Events of one socket, one after the other: a task takes them from the queue while there are any. Acks and disconnections do
//! not queue, so that a handler may wait for an ack.

use std::sync::Arc;

use tokio::time::Instant;

use super::state::{Core, Inner};
use super::{Call, Socket};
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
        core.queue.push_back(packet);
        self.regulate(&mut core);
        self.start(&mut core);
    }

    /// Somebody listens to this event now, or to all: those that came before are theirs.
    pub(super) fn replay(self: &Arc<Self>, core: &mut Core, event: Option<&str>) {
        let early = std::mem::take(&mut core.early);
        if core.early_until.is_none_or(|until| until < Instant::now()) {
            return;
        }
        let wanted = |packet: &Packet| event.is_none() || packet.event.as_deref() == event;
        let (wanted, kept): (Vec<_>, Vec<_>) = early.into_iter().partition(wanted);
        core.early = kept;
        // They came before all that is in the queue.
        for packet in wanted.into_iter().rev() {
            core.queue.push_front(packet);
        }
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
    fn next_event(&self) -> Option<Packet> {
        let mut core = self.core();
        let packet = core.queue.pop_front();
        core.busy = packet.is_some();
        self.regulate(&mut core);
        packet
    }

    fn keep_early(&self, packet: Packet) {
        let mut core = self.core();
        if core.early.len() < MAX_EARLY
            && core.early_until.is_some_and(|until| Instant::now() < until)
        {
            core.early.push(packet);
        } else {
            drop(core);
            tracing::debug!(
                event = packet.event.as_deref(),
                namespace = self.namespace(),
                "nobody listens to this event"
            );
        }
    }
}

async fn work(socket: Socket) {
    while let Some(packet) = socket.inner().next_event() {
        let Some(works) = begin(&socket, &packet) else {
            socket.inner().keep_early(packet);
            continue;
        };
        for work in works {
            work.await;
        }
    }
}

/// Calls the listeners of an event; gives what is left of their work. `None` if there are none.
fn begin(socket: &Socket, packet: &Packet) -> Option<Vec<Work>> {
    let event = packet.event.as_deref().unwrap_or_default();
    let fired = socket.inner().core().listeners.fire(event);
    if fired.is_empty() {
        return None;
    }
    let mut call = Call::event_of(socket, event, packet.arguments(), packet.id);
    Some(fired.iter().filter_map(|listener| listener(&mut call)).collect())
}
