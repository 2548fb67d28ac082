//! What an application does in a namespace.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep_until;
use ws::net::Wheel;

use super::state::{Inner, Phase};
use super::{Answer, DisconnectReason, EmitError, Handler, HandlerError, IntoReply, Join};
use crate::emitter::{ListenerId, Listeners};
use crate::handler::{self, Encode, Endpoint, For, Party, Pending, Replies};
use crate::packet::encode;

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

/// Listeners.
impl Socket {
    /// Calls the handler for every event of this name. Several handlers are called in the order of registration; what the first one
    /// returns is the answer to a server that wants one.
    pub fn on<A, R, H>(&self, event: impl Into<Cow<'static, str>>, handler: H) -> ListenerId
    where
        H: Handler<Self, A>,
        H::Output: IntoReply<R>,
    {
        let (event, listener) = handler::named(event, handler);
        self.listen(|listeners| listeners.on(event, listener))
    }

    /// Calls the handler for the next event of this name only.
    pub fn once<A, R, H>(&self, event: impl Into<Cow<'static, str>>, handler: H) -> ListenerId
    where
        H: Handler<Self, A>,
        H::Output: IntoReply<R>,
    {
        let (event, listener) = handler::named(event, handler);
        self.listen(|listeners| listeners.once(event, listener))
    }

    /// Calls the handler for every event, after those of its name. It answers only by an [`AckSender`](super::AckSender), not by what
    /// it returns.
    pub fn on_any<A, R, H>(&self, handler: H) -> ListenerId
    where
        H: Handler<Self, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Any, handler);
        self.listen(|listeners| listeners.on_any(listener))
    }

    /// Removes all handlers of this event. Returns whether there were any.
    pub fn off(&self, event: &str) -> bool {
        // Dropped without the lock: closures may hold anything.
        let removed = self.with_inbox(|inbox| inbox.listeners.off(event));
        !removed.is_empty()
    }

    /// Removes one handler. Returns whether it was there.
    pub fn remove_listener(&self, id: ListenerId) -> bool {
        let removed = self.with_inbox(|inbox| inbox.listeners.remove(id));
        removed.is_some()
    }

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

/// Sending.
impl Socket {
    /// Sends an event: `data` is one argument, or several if it is a tuple, or none if it is `()`. It is queued when this returns, in
    /// order with all that was sent before.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.send_packet(|out, namespace| encode::event(out, namespace, None, event, &data))
    }

    /// Sends an event and gives the answer, read into `T` like an event's arguments. The event is sent by the call, not by the await.
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answer<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.timeout(self.0.connection.config().ack_timeout).emit_with_ack(event, data)
    }

    /// Sets how long to wait for an answer. Default [`Config::ack_timeout`](super::Config::ack_timeout).
    #[must_use]
    pub const fn timeout(&self, timeout: Duration) -> Timed<'_> {
        Timed { socket: self, timeout }
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

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace_name())
            .field("connected", &self.connected())
            .finish()
    }
}

/// A socket, and how long to wait for its answer.
#[derive(Debug, Clone, Copy)]
pub struct Timed<'a> {
    socket: &'a Socket,
    timeout: Duration,
}

impl Timed<'_> {
    /// As [`Socket::emit_with_ack`], with this timeout.
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answer<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let asked = Pending::ask(self.socket, self.socket.0.ack_ids.next(), event, &data);
        let deadline = Wheel::deadline(self.timeout);
        Answer::new(asked, async move { sleep_until(deadline.into()).await })
    }
}
