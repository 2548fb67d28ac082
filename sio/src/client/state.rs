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

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use tokio::runtime::Handle as Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use ws::net::Wheel;

use super::connection::Connection;
use super::{Call, ConnectError, DisconnectReason, Listener, Refusal, Socket};
use crate::emitter::{AckIds, Listeners};
use crate::handler::{Endpoint, Inbox, frame};
use crate::packet::{Packet, encode};

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
    pub(super) inbox: Inbox<Socket>,
    /// Events that came before anybody listened to them, until a while after the namespace was joined.
    pub(super) early: Vec<Packet>,
    pub(super) early_until: Option<Instant>,
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
            inbox: Inbox::new(listeners, false),
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
            core.early_until = Some(Wheel::deadline(self.connection.config().early_events).into());
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

    /// Leaves the namespace.
    pub(super) fn disconnect(self: &Arc<Self>) {
        if !self.core().phase.is_over() {
            let parser = self.connection.config().parser.as_deref();
            let goodbye = frame(parser, |out| {
                encode::disconnect(out, &self.namespace);
                Ok(Vec::new())
            });
            // If it can't be sent, then because the connection has ended or will.
            let _ = goodbye.map(|goodbye| self.connection.send_all(&goodbye));
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
        let socket = Socket::new(self.clone());
        // All this may hold the socket or run code when it is dropped, which must not happen under the lock.
        let ending = core.inbox.end();
        let early = mem::take(&mut core.early);
        // What came before the server's goodbye is still handled. Who leaves wants no more.
        let unwanted =
            (reason == DisconnectReason::IoClientDisconnect).then(|| core.inbox.take_queue());
        socket.regulate(&mut core.inbox);
        drop(core);
        drop((ending.acks, early, unwanted));
        for listener in ending.on_disconnect {
            socket.call_disconnect(&listener, reason);
        }
        socket.handle_idle();
        before
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
