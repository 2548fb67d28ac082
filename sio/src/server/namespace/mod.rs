//! Namespaces: each has its own sockets, rooms, middleware and ack ids.
//!
//! `registry` knows which there are, `parent` those that are made when a client asks. `entrance` is who is asked (`middleware`) and told
//! when one enters. `server_side` is for events that no client sees.

pub(super) mod entrance;
pub(super) mod middleware;
pub(super) mod parent;
pub(super) mod registry;
mod server_side;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use self::entrance::Entrance;
use self::middleware::AnyMiddleware;
use self::registry::Registry;
use self::server_side::ServerSide;
use super::recovery::Publisher;
use super::session::backlog::Worth;
use super::{
    Config, DisconnectReason, EmitError, Handler, IntoReply, Io, Listener, Middleware,
    SlowReceiver, Socket,
};
use crate::adapter::{
    Adapter, BuildIdHasher, Encoded, Memory, Room, RoomEvent, Session, SocketId, Sockets, Target,
    without_offset,
};
use crate::emitter::AckIds;
use crate::engine::Outgoing;
use crate::handler::{Frames, How, frame_encoded, show_packet};
use crate::packet::{Packet, Parser};

/// How many sockets a broadcast takes from the table at a time, so that a large one neither locks others out nor collects all.
const BATCH: usize = 256;

/// With room for fewer sockets than this the table keeps it when they are gone.
const SHRINK_FROM: usize = 256;

/// A namespace of the server's. Cheap to clone.
///
/// One that was made for a [`Parent`](super::Parent) lives as long as it has sockets, or somebody holds a handle of it.
#[derive(Clone)]
pub struct Namespace {
    pub(super) io: Io,
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) name: Box<str>,
    pub(super) parser: Option<Arc<dyn Parser>>,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) ack_ids: AckIds,
    /// With connection state recovery.
    pub(super) publisher: Option<Arc<Publisher>>,
    pub(super) server_side: ServerSide,
    /// Handlers and middleware of its own.
    pub(super) entrance: Entrance,
    /// Those that it has from its parent; they come first.
    pub(super) parent: Option<Arc<Entrance>>,
    sockets: RwLock<HashMap<SocketId, Socket, BuildIdHasher>>,
    slow_receiver: SlowReceiver,
    /// Where it is to be forgotten, if it is a child.
    registry: Weak<Registry>,
}

impl Namespace {
    pub(super) fn new(io: Io, inner: Arc<Inner>) -> Self {
        Self { io, inner }
    }

    /// Its name, with the leading slash.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Calls the handler for every client that joins from now on, after the client has been told.
    ///
    /// The client's events wait until the handler has returned, so that it can register listeners for them. What should go on
    /// for as long as the socket lives belongs into a task of its own.
    pub fn on_connect<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        self.inner.entrance.add_handler(handler);
    }

    /// Lets every client that asks to join from now on pass through `middleware`, which may refuse it: with
    /// `Err(ConnectError)`, or an error that is `Into` one, such as a `&str`. They run in the order of registration.
    pub fn middleware<A, M: Middleware<A>>(&self, middleware: M) {
        self.inner.entrance.add_middleware(middleware);
    }

    /// Calls `observer` with every room of this namespace that is made, removed, joined or left, by a socket of this process.
    pub fn on_room_event(&self, observer: impl Fn(&RoomEvent) + Send + Sync + 'static) {
        self.inner.adapter.observe(Arc::new(observer));
    }

    /// Calls `listener` with the state of every socket that could have come back and has not in time. Never without
    /// [`Config::recovery`].
    pub fn on_recovery_expired(&self, listener: impl Fn(&Session) + Send + Sync + 'static) {
        if let Some(publisher) = &self.inner.publisher {
            publisher.on_expired(Arc::new(listener));
        }
    }

    /// The connected socket with this id.
    #[must_use]
    pub fn socket(&self, id: SocketId) -> Option<Socket> {
        self.inner.read().get(&id).cloned()
    }

    /// All connected sockets of this process, in no particular order.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.inner.read().values().cloned().collect()
    }

    /// All rooms that sockets of this process are in, each with how many are in it, in no particular order; who that is, tell
    /// `io.to(room).sockets()` and [X
    ///
    /// It is a copy, without the members, whose length is the number of rooms.
    #[must_use]
    pub fn rooms(&self) -> Vec<(Room, usize)> {
        // A client of revision 3 is also reached by the id of its session, which is a secret. It may come or go meanwhile.
        let mut hidden = self.inner.aliases();
        let mut rooms = self.inner.adapter.all_rooms();
        hidden.extend(self.inner.aliases());
        rooms.retain(|(room, _)| !hidden.contains(room));
        rooms
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("name", &self.name())
            .field("sockets", &self.inner.read().len())
            .finish()
    }
}

impl Inner {
    pub(super) fn new(
        name: &str,
        config: &Config,
        parent: Option<Arc<Entrance>>,
        registry: Weak<Registry>,
    ) -> Self {
        Self {
            name: name.into(),
            parser: config.parser.clone(),
            adapter: Arc::new(Memory::new(config.max_rooms)),
            ack_ids: AckIds::default(),
            publisher: config.recovery.as_ref().map(|kept| Publisher::new(kept, config)),
            server_side: ServerSide::default(),
            entrance: Entrance::default(),
            parent,
            sockets: RwLock::default(),
            slow_receiver: config.slow_receiver,
            registry,
        }
    }

    pub(super) fn on_connect(&self) -> Vec<Listener> {
        let entrances = self.parent.as_deref().into_iter().chain([&self.entrance]);
        entrances.flat_map(|entrance| entrance.on_connect().to_vec()).collect()
    }

    pub(super) fn middleware(&self) -> Vec<AnyMiddleware> {
        let entrances = self.parent.as_deref().into_iter().chain([&self.entrance]);
        entrances.flat_map(|entrance| entrance.middleware().to_vec()).collect()
    }

    /// Puts a socket into the table and its rooms. `None` if it comes back, and some of what it has missed is gone.
    pub(super) fn insert(&self, socket: &Socket) -> Option<Entered> {
        let mut events = Vec::new();
        let mut insert = |rooms: &[Room]| {
            self.write().insert(socket.id(), socket.clone());
            self.adapter.add(socket.id());
            let alias = socket.inner().alias();
            for rooms in [rooms, alias.as_slice()].into_iter().filter(|rooms| !rooms.is_empty()) {
                events.extend(self.adapter.restore(socket.id(), rooms));
            }
        };
        let (Some(publisher), Some(identity)) = (&self.publisher, &socket.inner().identity) else {
            insert(&[]);
            return Some(Entered { missed: Vec::new(), events });
        };
        let missed = publisher.enter(socket, identity, || {
            insert(identity.resumed.as_ref().map_or(&[], |resumed| &resumed.rooms));
        })?;
        let frames = missed.iter().filter_map(|packet| self.frame(packet));
        Some(Entered { missed: frames.flat_map(|frames| frames.to_vec()).collect(), events })
    }

    /// Takes a socket out of the table and of its rooms, which are returned, and keeps its state if it may come back.
    pub(super) fn remove(&self, socket: &Socket, reason: DisconnectReason) -> Vec<Room> {
        let id = socket.id();
        let mut sockets = self.write();
        // One that has come back bears the same id.
        let is_there = sockets.get(&id).is_some_and(|there| there == socket);
        let removed = if is_there { sockets.remove(&id) } else { None };
        // A crowd that is gone leaves no memory behind.
        let (room, taken) = (sockets.capacity(), sockets.len());
        if room > SHRINK_FROM && room / 8 > taken {
            sockets.shrink_to(2 * taken);
        }
        drop(sockets);
        let mut rooms = removed.map(|_| self.adapter.remove(id)).unwrap_or_default();
        socket.inner().hide_alias(&mut rooms);
        if let (Some(publisher), Some(identity)) = (&self.publisher, &socket.inner().identity) {
            let restored = identity.resumed.as_ref().filter(|_| !is_there);
            rooms.extend(restored.into_iter().flat_map(|restored| restored.rooms.iter().cloned()));
            // One that has never entered is kept only if it was kept before.
            if is_there || identity.resumed.is_some() {
                publisher.leave(socket, identity, reason, &rooms);
            }
        }
        rooms
    }

    /// The sockets with these ids that are connected.
    pub(super) fn find(&self, ids: &[SocketId]) -> Vec<Socket> {
        let sockets = self.read();
        ids.iter().filter_map(|id| sockets.get(id).cloned()).collect()
    }

    /// Sends an event that asks for no answer.
    pub(super) fn broadcast(&self, target: &Target, mut packet: Encoded, how: How) {
        match &self.publisher {
            Some(publisher) if !how.volatile => {
                publisher.publish(self, target, packet, how, false);
            }
            publisher => {
                if publisher.is_some() {
                    without_offset(&mut packet);
                }
                let delivery = Delivery { namespace: self, how, offset: 0, is_shown: false };
                self.adapter.broadcast(target, &packet, &delivery);
            }
        }
    }

    /// Frames a packet once for all who get it. `None` if the parser can't write it, which is logged.
    fn frame(&self, packet: &Encoded) -> Option<Frames> {
        frame_encoded(self.parser.as_deref(), &packet.text, &packet.attachments)
            .inspect_err(|error| {
                tracing::error!(%error, namespace = &*self.name, "a packet was not sent");
            })
            .ok()
    }

    fn aliases(&self) -> HashSet<Room> {
        self.read().values().filter_map(|socket| socket.inner().alias()).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<SocketId, Socket, BuildIdHasher>> {
        self.sockets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<SocketId, Socket, BuildIdHasher>> {
        self.sockets.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What follows when a socket has entered that was here before.
#[derive(Default)]
pub(super) struct Entered {
    /// What it has missed.
    pub(super) missed: Vec<Outgoing>,
    /// What is to be told of its rooms.
    pub(super) events: Vec<RoomEvent>,
}

/// A child is forgotten with the last who holds it.
impl Drop for Inner {
    fn drop(&mut self) {
        if self.parent.is_some()
            && let Some(registry) = self.registry.upgrade()
        {
            registry.forget(&self.name);
        }
    }
}

/// One packet on its way to sockets of this process.
pub(super) struct Delivery<'a> {
    pub(super) namespace: &'a Inner,
    pub(super) how: How,
    /// Which packet it is, if it is one that is kept.
    pub(super) offset: u64,
    /// Who sees what is emitted has seen it.
    pub(super) is_shown: bool,
}

impl Sockets for Delivery<'_> {
    fn deliver(&self, ids: &[SocketId], packet: &Encoded) {
        let Some(messages) = self.namespace.frame(packet) else { return };
        let messages = messages.compress(self.how.compress);
        // For those who see what is emitted.
        let mut own = None;
        for batch in ids.chunks(BATCH) {
            // A send may end a session, which comes back for the table: it must not be locked.
            for socket in self.namespace.find(batch) {
                if self.is_for(&socket, packet, &mut own) {
                    self.send(&socket, &messages);
                }
            }
        }
    }

    fn handle_server_side(&self, packet: &Encoded) {
        self.namespace.server_side.handle(packet);
    }
}

impl Delivery<'_> {
    fn is_for(&self, socket: &Socket, packet: &Encoded, own: &mut Option<Packet>) -> bool {
        // One that has come back has got what was sent before.
        if self.offset != 0 && self.offset <= socket.inner().replayed.load(Ordering::Acquire) {
            return false;
        }
        let hooks = if self.is_shown { None } else { socket.outgoing_hooks() };
        let Some(hooks) = hooks else { return true };
        if own.is_none() {
            *own = Packet::from_encoded(&packet.text, packet.attachments.clone()).ok();
        }
        own.as_ref().is_none_or(|own| show_packet(&hooks, own).is_ok())
    }

    fn send(&self, socket: &Socket, messages: &[Outgoing]) {
        let sent = socket.inner().send(messages, Worth::of(self.how));
        if let (Err(EmitError::Full), SlowReceiver::Disconnect) =
            (sent, self.namespace.slow_receiver)
        {
            socket.inner().client.does_not_keep_up();
        }
    }
}
