//! Namespaces: each has its own sockets, rooms, middleware and ack ids.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Listener;
use super::middleware::{self, AnyMiddleware};
use super::{Answers, Broadcast, Config, EmitError, Handler, IntoReply, Io, Middleware, Socket};
use crate::adapter::{Adapter, BuildIdHasher, Encoded, Memory, Room, SocketId, Sockets, Target};
use crate::emitter::AckIds;
use crate::handler::{self, For, frame_encoded};
use crate::packet::Parser;

/// How many sockets a broadcast takes from the table at a time, so that a large one neither locks others out nor collects all.
const BATCH: usize = 256;

/// A namespace of the server's. Cheap to clone.
#[derive(Clone)]
pub struct Namespace {
    io: Io,
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) name: Box<str>,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) parser: Option<Arc<dyn Parser>>,
    pub(super) ack_ids: AckIds,
    sockets: RwLock<HashMap<SocketId, Socket, BuildIdHasher>>,
    on_connect: RwLock<Arc<[Listener]>>,
    middleware: RwLock<Arc<[AnyMiddleware]>>,
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
        push(&self.inner.on_connect, handler::erase(For::Name("connect".into()), handler));
    }

    /// Lets every client that asks to join from now on pass through `middleware`, which may refuse it: with
    /// `Err(ConnectError)`, or an error that is `Into` one, such as a `&str`. They run in the order of registration.
    pub fn middleware<A, M: Middleware<A>>(&self, middleware: M) {
        push(&self.inner.middleware, middleware::erase(middleware));
    }

    /// All of its sockets.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.io.clone(), self.inner.clone(), Target::default())
    }

    /// The sockets in this room. A socket's id is a room, too.
    pub fn to(&self, room: impl Into<Room>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// The same as [`to`](Self::to): reads better before a verb other than `emit`.
    pub fn within(&self, room: impl Into<Room>) -> Broadcast {
        self.to(room)
    }

    /// All of its sockets but those in this room.
    pub fn except(&self, room: impl Into<Room>) -> Broadcast {
        self.broadcast().except(room)
    }

    /// All of its sockets in this process.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// Sends an event to all of its sockets.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.broadcast().emit(event, data)
    }

    /// Sends an event to all of its sockets and collects their answers.
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answers<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.broadcast().emit_with_ack(event, data)
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
    pub(super) fn new(name: &str, config: &Config) -> Self {
        Self {
            name: name.into(),
            parser: config.parser.clone(),
            adapter: Arc::new(Memory::new(config.max_rooms)),
            ack_ids: AckIds::default(),
            sockets: RwLock::default(),
            on_connect: RwLock::new(Arc::new([])),
            middleware: RwLock::new(Arc::new([])),
        }
    }

    pub(super) fn on_connect(&self) -> Arc<[Listener]> {
        list(&self.on_connect)
    }

    pub(super) fn middleware(&self) -> Arc<[AnyMiddleware]> {
        list(&self.middleware)
    }

    pub(super) fn insert(&self, socket: Socket) {
        let id = socket.id();
        self.write().insert(id, socket);
        self.adapter.add(id);
    }

    /// Takes a socket out of the table and of its rooms, which are returned.
    pub(super) fn remove(&self, id: SocketId) -> Vec<Room> {
        let removed = self.write().remove(&id);
        drop(removed);
        self.adapter.remove(id)
    }

    /// The sockets with these ids that are connected.
    pub(super) fn find(&self, ids: &[SocketId]) -> Vec<Socket> {
        let sockets = self.read();
        ids.iter().filter_map(|id| sockets.get(id).cloned()).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<SocketId, Socket, BuildIdHasher>> {
        self.sockets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<SocketId, Socket, BuildIdHasher>> {
        self.sockets.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sockets for Inner {
    fn deliver(&self, ids: &[SocketId], packet: &Encoded) {
        let framed = frame_encoded(self.parser.as_deref(), &packet.text, &packet.attachments);
        let messages = match framed {
            Ok(messages) => messages,
            Err(error) => {
                return tracing::error!(%error, namespace = &*self.name, "a broadcast was not sent");
            }
        };
        for batch in ids.chunks(BATCH) {
            // A send may end a session, which comes back for the table: it must not be locked.
            for socket in self.find(batch) {
                if let Err(EmitError::Full) = socket.inner().send(&messages) {
                    socket.inner().client.does_not_keep_up();
                }
            }
        }
    }
}

fn list<T>(lock: &RwLock<Arc<[T]>>) -> Arc<[T]> {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn push<T: Clone>(lock: &RwLock<Arc<[T]>>, item: T) {
    let mut list = lock.write().unwrap_or_else(PoisonError::into_inner);
    *list = list.iter().cloned().chain([item]).collect();
}
