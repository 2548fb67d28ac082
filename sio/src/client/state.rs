//! One socket's state: joining, connected, disconnected, and what it holds in each.
//!
//! ```text
//!            40 with a sid              41 from either side, session over
//!  +---------+           +-----------+                                   +--------------+
//!  | joining | --------> | connected | --------------------------------> | disconnected |
//!  +---------+           +-----------+                                   +--------------+
//!       |   44, 40 without a sid, given up, session over                        ^
//!       +-----------------------------------------------------------------------+
//! ```

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use tokio::runtime::Handle as Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::connection::Connection;
use super::{Call, ConnectError, DisconnectReason, EmitError, Listener, Refusal, Socket};
use crate::emitter::{AckIds, Acks, Listeners};
use crate::engine::Outgoing;
use crate::packet::{Arguments, Packet, encode};

/// What a [`Socket`] is a handle of.
pub(super) struct Inner {
    pub(super) connection: Arc<Connection>,
    pub(super) ack_ids: AckIds,
    pub(super) runtime: Runtime,
    namespace: Box<str>,
    core: Mutex<Core>,
}

/// What the lock guards.
pub(super) struct Core {
    pub(super) phase: Phase,
    pub(super) listeners: Listeners<Listener>,
    pub(super) on_disconnect: Vec<Listener>,
    pub(super) acks: Acks,
    /// Events that wait for their turn.
    pub(super) queue: VecDeque<Arrival>,
    /// Events so far.
    pub(super) arrivals: u64,
    /// A task handles events.
    pub(super) busy: bool,
    /// Reading is paused on behalf of this socket.
    pub(super) paused: bool,
    /// Events that came before anybody listened to them, until a while after the namespace was joined.
    pub(super) early: Vec<Arrival>,
    pub(super) early_until: Option<Instant>,
}

/// An event, and the how manieth it is.
pub(super) struct Arrival {
    pub(super) number: u64,
    pub(super) packet: Packet,
}

pub(super) enum Phase {
    /// Tells [`Join`](super::Join).
    Joining(oneshot::Sender<Result<(), ConnectError>>),
    /// With the id that the server gave.
    Connected(Arc<str>),
    Disconnected(Option<Arc<str>>, DisconnectReason),
}

impl Inner {
    pub(super) fn new(
        connection: Arc<Connection>,
        namespace: Box<str>,
        listeners: Listeners<Listener>,
        told: oneshot::Sender<Result<(), ConnectError>>,
    ) -> Self {
        let core = Core {
            phase: Phase::Joining(told),
            listeners,
            on_disconnect: Vec::new(),
            acks: Acks::default(),
            queue: VecDeque::new(),
            arrivals: 0,
            busy: false,
            paused: false,
            early: Vec::new(),
            early_until: None,
        };
        let runtime = Runtime::current();
        Self { connection, ack_ids: AckIds::default(), runtime, namespace, core: Mutex::new(core) }
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has let the client in.
    pub(super) fn handle_connect(self: &Arc<Self>, payload: &str) {
        #[derive(Deserialize)]
        struct Granted {
            sid: Box<str>,
        }
        let Ok(granted) = serde_json::from_str::<Granted>(payload) else {
            return self.fail_joining(ConnectError::OldServer);
        };
        let mut core = self.core();
        if matches!(core.phase, Phase::Joining(_))
            && let Phase::Joining(told) =
                mem::replace(&mut core.phase, Phase::Connected(granted.sid.into()))
        {
            core.early_until = Some(Instant::now() + self.connection.config().early_events);
            drop(core);
            let _ = told.send(Ok(()));
        }
    }

    /// CONNECT_ERROR: the server does not let the client in, or has thought better of it.
    pub(super) fn handle_refusal(self: &Arc<Self>, refusal: Refusal) {
        self.fail_joining(ConnectError::Refused(refusal));
    }

    fn fail_joining(self: &Arc<Self>, error: ConnectError) {
        if let Phase::Joining(told) = self.finish(DisconnectReason::IoServerDisconnect) {
            let _ = told.send(Err(error));
        }
        self.connection.remove(self);
    }

    /// The server has put the client out.
    pub(super) fn handle_disconnect(self: &Arc<Self>) {
        self.end(DisconnectReason::IoServerDisconnect);
        self.connection.remove(self);
    }

    pub(super) fn handle_ack(&self, id: u64, arguments: Arguments<'_>) {
        let waiter = self.core().acks.take(id);
        // Rule 27: an id that nobody waits for is ignored.
        if let Some(waiter) = waiter {
            waiter.resolve(Ok(arguments));
        }
    }

    /// Leaves the namespace.
    pub(super) fn disconnect(self: &Arc<Self>) {
        if !self.core().phase.is_over() {
            let goodbye = Outgoing::text(|out| encode::disconnect(out, &self.namespace));
            // If it can't be sent, then because the connection has ended or will.
            let _ = self.connection.send_all(&[goodbye]);
        }
        self.end(DisconnectReason::IoClientDisconnect);
        self.connection.remove(self);
    }

    /// Any phase -> disconnected, with all that follows.
    pub(super) fn end(self: &Arc<Self>, reason: DisconnectReason) {
        if let Phase::Joining(told) = self.finish(reason) {
            let _ = told.send(Err(ConnectError::Disconnected(reason)));
        }
    }

    /// Ends the socket and calls who wants to know. Gives the phase before.
    fn finish(self: &Arc<Self>, reason: DisconnectReason) -> Phase {
        let mut core = self.core();
        let sid = match &core.phase {
            Phase::Disconnected(..) => return Phase::Disconnected(None, reason),
            Phase::Connected(sid) => Some(sid.clone()),
            Phase::Joining(_) => None,
        };
        let before = mem::replace(&mut core.phase, Phase::Disconnected(sid, reason));
        // All this may hold the socket or run code when it is dropped, which must not happen under the lock. A closure that holds
        // its own socket leaks nothing this way.
        let listeners = mem::take(&mut core.listeners);
        let acks = mem::take(&mut core.acks);
        let rest = (mem::take(&mut core.queue), mem::take(&mut core.early));
        let on_disconnect = mem::take(&mut core.on_disconnect);
        let paused = mem::take(&mut core.paused);
        drop(core);
        drop((listeners, acks, rest));
        if paused {
            self.connection.pause(false);
        }
        let socket = Socket::new(self.clone());
        for listener in on_disconnect {
            socket.call_disconnect(&listener, reason);
        }
        before
    }

    /// Why nothing can be sent, if so.
    pub(super) fn check_connected(&self) -> Result<(), EmitError> {
        match self.core().phase {
            Phase::Connected(_) => Ok(()),
            _ => Err(EmitError::Disconnected),
        }
    }
}

impl Phase {
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Disconnected(..))
    }
}

impl Socket {
    pub(super) fn call_disconnect(&self, listener: &Listener, reason: DisconnectReason) {
        if let Some(work) = listener(&mut Call::disconnect(self, reason)) {
            self.inner().runtime.spawn(work);
        }
    }
}
