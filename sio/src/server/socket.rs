//! What a handler does with its client.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Pending;
use super::state::{Inner, Phase};
use super::{
    Answer, Broadcast, Call, DisconnectReason, EmitError, Handler, HandlerError, Handshake,
    IntoReply, Io, Namespace,
};
use crate::adapter::{Room, SocketId, Target, TooManyRooms};
use crate::emitter::ListenerId;
use crate::engine::Outgoing;
use crate::handler::{self, Encode, For, Party, Replies};
use crate::packet::{EncodeError, encode};

/// One client in one namespace. Cheap to clone.
///
/// It is a handle: keeping one keeps no connection open. Once the client is gone all listeners and values are dropped, so that
/// a closure that holds its own socket leaks nothing; sending fails with [`EmitError::Disconnected`] then, and what is known
/// of the client (id, handshake, rooms) can still be asked.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

impl Socket {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// Its public id: another one for each namespace and each connection.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.0.id
    }

    /// Whether it is connected.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.0.phase() == Phase::Connected
    }

    /// What the client said when it connected.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }

    /// Reads the auth payload; `null` if the client sent none.
    ///
    /// # Errors
    /// Those of `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.0.handshake.auth()
    }

    /// The server that it is connected to.
    #[must_use]
    pub fn io(&self) -> &Io {
        &self.0.client.io
    }

    /// The namespace that it is in.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        Namespace::new(self.io().clone(), self.0.namespace.clone())
    }

    /// The name of the namespace that it is in.
    #[must_use]
    pub fn namespace_name(&self) -> &str {
        &self.0.namespace.name
    }

    /// Events of the client's that wait because a handler is at work; see
    /// [`Config::max_queued_events`](super::Config::max_queued_events).
    #[must_use]
    pub fn queued_events(&self) -> usize {
        self.0.core().queue.len()
    }

    /// Bytes that wait for the client, in all of its namespaces.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.client.handle.buffered_bytes()
    }
}

/// Listeners.
impl Socket {
    /// Calls the handler for every event of this name. Several handlers are called in the order of registration; what the
    /// first one returns is the answer to a client that wants one.
    pub fn on<A, R, H>(&self, event: impl Into<Cow<'static, str>>, handler: H) -> ListenerId
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let event = event.into();
        let listener = handler::erase(For::Name(event.clone()), handler);
        self.0.core().listeners.on(event, listener)
    }

    /// Calls the handler for the next event of this name only.
    pub fn once<A, R, H>(&self, event: impl Into<Cow<'static, str>>, handler: H) -> ListenerId
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let event = event.into();
        let listener = handler::erase(For::Name(event.clone()), handler);
        self.0.core().listeners.once(event, listener)
    }

    /// Calls the handler for every event, after those of its name. It answers only by an
    /// [`AckSender`](super::AckSender), not by what it returns.
    pub fn on_any<A, R, H>(&self, handler: H) -> ListenerId
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Any, handler);
        self.0.core().listeners.on_any(listener)
    }

    /// Removes all handlers of this event. Returns whether there were any.
    pub fn off(&self, event: &str) -> bool {
        // Dropped without the lock: the closures may own anything.
        let removed = self.0.core().listeners.off(event);
        !removed.is_empty()
    }

    /// Removes one handler. Returns whether it was there.
    pub fn remove_listener(&self, id: ListenerId) -> bool {
        let removed = self.0.core().listeners.remove(id);
        removed.is_some()
    }

    /// Calls the handler when the socket is disconnected, at once if it is already. [`rooms`](Self::rooms) still gives the
    /// rooms that it was in.
    pub fn on_disconnect<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Name("disconnect".into()), handler);
        let mut core = self.0.core();
        if !core.is_ended() {
            core.on_disconnect.push(listener);
            return;
        }
        drop(core);
        let Some((reason, _)) = self.0.ended() else { return };
        if let Some(work) = listener(&mut Call::disconnect(self, reason)) {
            self.run(work);
        }
    }
}

/// Sending.
impl Socket {
    /// Sends an event: `data` is one argument, or several if it is a tuple, or none if it is `()`. It is queued when this
    /// returns, in order with all that was sent before.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.send_packet(|out| encode::event(out, self.namespace_name(), None, event, &data))
    }

    /// Sends an event and gives the answer, read into `T` like an event's arguments. The event is sent by the call, not by
    /// the await.
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answer<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.timeout(self.io().config().ack_timeout).emit_with_ack(event, data)
    }

    /// Sets how long to wait for an answer. Default [`Config::ack_timeout`](super::Config::ack_timeout).
    #[must_use]
    pub fn timeout(&self, timeout: Duration) -> Timed<'_> {
        Timed { socket: self, timeout }
    }

    /// All other sockets of the namespace.
    pub fn broadcast(&self) -> Broadcast {
        let target = Target { except: vec![self.id().into()], ..Target::default() };
        Broadcast::new(self.io().clone(), self.0.namespace.clone(), target)
    }

    /// The other sockets in this room. A socket's id is a room, too.
    pub fn to(&self, room: impl Into<Room>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// The same as [`to`](Self::to).
    pub fn within(&self, room: impl Into<Room>) -> Broadcast {
        self.to(room)
    }

    /// All other sockets but those in this room.
    pub fn except(&self, room: impl Into<Room>) -> Broadcast {
        self.broadcast().except(room)
    }

    fn send_packet(
        &self,
        encode: impl FnOnce(&mut String) -> Result<Vec<bytes::Bytes>, EncodeError>,
    ) -> Result<(), EmitError> {
        // What nobody will get is not encoded.
        if self.0.phase() == Phase::Disconnected {
            return Err(EmitError::Disconnected);
        }
        let mut encoded = Ok(Vec::new());
        let text = Outgoing::text(|out| encoded = encode(out));
        let attachments = encoded?;
        if attachments.is_empty() {
            return self.0.send(&[text]);
        }
        let parts: Vec<Outgoing> = std::iter::once(text)
            .chain(attachments.iter().map(|bytes| Outgoing::binary(bytes)))
            .collect();
        self.0.send(&parts)
    }
}

/// Rooms and values.
impl Socket {
    /// Joins a room. Returns whether it is new there; `false` also if it is in too many rooms
    /// ([`Config::max_rooms`](super::Config::max_rooms)), which is logged: [`try_join`](Self::try_join) tells.
    pub fn join(&self, room: impl AsRef<str>) -> bool {
        self.try_join(room).unwrap_or_else(|error| {
            tracing::warn!(socket = %self.id(), %error, "a room was not joined");
            false
        })
    }

    /// Joins a room. Returns whether it is new there; `false` also if it is not connected.
    ///
    /// # Errors
    /// [`TooManyRooms`].
    pub fn try_join(&self, room: impl AsRef<str>) -> Result<bool, TooManyRooms> {
        self.0.namespace.adapter.join(self.id(), room.as_ref())
    }

    /// Leaves a room. Returns whether it was there.
    pub fn leave(&self, room: impl AsRef<str>) -> bool {
        self.0.namespace.adapter.leave(self.id(), room.as_ref())
    }

    /// The rooms that it has joined; those that it was in once it is disconnected. The room that bears its id is not told.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        match self.0.ended() {
            Some((_, rooms)) => rooms,
            None => self.0.namespace.adapter.rooms(self.id()),
        }
    }

    /// Keeps a value with the socket, one per type, and returns the one before. Values are dropped with the connection, after
    /// the `on_disconnect` handlers.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        self.0.core().values.insert(value)
    }

    /// The value of this type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.core().values.get()
    }

    /// Takes the value of this type out.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.core().values.remove()
    }
}

/// The end.
impl Socket {
    /// Puts the client out of this namespace, or out of all and closes its connection if `close`. The client is told; by
    /// default it does not reconnect then.
    pub fn disconnect(&self, close: bool) {
        let sockets = if close { self.0.client.live_sockets() } else { vec![self.clone()] };
        for socket in sockets {
            socket.end(DisconnectReason::ServerNamespaceDisconnect);
        }
        if close {
            self.0.client.close(DisconnectReason::ForcedServerClose);
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
        let socket = Socket(self);
        socket.send_packet(|out| encode(out, socket.namespace_name()))
    }

    fn report(self: Arc<Self>, event: &str, error: &HandlerError) {
        let socket = Socket(self);
        socket.io().report(&socket, event, error);
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
            .field("phase", &self.0.phase())
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
        Answer::new(self.ask(event, &data), self.timeout)
    }

    fn ask<T, D: Serialize>(&self, event: &str, data: &D) -> Result<Pending<T>, EmitError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let socket = self.socket;
        let id = socket.0.namespace.ack_ids.next();
        let pending = Pending::register(socket, id)?;
        socket.send_packet(|out| {
            encode::event(out, socket.namespace_name(), Some(id), event, data)
        })?;
        Ok(pending)
    }
}
