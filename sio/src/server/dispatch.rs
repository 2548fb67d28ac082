//! Events of one socket, one after the other.
//!
//! A handler is polled once where its event was received. Only if it has to wait is a task spawned, one for the socket, which
//! finishes it and then takes the events that came meanwhile from the queue. Acks and disconnections do not queue, so that a
//! handler may wait for an ack of its own client.

use std::collections::VecDeque;
use std::future::Future;
use std::task::{Context, Waker};

use super::Listener;
use super::state::Core;
use super::{Call, Socket};
use crate::emitter::Fired;
use crate::handler::Work;
use crate::packet::{Arguments, Packet, PacketRef};

/// While an ack is waited for, the queue may grow to this many times its limit before reading is paused: the ack would be
/// behind the pause.
const STRETCH: usize = 16;

/// An event, wherever its packet lies.
#[derive(Clone, Copy)]
struct Occurrence<'a> {
    event: &'a str,
    arguments: Arguments<'a>,
    ack: Option<u64>,
}

impl Socket {
    /// An event has come without attachments; it is copied only if it has to wait.
    pub(super) fn receive(&self, packet: &PacketRef<'_>) {
        let event = packet.event.as_deref().unwrap_or_default();
        let occurrence = Occurrence { event, arguments: packet.arguments(), ack: packet.id };
        self.handle_or_queue(occurrence, || packet.to_packet());
    }

    /// An event has come with all of its attachments.
    pub(super) fn receive_owned(&self, packet: &Packet) {
        self.handle_or_queue(Occurrence::of(packet), || packet.clone());
    }

    fn handle_or_queue(&self, event: Occurrence<'_>, own: impl FnOnce() -> Packet) {
        let mut core = self.inner().core();
        if core.busy {
            let packet = own();
            core.queued_bytes += packet.weight();
            core.queue.push_back(packet);
            self.regulate(&mut core);
            return;
        }
        core.busy = true;
        let fired = core.listeners.fire(event.event);
        drop(core);
        match self.begin(&fired, event) {
            Some(work) => self.spawn(self.clone().work(Some(work))),
            None if self.is_turn_over() => self.forget(),
            None => self.run(self.clone().work(None)),
        }
    }

    fn is_turn_over(&self) -> bool {
        let mut core = self.inner().core();
        core.busy = !core.queue.is_empty();
        !core.busy
    }

    /// Calls the listeners of an event; gives what is left of their work.
    fn begin(&self, fired: &Fired<Listener>, event: Occurrence<'_>) -> Option<Work> {
        if fired.is_empty() {
            tracing::debug!(
                event = event.event,
                namespace = self.namespace_name(),
                "nobody listens to this event"
            );
        }
        let mut call = Call::event_of(self, event.event, event.arguments, event.ack);
        let mut left: Option<Work> = None;
        for listener in fired.iter() {
            let Some(work) = listener(&mut call) else { continue };
            left = match left {
                None => poll_once(work),
                // The listener before has to finish first.
                Some(before) => Some(Box::pin(async move {
                    before.await;
                    work.await;
                })),
            };
        }
        left
    }

    /// Finishes `first`, then handles what waits until nothing does.
    pub(super) async fn work(self, first: Option<Work>) {
        if let Some(work) = first {
            work.await;
        }
        while let Some((packet, fired)) = self.next() {
            let left = self.begin(&fired, Occurrence::of(&packet));
            if let Some(work) = left {
                work.await;
            }
        }
        self.forget();
    }

    /// The next event in the queue, and who listens to it now; without one the turn is over.
    fn next(&self) -> Option<(Packet, Fired<Listener>)> {
        let mut core = self.inner().core();
        let Some(packet) = core.queue.pop_front() else {
            core.busy = false;
            // An idle socket owns no memory for events, however many have waited.
            core.queue = VecDeque::new();
            return None;
        };
        core.queued_bytes -= packet.weight();
        self.regulate(&mut core);
        let fired = core.listeners.fire(Occurrence::of(&packet).event);
        Some((packet, fired))
    }

    /// Drops the events that wait: the client has left, and come back before they were handled.
    pub(super) fn drop_queue(&self) {
        let mut core = self.inner().core();
        core.queue = VecDeque::new();
        core.queued_bytes = 0;
        self.regulate(&mut core);
    }

    /// Pauses and resumes reading from the client, by what waits.
    pub(super) fn regulate(&self, core: &mut Core) {
        let config = self.io().config();
        let stretch = if core.acks.is_empty() { 1 } else { STRETCH };
        let exceeds = |part: usize| {
            core.queue.len() * part >= config.max_queued_events * stretch
                || core.queued_bytes * part >= config.max_queued_bytes * stretch
        };
        let pause = if core.paused { exceeds(2) } else { exceeds(1) };
        if pause != core.paused {
            core.paused = pause;
            self.inner().client.pause(pause);
        }
    }

    /// Runs a future here as far as it goes without waiting, and the rest in a task. The caller may be any thread: a socket can
    /// be disconnected from outside the runtime.
    pub(super) fn run(&self, future: impl Future<Output = ()> + Send + 'static) {
        let _entered = self.inner().client.runtime.enter();
        if let Some(rest) = poll_once(Box::pin(future)) {
            self.spawn(rest);
        }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.inner().client.runtime.spawn(future);
    }
}

impl<'a> Occurrence<'a> {
    fn of(packet: &'a Packet) -> Self {
        let event = packet.event.as_deref().unwrap_or_default();
        Self { event, arguments: packet.arguments(), ack: packet.id }
    }
}

impl Packet {
    /// Bytes that it keeps while it waits.
    fn weight(&self) -> usize {
        let text =
            self.payload.len() + self.namespace.len() + self.event.as_deref().map_or(0, str::len);
        size_of::<Self>() + text + self.attachments.iter().map(bytes::Bytes::len).sum::<usize>()
    }
}

/// Polls work that nothing will wake: what is left is polled again by the task that takes it.
fn poll_once(mut work: Work) -> Option<Work> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending().then_some(work)
}
