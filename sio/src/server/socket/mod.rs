//! One client in one namespace, and what a handler does with it.
//!
//! `state` is what all handles of it share, `gate` its way out, `endpoint` what its events see of it, `ending` its end and `reason` why.
//! `sending` waits for room, `rate` limits what comes. `session` makes it and calls it.

mod ending;
mod endpoint;
mod gate;
pub(super) mod rate;
pub(super) mod reason;
mod sending;
pub(super) mod state;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::state::{Inner, Phase};
use super::{
    Answer, Call, DisconnectReason, EmitError, Handler, HandlerError, Handshake, IntoReply, Io,
    Listener, Namespace, OnPanic,
};
use crate::adapter::{Room, SocketId, TooManyRooms};
use crate::emitter::{ListenerId, Listeners};
use crate::engine::Transport;
use crate::handler::{self, Encode, Endpoint, For, Inbox, Party, Replies};

/// How often to look whether a goodbye has been said: for longer than any send takes.
const PATIENCE: u32 = 1000;

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

    /// The transport that carries its messages now: polling, until the client has upgraded.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.0.client.handle.transport()
    }

    /// Events of the client's that wait because a handler is at work; see
    /// [`Config::max_queued_events`](super::Config::max_queued_events).
    #[must_use]
    pub fn queued_events(&self) -> usize {
        self.with_inbox(|inbox| inbox.queued_events())
    }

    /// Whether it has come back after its connection was lost, with id, rooms and data as they were; what it missed meanwhile it has
    /// got. See [`Config::recovery`](super::Config::recovery).
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.0.identity.as_ref().is_some_and(|identity| identity.resumed.is_some())
    }

    /// More about why it was disconnected, if there is more to tell.
    #[must_use]
    pub fn disconnect_details(&self) -> Option<Arc<str>> {
        self.0.core().end.as_ref().and_then(|end| end.details.clone())
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
        self.on_end("disconnect", handler, |inbox| &mut inbox.on_disconnect);
    }

    /// Calls the handler when the socket is disconnected, but before it leaves its rooms: as far as it runs without waiting, the
    /// rooms still have it. It gets nothing any more itself.
    pub fn on_disconnecting<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        self.on_end("disconnecting", handler, |inbox| &mut inbox.on_disconnecting);
    }

    fn on_end<A, R, H>(
        &self,
        event: &'static str,
        handler: H,
        list: impl FnOnce(&mut Inbox<Self>) -> &mut Vec<Listener>,
    ) where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let listener = handler::erase(For::Name(event.into()), handler);
        let mut core = self.0.core();
        if !core.inbox.is_ended() {
            list(&mut core.inbox).push(listener);
            return;
        }
        let Some(reason) = core.end.as_ref().map(|end| end.reason) else { return };
        drop(core);
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
        let left = self.0.core().end.as_ref().and_then(|end| end.rooms.clone());
        left.unwrap_or_else(|| {
            let mut rooms = self.0.namespace.adapter.rooms(self.id());
            self.0.hide_alias(&mut rooms);
            rooms
        })
    }

    /// Keeps data with the socket, as JSON: it is shown by [`fetch_sockets`](super::Broadcast::fetch_sockets), and restored with the
    /// socket. For what is only of use here there is [`insert`](Self::insert).
    ///
    /// # Errors
    /// The data has no JSON form.
    pub fn set_data(&self, data: &impl Serialize) -> Result<(), serde_json::Error> {
        let json = serde_json::to_string(data)?;
        self.0.core().data = Some(json.into());
        Ok(())
    }

    /// The data that is kept with it; `null` if there is none.
    ///
    /// # Errors
    /// Those of `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let json = self.0.core().data.clone();
        serde_json::from_str(json.as_deref().unwrap_or("null"))
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
        if !close {
            return self.end(DisconnectReason::ServerNamespaceDisconnect, None);
        }
        let client = &self.0.client;
        let sockets = client.live_sockets();
        for socket in &sockets {
            socket.end(DisconnectReason::ServerNamespaceDisconnect, None);
        }
        // A goodbye waits for those who are sending at this moment, and none of them waits for anything. If it is the caller who
        // does, further up, there is nobody left to say it to.
        for _ in 0..PATIENCE {
            if !sockets.iter().any(|socket| socket.0.gate.is_busy()) {
                break;
            }
            std::thread::yield_now();
        }
        client.close(DisconnectReason::ForcedServerClose, None);
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
        let sent = Socket(self.clone()).send_packet(encode);
        // The client would wait for this answer and never know.
        if matches!(sent, Err(EmitError::Full)) {
            self.client.does_not_keep_up();
        }
        sent
    }

    fn report(self: Arc<Self>, event: &str, error: &HandlerError) {
        let socket = Socket(self);
        socket.io().report(&socket, event, error);
        let closes = socket.io().config().on_panic == OnPanic::Disconnect;
        if closes && matches!(error, HandlerError::Panicked(_)) {
            let details = Some("a handler panicked".into());
            socket.0.client.close(DisconnectReason::ForcedServerClose, details);
        }
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
