//! A [`Socket`] as its events see it; the rest of that is in [`Endpoint`]. Only a client keeps events that nobody listens to yet.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use ws::net::Wheel;

use super::state::Core;
use super::{EmitError, Listener, Socket};
use crate::emitter::{ListenerId, Listeners};
use crate::engine::Outgoing;
use crate::handler::{Bounds, Endpoint, Inbox};
use crate::packet::{Incoming, Packet, Parser};

/// Events that may wait for somebody to listen to them.
const MAX_EARLY: usize = 64;

impl Endpoint for Socket {
    fn with_inbox<T>(&self, code: impl FnOnce(&mut Inbox<Self>) -> T) -> T {
        code(&mut self.inner().core().inbox)
    }

    fn bounds(&self) -> Bounds {
        let config = self.inner().connection.config();
        Bounds {
            queued_events: config.max_queued_events,
            queued_bytes: config.max_queued_bytes,
            pending_acks: config.max_pending_acks,
            ack_timeout: config.ack_timeout,
            concurrency: 1,
        }
    }

    fn pause(&self, pause: bool) {
        self.inner().connection.pause(pause);
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.inner().runtime.spawn(future);
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        let deadline = Wheel::deadline(time).into();
        async move { sleep_until(deadline).await }
    }

    fn next_ack_id(&self) -> u64 {
        self.inner().ack_ids.next()
    }

    fn parser(&self) -> Option<Arc<dyn Parser>> {
        self.inner().connection.config().parser.clone()
    }

    fn namespace(&self) -> &str {
        self.namespace_name()
    }

    fn check_open(&self) -> Result<(), EmitError> {
        if self.connected() { Ok(()) } else { Err(EmitError::Disconnected) }
    }

    fn send_all(&self, messages: &[Outgoing], volatile: bool) -> Result<bool, EmitError> {
        let connection = &self.inner().connection;
        if volatile && connection.buffered_bytes() > 0 {
            return Ok(false);
        }
        connection.send_all(messages)?;
        Ok(true)
    }

    fn handle_unheard(&self, packet: Incoming<'_>) {
        let mut core = self.inner().core();
        if core.early_until.is_some_and(|until| Instant::now() < until)
            && core.early.len() < MAX_EARLY
        {
            let packet = packet.into_packet();
            let bytes = core.early.iter().map(Packet::weight).sum::<usize>() + packet.weight();
            if bytes <= self.inner().connection.config().max_queued_bytes {
                return core.early.push(packet);
            }
            return drop(core);
        }
        drop(core);
        let event = packet.event();
        tracing::debug!(event, namespace = self.namespace_name(), "nobody listens to this event");
    }

    /// Closures of a socket that is disconnected are dropped, so that one that holds its own socket leaks nothing.
    fn handle_idle(&self) {
        let mut core = self.inner().core();
        if core.phase.is_over() && !core.inbox.is_busy() {
            let garbage = core.inbox.take_closures();
            drop(core);
            drop(garbage);
        }
    }
}

impl Socket {
    /// Adds a listener, for which events may have come already.
    pub(super) fn listen(
        &self,
        add: impl FnOnce(&mut Listeners<Listener>) -> ListenerId,
    ) -> ListenerId {
        let mut core = self.inner().core();
        let id = add(&mut core.inbox.listeners);
        self.replay(&mut core);
        drop(core);
        // If it will never be called.
        self.handle_idle();
        id
    }

    /// What came early gets another turn, before all that came later. What still nobody listens to is early again.
    fn replay(&self, core: &mut Core) {
        let early = mem::take(&mut core.early);
        if core.early_until.is_none_or(|until| until < Instant::now()) {
            return;
        }
        core.inbox.put_back(early);
        let bounds = self.bounds();
        if core.inbox.begin_turn(bounds) {
            self.spawn(self.clone().work(None));
        }
    }
}
