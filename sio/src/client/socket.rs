//! What an application does in a namespace.

use std::fmt;
use std::sync::Arc;

use super::state::{Inner, Phase};
use super::{Answer, DisconnectReason, EmitError, Handler, HandlerError, IntoReply, Join};
use crate::emitter::Listeners;
use crate::handler::{self, Encode, Endpoint, For, Party, Replies};

/// One namespace of one connection. Cheap to clone.
///
/// The connection lives until [`disconnect`](Self::disconnect) or its end, also if all handles are dropped. Then all listeners are
/// dropped, so that a closure that holds its own socket leaks nothing.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

impl Socket {
    pub(super) const fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    pub(super) const fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// The id that the server gave this socket; it may be shown to others.
    #[must_use]
    pub fn id(&self) -> Arc<str> {
        match &self.0.core().phase {
            Phase::Connected(sid) | Phase::Disconnected(Some(sid), _) => sid.clone(),
            Phase::Joining(_) | Phase::Disconnected(None, _) => Arc::from(""),
        }
    }

    /// Whether it is connected.
    #[must_use]
    pub fn connected(&self) -> bool {
        matches!(self.0.core().phase, Phase::Connected(_))
    }

    /// The name of the namespace.
    #[must_use]
    pub fn namespace_name(&self) -> &str {
        self.0.namespace()
    }

    /// Bytes that wait for the server, of all namespaces of the connection.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.connection.buffered_bytes()
    }

    /// Another namespace on the same connection, to be joined.
    pub fn namespace(&self, name: impl Into<String>) -> Join {
        Join::new(self.0.connection.clone(), name.into(), None, Listeners::new())
    }

    /// Leaves the namespace; with the last one the connection ends.
    pub fn disconnect(&self) {
        self.0.disconnect();
    }
}

handler::verbs!();

/// The end of it.
impl Socket {
    /// Calls the handler when the socket is disconnected, at once if it is already.
    pub fn on_disconnect<A, R, H>(&self, handler: H)
    where
        H: Handler<Self, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Name("disconnect".into()), handler);
        let mut core = self.0.core();
        if let Phase::Disconnected(_, reason) = core.phase {
            drop(core);
            self.call_disconnect(&listener, reason);
        } else {
            core.inbox.on_disconnect.push(listener);
        }
    }
}

impl Party for Socket {
    type Reason = DisconnectReason;

    fn replies(&self) -> Arc<dyn Replies> {
        self.0.clone()
    }
}

impl Replies for Inner {
    fn send_encoded(self: Arc<Self>, encode: Encode<'_>) -> Result<(), EmitError> {
        Socket(self).send_packet(encode)
    }

    fn report(self: Arc<Self>, event: &str, error: &HandlerError) {
        let on_error = self.connection.on_error().cloned();
        handler::report(on_error, &Socket(self), event, error);
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
