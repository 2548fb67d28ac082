//! One socket, over all connections of its manager, and what an application does with it.
//!
//! | file | what |
//! |---|---|
//! | `inner`, `joining` | its state, and how each connection begins |
//! | `sending`, `outbox` | what is emitted, and what of it waits |
//! | `endpoint`, `extract`, `pull` | events that come: to handlers, or to who asks |
//! | `recovery` | what is remembered of a session |
//!
//! `outbox` and `recovery` are machines without I/O.

mod endpoint;
mod extract;
pub(super) mod inner;
mod joining;
mod outbox;
pub(super) mod pull;
mod recovery;
mod sending;

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Weak};

use self::inner::{Inner, Phase};
pub use self::pull::Received;
use super::{Answer, DisconnectReason, EmitError, Handler, IntoReply, Join};
use crate::engine::Transport;
use crate::handler::{self, Endpoint, For, Party, Replies};

/// One namespace of one connection, over all reconnections. Cheap to clone.
///
/// The namespace is left when all of its handles are dropped, or by [`disconnect`](Self::disconnect); with the last namespace the
/// connection ends, and no task or timer is left of it. A handler at work and an [`Answer`] that is waited for count as handles; a
/// closure that is registered as a handler and holds its own socket keeps it for ever, so it should take the socket as a parameter, or
/// hold a [`WeakSocket`]. Once the socket has ended all of its handlers are dropped.
#[derive(Clone)]
#[must_use = "the connection ends when it is dropped"]
pub struct Socket(Arc<Inner>);

impl Socket {
    pub(super) const fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    pub(super) const fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// The id that the server gave this socket, or the last one while the connection is lost; empty before the first. It may be shown
    /// to others.
    #[must_use]
    pub fn id(&self) -> Arc<str> {
        match &self.0.core().phase {
            Phase::Connected(connected) => connected.sid.clone(),
            Phase::Over(sid, _) => sid.clone().unwrap_or_default(),
            Phase::Waiting(last) => last.as_ref().map(|(sid, _)| sid.clone()).unwrap_or_default(),
        }
    }

    /// Whether it is connected now.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.0.core().phase.connected().is_some()
    }

    /// Whether the server has given the session back that was lost, with its id, its rooms and the events that were missed
    /// (connection state recovery).
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.0.core().phase.connected().is_some_and(|connected| connected.recovered)
    }

    /// The name of the namespace.
    #[must_use]
    pub fn namespace_name(&self) -> &str {
        self.0.namespace()
    }

    /// The transport that carries the connection now, if there is one.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.0.core().phase.connected().map(|connected| connected.handle.transport())
    }

    /// Bytes that wait for the server: of all namespaces of the connection, and of this one's events that wait for it.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        let core = self.0.core();
        let sent = core.phase.connected().map_or(0, |connected| connected.handle.buffered_bytes());
        sent + core.outbox.bytes()
    }

    /// Another namespace on the same connection, to be joined.
    pub fn namespace(&self, name: impl Into<String>) -> Join {
        Join::new(self.0.manager.clone(), name.into())
    }

    /// Leaves the namespace for good; with the last one the connection ends. What has been sent still leaves, what waits for a
    /// connection is dropped. A program that ends after this should [`close`](Self::close) instead.
    pub fn disconnect(&self) {
        self.0.disconnect();
    }

    /// As [`disconnect`](Self::disconnect); if it was the last namespace of the connection, returns once what has been sent has left
    /// and the server has been said goodbye to, or after
    /// [`close_timeout`](crate::engine::client::Config::close_timeout).
    pub async fn close(&self) {
        let manager = &self.0.manager;
        let session = manager.handle();
        self.0.disconnect();
        if let Some(session) = session
            && manager.handle().is_none()
        {
            let time = manager.config().engine.close_timeout;
            // Who does not take it in time finds out by the heartbeat.
            let _ = tokio::time::timeout(time, session.closed()).await;
        }
    }

    /// Waits for the end of the socket; a connection that is lost and made again is none. Gives the reason.
    pub async fn closed(&self) -> DisconnectReason {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Phase::Over(_, reason) = self.0.core().phase {
                return reason;
            }
            changed.await;
        }
    }

    /// A handle that keeps nothing alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakSocket {
        WeakSocket(Arc::downgrade(&self.0))
    }
}

handler::verbs!();

/// Its beginning and end.
impl Socket {
    /// Calls the handler each time that the namespace has been joined again, after what was missed and what waited.
    pub fn on_connect<A, R, H>(&self, handler: H)
    where
        H: Handler<Self, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Name("connect".into()), handler);
        let mut core = self.0.core();
        if !core.phase.is_over() {
            core.on_connect.push(listener);
        }
    }

    /// Calls the handler each time that the connection is lost, and when the socket ends while it is connected; at once if it is
    /// disconnected already.
    pub fn on_disconnect<A, R, H>(&self, handler: H)
    where
        H: Handler<Self, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Name("disconnect".into()), handler);
        let mut core = self.0.core();
        let reason = match core.phase {
            Phase::Over(_, reason) | Phase::Waiting(Some((_, reason))) => Some(reason),
            _ => None,
        };
        if !core.phase.is_over() {
            core.inbox.on_disconnect.push(listener.clone());
        }
        drop(core);
        if let Some(reason) = reason {
            self.call_disconnect(&listener, reason);
        }
    }
}

impl Party for Socket {
    type Reason = DisconnectReason;

    fn replies(&self) -> Arc<dyn Replies> {
        self.answering(self.session())
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace_name())
            .field("connected", &self.connected())
            .finish()
    }
}

/// A handle of a [`Socket`] that does not keep it: for closures that the socket itself holds.
#[derive(Clone)]
pub struct WeakSocket(Weak<Inner>);

impl WeakSocket {
    /// The socket, if a handle of it is left.
    pub fn upgrade(&self) -> Option<Socket> {
        self.0.upgrade().map(Socket)
    }
}

impl fmt::Debug for WeakSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSocket")
    }
}
