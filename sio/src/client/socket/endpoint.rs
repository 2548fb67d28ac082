//! A [`Socket`] as its events see it; the rest of that is in [`Endpoint`]. Only a client keeps events that nobody listens to yet.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use ws::net::Wheel;

use super::inner::{Core, Inner};
use crate::client::{EmitError, HandlerError, Listener, Socket};
use crate::emitter::{ListenerId, Listeners};
use crate::engine::Outgoing;
use crate::handler::{self, Bounds, Encode, Endpoint, How, Inbox, Replies, frame};
use crate::packet::{Incoming, Packet, Parser};

impl Endpoint for Socket {
    fn with_inbox<T>(&self, code: impl FnOnce(&mut Inbox<Self>) -> T) -> T {
        code(&mut self.inner().core().inbox)
    }

    fn bounds(&self) -> Bounds {
        let config = self.inner().manager.config();
        Bounds {
            queued_events: config.max_queued_events,
            queued_bytes: config.max_queued_bytes,
            pending_acks: config.max_pending_acks,
            // With retries the queue knows when an answer does not come.
            ack_timeout: if config.retries.is_some() { Duration::MAX } else { config.ack_timeout },
            concurrency: config.handler_concurrency,
        }
    }

    fn pause(&self, pause: bool) {
        self.inner().manager.pause(pause);
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.inner().manager.runtime().spawn(future);
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        let deadline = Wheel::deadline(time).into();
        async move { sleep_until(deadline).await }
    }

    fn next_ack_id(&self) -> u64 {
        self.inner().ack_ids.next()
    }

    fn parser(&self) -> Option<Arc<dyn Parser>> {
        self.inner().manager.config().parser.clone()
    }

    fn namespace(&self) -> &str {
        self.namespace_name()
    }

    fn check_open(&self) -> Result<(), EmitError> {
        if self.inner().core().phase.is_over() { Err(EmitError::Disconnected) } else { Ok(()) }
    }

    fn send_all(&self, messages: &[Outgoing], volatile: bool) -> Result<bool, EmitError> {
        let core = self.inner().core();
        let connected = core.phase.connected().ok_or(EmitError::Disconnected)?;
        if volatile && !connected.handle.is_writable() {
            return Ok(false);
        }
        connected.handle.send_all(messages)?;
        Ok(true)
    }

    /// Without a connection it waits for the next.
    fn send_event<D: Serialize>(
        &self,
        id: Option<u64>,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<(), EmitError> {
        let wants_answer = id.is_some();
        let (id, frames) = self.framed(id, event, data, how)?;
        match self.send_or_wait(id, frames, how.volatile)? {
            // Its answer would be waited for in vain.
            false if wants_answer => Err(EmitError::NotWritable),
            _ => Ok(()),
        }
    }

    fn handle_unheard(&self, packet: Incoming<'_>) {
        let mut core = self.inner().core();
        if let Some(pull) = &mut core.pull {
            pull.push(packet.into_packet(), self);
            drop(core);
            return self.inner().changed.notify_waiters();
        }
        let config = self.inner().manager.config();
        if core.early_until.is_some_and(|until| Instant::now() < until)
            && core.early.len() < config.max_queued_events
        {
            let packet = packet.into_packet();
            let bytes = core.early.iter().map(Packet::weight).sum::<usize>() + packet.weight();
            if bytes <= config.max_queued_bytes {
                core.early.push(packet);
                self.schedule(&mut core);
            }
            return;
        }
        drop(core);
        let event = packet.event();
        tracing::debug!(event, namespace = self.namespace_name(), "nobody listens to this event");
    }

    /// Closures of a socket that has ended are dropped, so that one that holds its own socket leaks nothing.
    fn handle_idle(&self) {
        let mut core = self.inner().core();
        if core.phase.is_over() && !core.inbox.is_busy() {
            let garbage = core.inbox.take_closures();
            drop(core);
            drop(garbage);
            // Who asks for events gets no more.
            self.inner().changed.notify_waiters();
        }
    }
}

impl Socket {
    /// Adds a listener, for which events may have come already.
    pub(in crate::client) fn listen(
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
        if core.inbox.begin_turn(self.bounds()) {
            self.spawn(self.clone().work(None));
        }
    }

    /// Answers to events that came in this session.
    pub(in crate::client) fn answering(&self, session: u64) -> Arc<Answering> {
        Arc::new(Answering { inner: self.inner().clone(), session })
    }

    /// The session that is open now; 0 without one.
    pub(in crate::client) fn session(&self) -> u64 {
        self.inner().core().phase.connected().map_or(0, |connected| connected.session)
    }
}

/// Takes answers to events of one session. In another the server knows nothing of them, or even takes them for answers to something
/// else.
pub(in crate::client) struct Answering {
    inner: Arc<Inner>,
    session: u64,
}

impl Replies for Answering {
    fn send_encoded(self: Arc<Self>, encode: Encode<'_>) -> Result<(), EmitError> {
        let parser = self.inner.manager.config().parser.as_deref();
        let messages = frame(parser, |out| encode(out, self.inner.namespace()))?;
        let core = self.inner.core();
        let connected = core.phase.connected().filter(|c| c.session == self.session);
        Ok(connected.ok_or(EmitError::Disconnected)?.handle.send_all(&messages)?)
    }

    fn report(self: Arc<Self>, event: &str, error: &HandlerError) {
        let on_error = self.inner.manager.settings().on_error.clone();
        handler::report(on_error, &Socket::new(self.inner.clone()), event, error);
    }
}
