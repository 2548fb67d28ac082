//! One socket's state, over all of its connections, and what it holds in each.
//!
//! ```text
//!                40 with a sid
//!  +---------+ ---------------> +-----------+
//!  | waiting |                  | connected |
//!  +---------+ <--------------- +-----------+
//!       |        session lost         |
//!       |                             | 41 from either side, all handles dropped,
//!       |  44, no try left            | session lost and no reconnection
//!       |                             v
//!       |                         +------+
//!       +-----------------------> | over |
//!                                 +------+
//! ```
//!
//! A waiting socket has no session, or its namespace has not answered yet.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::outbox::Outbox;
use super::pull::Pull;
use super::recovery::{Missed, Recovery};
use crate::client::asking::provider::Auth;
use crate::client::backoff::Backoff;
use crate::client::manager::{Manager, ManagerEvent};
use crate::client::{Call, ConnectError, DisconnectReason, Listener, OnRefusal, Refusal, Socket};
use crate::emitter::{AckIds, Listeners};
use crate::engine::Alarm;
use crate::engine::client::Handle;
use crate::handler::{Bounds, Ending, Endpoint, Inbox, frame};
use crate::packet::{Incoming, Packet, encode};

/// What a [`Socket`] is a handle of. Held by handles, handlers at work and whoever waits for an answer; by its manager weakly.
pub(in crate::client) struct Inner {
    pub(in crate::client) manager: Arc<Manager>,
    pub(in crate::client) ack_ids: AckIds,
    pub(in crate::client) auth: Option<Auth>,
    namespace: Arc<str>,
    core: Mutex<Core>,
    /// Wakes who waits for the end, for an event, or for room.
    pub(in crate::client) changed: Notify,
}

/// What the lock guards.
pub(in crate::client) struct Core {
    pub(in crate::client) phase: Phase,
    pub(in crate::client) inbox: Inbox<Socket>,
    pub(in crate::client) outbox: Outbox,
    pub(in crate::client) alarm: Alarm,
    pub(in crate::client) recovery: Recovery,
    pub(in crate::client) on_connect: Vec<Listener>,
    /// Events that came before anybody listened to them, until a while after the namespace was joined.
    pub(in crate::client) early: Vec<Packet>,
    pub(in crate::client) early_until: Option<Instant>,
    pub(in crate::client) pull: Option<Box<Pull>>,
    /// Events that came before the namespace has answered (rule 29).
    missed: Missed,
    /// The task that joins.
    joining: Option<Joining>,
    /// Who waits for the first answer.
    told: Option<oneshot::Sender<Result<(), ConnectError>>>,
    /// For refusals.
    backoff: Backoff,
}

pub(in crate::client) enum Phase {
    /// With the id of the last connection, and the reason of its end.
    Waiting(Option<(Arc<str>, DisconnectReason)>),
    Connected(Arc<Connected>),
    Over(Option<Arc<str>>, DisconnectReason),
}

/// A namespace that is joined.
pub(in crate::client) struct Connected {
    pub(in crate::client) sid: Arc<str>,
    pub(in crate::client) recovered: bool,
    pub(in crate::client) session: u64,
    pub(in crate::client) handle: Handle,
}

/// A task that ends with this.
pub(in crate::client) struct Joining(pub(in crate::client) AbortHandle);

impl Drop for Joining {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Inner {
    pub(in crate::client) fn new(
        manager: Arc<Manager>,
        namespace: Arc<str>,
        auth: Option<Auth>,
        listeners: Listeners<Listener>,
        on_connect: Vec<Listener>,
        told: Option<oneshot::Sender<Result<(), ConnectError>>>,
    ) -> Self {
        let core = Core {
            phase: Phase::Waiting(None),
            inbox: Inbox::new(listeners, false),
            outbox: Outbox::default(),
            alarm: Alarm::default(),
            recovery: Recovery::default(),
            on_connect,
            early: Vec::new(),
            early_until: None,
            pull: None,
            missed: Missed::default(),
            joining: None,
            told,
            backoff: Backoff::default(),
        };
        let (ack_ids, changed) = (AckIds::default(), Notify::new());
        Self { manager, ack_ids, auth, namespace, core: Mutex::new(core), changed }
    }

    pub(in crate::client) const fn namespace(&self) -> &Arc<str> {
        &self.namespace
    }

    pub(in crate::client) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has put the client out.
    pub(in crate::client) fn handle_disconnect(self: &Arc<Self>) {
        let reason = DisconnectReason::IoServerDisconnect;
        if self.manager.config().reconnection.after_server_disconnect
            && self.handle_loss(reason, true)
        {
            return self.join_later();
        }
        self.end(reason, None);
    }

    /// CONNECT_ERROR: the server does not let the client in.
    pub(in crate::client) fn handle_refusal(self: &Arc<Self>, refusal: Refusal) {
        self.handle_join_failure(ConnectError::Refused(refusal));
    }

    /// The namespace was not joined.
    pub(in crate::client) fn handle_join_failure(self: &Arc<Self>, error: ConnectError) {
        let namespace = &*self.namespace;
        self.manager.tell(ManagerEvent::ConnectError { namespace, error: &error });
        let config = self.manager.config();
        let first = self.core().told.is_some();
        let again = match error {
            ConnectError::Refused(_) | ConnectError::OldServer => {
                config.on_refusal == OnRefusal::Retry
            }
            _ => config.reconnection.enabled,
        };
        if again && (!first || config.reconnection.first) {
            self.join_later();
        } else {
            self.end(DisconnectReason::Refused, Some(error));
        }
    }

    /// Asks to be let in again, after a while.
    fn join_later(self: &Arc<Self>) {
        let config = self.manager.config();
        let delay = self.core().backoff.next(&config.reconnection, rand::random());
        let (Some(delay), Some((session, handle))) = (delay, self.manager.session()) else {
            return match delay {
                Some(_) => {} // With the next session.
                None => self.end(DisconnectReason::ReconnectFailed, None),
            };
        };
        self.begin_joining(session, &handle, delay);
    }

    /// The session is lost. If the connection comes back, the socket waits for it; whether it does.
    pub(in crate::client) fn handle_loss(
        self: &Arc<Self>,
        reason: DisconnectReason,
        returns: bool,
    ) -> bool {
        let mut core = self.core();
        let waits = match &core.phase {
            // Who has never been in is told, unless that is to be tried for.
            Phase::Waiting(_) => core.told.is_none() || self.manager.config().reconnection.first,
            Phase::Connected(_) => true,
            Phase::Over(..) => return false,
        };
        if !returns || !waits {
            drop(core);
            self.end(reason, None);
            return false;
        }
        core.joining = None;
        core.missed = Missed::default();
        let Phase::Connected(connected) = &core.phase else { return true };
        core.phase = Phase::Waiting(Some((connected.sid.clone(), reason)));
        if core.outbox.handle_lost(self.manager.config().resends) {
            tracing::warn!(namespace = %self.namespace, "an event is given up under which the connection was always lost");
        }
        // Rule 30: answers to what was sent don't come any more; those to what waits still may.
        let mut acks = mem::take(&mut core.inbox.acks);
        let Core { outbox, inbox, .. } = &mut *core;
        for id in outbox.ids() {
            if let Some(waiter) = acks.take(id) {
                // There was room for it before.
                let _ = inbox.acks.insert(id, waiter, usize::MAX);
            }
        }
        core.inbox.forget_ack_ids();
        if let Some(pull) = &mut core.pull {
            pull.forget_ack_ids();
        }
        let listeners = core.inbox.on_disconnect.clone();
        let socket = Socket::new(self.clone());
        socket.regulate(&mut core.inbox);
        drop(core);
        drop(acks);
        for listener in listeners {
            socket.call_disconnect(&listener, reason);
        }
        true
    }

    /// No try to connect is left.
    pub(in crate::client) fn give_up(self: &Arc<Self>) {
        self.end(DisconnectReason::ReconnectFailed, None);
    }

    /// Leaves the namespace.
    pub(in crate::client) fn disconnect(self: &Arc<Self>) {
        self.say_goodbye();
        self.end(DisconnectReason::IoClientDisconnect, None);
    }

    /// What waits to be sent is not: a packet that is sent was.
    fn say_goodbye(&self) {
        let core = self.core();
        let Phase::Connected(connected) = &core.phase else { return };
        let parser = self.manager.config().parser.as_deref();
        let goodbye = frame(parser, |out| {
            encode::disconnect(out, &self.namespace);
            Ok(Vec::new())
        });
        // If it can't be sent, then because the connection has ended or will.
        let _ = goodbye.map(|goodbye| connected.handle.send_all(&goodbye));
    }

    /// Any phase -> over, with all that follows.
    fn end(self: &Arc<Self>, reason: DisconnectReason, error: Option<ConnectError>) {
        let mut core = self.core();
        let (sid, connected) = match &core.phase {
            Phase::Over(..) => return,
            Phase::Connected(connected) => (Some(connected.sid.clone()), true),
            Phase::Waiting(last) => (last.as_ref().map(|(sid, _)| sid.clone()), false),
        };
        core.phase = Phase::Over(sid, reason);
        let socket = Socket::new(self.clone());
        // All this may hold the socket or run code when it is dropped, which must not happen under the lock.
        let Ending { on_disconnect, acks, on_disconnecting: _ } = core.inbox.end();
        let told = core.told.take();
        let rest = (
            mem::take(&mut core.early),
            mem::take(&mut core.missed),
            mem::take(&mut core.outbox),
            mem::take(&mut core.on_connect),
            core.joining.take(),
        );
        // What came before the server's goodbye is still handled. Who leaves wants no more.
        let unwanted =
            (reason == DisconnectReason::IoClientDisconnect).then(|| core.inbox.take_queue());
        Pull::end(&mut core, &socket);
        socket.regulate(&mut core.inbox);
        drop(core);
        drop((acks, rest, unwanted));
        self.changed.notify_waiters();
        self.manager.remove(Arc::as_ptr(self));
        if let Some(told) = told {
            // Nobody may wait for it.
            let _ = told.send(Err(error.unwrap_or(ConnectError::Disconnected(reason))));
        }
        // Who lost the connection before, and was told so, is not disconnected once more.
        for listener in on_disconnect.iter().filter(|_| connected) {
            socket.call_disconnect(listener, reason);
        }
        drop(on_disconnect);
        socket.handle_idle();
    }

    /// An event has come. It waits if the namespace has not answered yet.
    pub(in crate::client) fn handle_event<'a>(&self, packet: Incoming<'a>) -> Option<Incoming<'a>> {
        let mut core = self.core();
        match core.phase {
            Phase::Waiting(_) => {
                let max_bytes = self.manager.config().max_queued_bytes;
                if !core.missed.push(packet.into_packet(), max_bytes) {
                    // A session with holes is not the one from before.
                    core.recovery.forget();
                }
                None
            }
            Phase::Connected(_) => {
                core.recovery.handle_event(packet.id(), packet.payload());
                Some(packet)
            }
            Phase::Over(..) => None,
        }
    }

    /// What came before the answer is first in line.
    pub(in crate::client) fn release_missed(core: &mut Core, bounds: Bounds) -> bool {
        for packet in mem::take(&mut core.missed).into_packets() {
            // Only now: if the connection had broken before, it would have to come again.
            core.recovery.handle_event(packet.id, &packet.payload);
            core.inbox.push(packet);
        }
        core.inbox.begin_turn(bounds)
    }
}

impl Core {
    /// The server has let the client in: nobody need ask any more.
    pub(in crate::client) fn settle(
        &mut self,
    ) -> Option<oneshot::Sender<Result<(), ConnectError>>> {
        self.joining = None;
        self.backoff.reset();
        self.told.take()
    }

    /// When to look after what waits.
    pub(in crate::client) fn deadline(&self) -> Option<std::time::Instant> {
        let early = self.early_until.filter(|_| !self.early.is_empty()).map(Instant::into_std);
        [self.outbox.deadline(), early].into_iter().flatten().min()
    }

    pub(in crate::client) fn join_with(&mut self, task: AbortHandle) {
        self.joining = Some(Joining(task));
    }
}

/// All handles are gone: the namespace is left, and with the last one the connection.
impl Drop for Inner {
    fn drop(&mut self) {
        self.say_goodbye();
        self.manager.remove(std::ptr::from_ref(self));
    }
}

impl Phase {
    pub(in crate::client) const fn is_over(&self) -> bool {
        matches!(self, Self::Over(..))
    }

    pub(in crate::client) const fn connected(&self) -> Option<&Arc<Connected>> {
        match self {
            Self::Connected(connected) => Some(connected),
            _ => None,
        }
    }
}

impl Socket {
    pub(in crate::client) fn call_disconnect(&self, listener: &Listener, reason: DisconnectReason) {
        if let Some(work) = listener(&mut Call::disconnect(self, reason)) {
            self.inner().manager.runtime().spawn(work);
        }
    }
}
