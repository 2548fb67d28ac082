//! What a handler does with its client.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::state::{Inner, Phase};
use super::{
    Answer, Broadcast, Call, DisconnectReason, EmitError, Handler, HandlerError, Handshake,
    IntoReply, Io, Listener, Namespace,
};
use crate::adapter::{Room, SocketId, Target, TooManyRooms};
use crate::emitter::{ListenerId, Listeners};
use crate::handler::{self, Encode, Endpoint, For, Party, Replies};

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
        self.with_inbox(|inbox| inbox.queued_events())
    }

    /// Bytes that wait for the client, in all of its namespaces.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.0.client.handle.buffered_bytes()
    }
}

handler::verbs!();

/// The end of it.
impl Socket {
    /// Calls the handler when the socket is disconnected, at once if it is already. [`rooms`](Self::rooms) still gives the
    /// rooms that it was in.
    pub fn on_disconnect<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Name("disconnect".into()), handler);
        let mut core = self.0.core();
        if !core.inbox.is_ended() {
            core.inbox.on_disconnect.push(listener);
            return;
        }
        drop(core);
        let Some((reason, _)) = self.0.ended() else { return };
        if let Some(work) = listener(&mut Call::disconnect(self, reason)) {
            self.run(work);
        }
    }

    fn listen(&self, add: impl FnOnce(&mut Listeners<Listener>) -> ListenerId) -> ListenerId {
        let id = self.with_inbox(|inbox| add(&mut inbox.listeners));
        // If it will never be called: it may hold this socket.
        self.handle_idle();
        id
    }
}

/// Sending.
impl Socket {
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
        let before = self.0.core().values.insert(value);
        self.handle_idle();
        before
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
        Socket(self).send_packet(encode)
    }

    fn report(self: Arc<Self>, event: &str, error: &HandlerError) {
        let socket = Socket(self);
        socket.io().report(&socket, event, error);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id())
            .field("namespace", &self.namespace_name())
            .field("phase", &self.0.phase())
            .finish()
    }
}
