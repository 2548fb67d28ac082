//! A [`Socket`] as its events see it; the rest of that is in [`Endpoint`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep_until;
use ws::net::Wheel;

use super::state::Phase;
use crate::emitter::Fired;
use crate::engine::Outgoing;
use crate::handler::{Bounds, Endpoint, How, Inbox, OutgoingHook, poll_once, send_event};
use crate::packet::{Incoming, Parser};
use crate::server::session::backlog::Worth;
use crate::server::{EmitError, Socket};

impl Endpoint for Socket {
    fn with_inbox<T>(&self, code: impl FnOnce(&mut Inbox<Self>) -> T) -> T {
        code(&mut self.inner().core().inbox)
    }

    fn bounds(&self) -> Bounds {
        let config = self.io().config();
        Bounds {
            queued_events: config.max_queued_events,
            queued_bytes: config.max_queued_bytes,
            pending_acks: config.max_pending_acks,
            ack_timeout: config.ack_timeout,
            concurrency: config.handler_concurrency,
        }
    }

    fn pause(&self, pause: bool) {
        self.inner().client.pause(pause);
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.inner().client.runtime.spawn(future);
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static {
        let deadline = Wheel::deadline(time).into();
        async move { sleep_until(deadline).await }
    }

    fn next_ack_id(&self) -> u64 {
        self.inner().namespace.ack_ids.next()
    }

    fn parser(&self) -> Option<Arc<dyn Parser>> {
        self.io().config().parser.clone()
    }

    fn namespace(&self) -> &str {
        self.namespace_name()
    }

    /// While it is connecting, what is sent follows the CONNECT reply.
    fn check_open(&self) -> Result<(), EmitError> {
        match self.inner().phase() {
            Phase::Disconnected => Err(EmitError::Disconnected),
            Phase::Connecting | Phase::Connected => Ok(()),
        }
    }

    fn send_all(&self, messages: &[Outgoing], volatile: bool) -> Result<bool, EmitError> {
        self.inner().send(messages, if volatile { Worth::Volatile } else { Worth::Needed })
    }

    fn send_droppable(&self, messages: &[Outgoing], how: How) -> Result<bool, EmitError> {
        self.inner().send(messages, Worth::of(how))
    }

    fn send_event<D: Serialize>(
        &self,
        id: Option<u64>,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<(), EmitError> {
        if id.is_none() && self.inner().namespace.publisher.is_some() {
            self.check_open()?;
            return self.emit_kept(event, data, how);
        }
        send_event(self, id, event, data, how)
    }

    fn handle_unheard(&self, packet: Incoming<'_>) {
        let event = packet.event();
        tracing::debug!(event, namespace = self.namespace_name(), "nobody listens to this event");
    }

    fn handle_idle(&self) {
        self.inner().forget();
    }
}

impl Socket {
    /// Runs a future here as far as it goes without waiting, and the rest in a task. The caller may be any thread: a socket can
    /// be disconnected from outside the runtime.
    pub(in crate::server) fn run(&self, future: impl Future<Output = ()> + Send + 'static) {
        let _entered = self.inner().client.runtime.enter();
        if let Some(rest) = poll_once(Box::pin(future)) {
            self.spawn(rest);
        }
    }

    /// Who sees what is emitted, if anybody does.
    pub(in crate::server) fn outgoing_hooks(&self) -> Option<Fired<OutgoingHook>> {
        self.with_inbox(Inbox::outgoing_hooks)
    }

    /// Drops the events that wait: the client has left, and come back before they were handled.
    pub(in crate::server) fn drop_queue(&self) {
        let dropped = self.with_inbox(Inbox::take_queue);
        drop(dropped);
    }
}
