//! The server itself: its namespaces, settings and sessions.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ws::net::Shutdown;

use super::namespace::Inner as NamespaceInner;
use super::revision4;
use super::values::Values;
use super::{
    Answers, Broadcast, Config, ConfigError, EmitError, Handler, HandlerError, IntoReply,
    Middleware, Namespace, Socket,
};
use crate::adapter::Room;
use crate::engine::server::{Application, Engine, Fallback, Handle, SessionHandler, not_found};
use crate::engine::{CloseReason, Message, Outgoing};
use crate::handler::{self, OnError};
use crate::packet::ROOT;

/// A Socket.IO server. Cheap to clone.
///
/// What is registered and sent here without a namespace means the namespace `/`, which every server has.
///
/// ```no_run
/// use sio::server::{Data, Io, Socket};
///
/// # async fn example() -> std::io::Result<()> {
/// let io = Io::new();
/// io.on_connect(async |socket: Socket| {
///     socket.join("lobby");
///     socket.on("chat message", async |socket: Socket, Data(text): Data<String>| {
///         socket.to("lobby").emit("chat message", &text) // everyone in the room but the sender
///     });
///     socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b); // what a handler returns is its ack
/// });
/// io.listen("127.0.0.1:3000").await
/// # }
/// ```
#[derive(Clone)]
pub struct Io(Arc<Inner>);

struct Inner {
    config: Config,
    engine: Engine,
    namespaces: RwLock<HashMap<Box<str>, Arc<NamespaceInner>>>,
    values: Mutex<Values>,
    on_error: RwLock<Option<OnError<Socket>>>,
    fallback: RwLock<Fallback>,
    listeners: Mutex<Vec<Shutdown>>,
}

impl Io {
    /// A server with the default [`Config`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(Config::default()).expect("the default configuration is valid")
    }

    /// A server with these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting can't work.
    pub fn with_config(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        let root = Arc::new(NamespaceInner::new(ROOT, config.max_rooms));
        let inner = Arc::new_cyclic(|weak| Inner {
            engine: Engine::new(config.engine.clone(), Arc::new(Sessions(weak.clone())))
                .expect("the engine's settings have been checked with the others"),
            config,
            namespaces: RwLock::new(HashMap::from([(ROOT.into(), root)])),
            values: Mutex::default(),
            on_error: RwLock::default(),
            fallback: RwLock::new(Arc::new(|_| Box::pin(async { not_found() }))),
            listeners: Mutex::default(),
        });
        Ok(Self(inner))
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The namespace of this name, made if there is none. A leading slash may be left out.
    ///
    /// Clients can join it from now on. A name with a comma can't be written in a packet, so that no client ever does.
    #[must_use]
    pub fn of(&self, name: &str) -> Namespace {
        let name = if name.starts_with('/') { name.to_owned() } else { format!("/{name}") };
        let mut namespaces = self.0.namespaces.write().unwrap_or_else(PoisonError::into_inner);
        let inner = namespaces.entry(name.into()).or_insert_with_key(|name| {
            Arc::new(NamespaceInner::new(name, self.0.config.max_rooms))
        });
        Namespace::new(self.clone(), inner.clone())
    }

    /// Keeps a value for handlers, one per type, which take it as [`State`](super::State). Replaces the one before.
    pub fn state<T: Send + Sync + 'static>(&self, value: T) {
        let before = self.values().insert(value);
        drop(before);
    }

    pub(super) fn get_state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.values().get()
    }

    /// Calls `report` with everything that goes wrong in a handler: arguments that do not fit, errors that it returns, panics.
    /// The event's name is `connect` or `disconnect` for the handlers of those. Without it such errors are logged.
    pub fn on_error(&self, report: impl Fn(&Socket, &str, &HandlerError) + Send + Sync + 'static) {
        let report: OnError<Socket> = Arc::new(report);
        let before =
            self.0.on_error.write().unwrap_or_else(PoisonError::into_inner).replace(report);
        drop(before);
    }

    pub(super) fn report(&self, socket: &Socket, event: &str, error: &HandlerError) {
        let on_error = self.0.on_error.read().unwrap_or_else(PoisonError::into_inner).clone();
        handler::report(on_error, socket, event, error);
    }

    pub(super) fn find(&self, namespace: &str) -> Option<Arc<NamespaceInner>> {
        let namespaces = self.0.namespaces.read().unwrap_or_else(PoisonError::into_inner);
        namespaces.get(namespace).cloned()
    }

    /// The engine below: its sessions.
    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn get_fallback(&self) -> Fallback {
        self.0.fallback.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_fallback(&self, fallback: Fallback) {
        let mut current = self.0.fallback.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, fallback);
        drop(current);
        drop(before);
    }

    pub(super) fn listeners(&self) -> MutexGuard<'_, Vec<Shutdown>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn values(&self) -> MutexGuard<'_, Values> {
        self.0.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn namespaces(&self) -> &RwLock<HashMap<Box<str>, Arc<NamespaceInner>>> {
        &self.0.namespaces
    }
}

/// The namespace `/`; see [`Namespace`] for each.
impl Io {
    fn root(&self) -> Namespace {
        self.of(ROOT)
    }

    /// See [`Namespace::on_connect`].
    pub fn on_connect<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        self.root().on_connect(handler);
    }

    /// See [`Namespace::middleware`].
    pub fn middleware<A, M: Middleware<A>>(&self, middleware: M) {
        self.root().middleware(middleware);
    }

    /// See [`Namespace::broadcast`].
    pub fn broadcast(&self) -> Broadcast {
        self.root().broadcast()
    }

    /// See [`Namespace::to`].
    pub fn to(&self, room: impl Into<Room>) -> Broadcast {
        self.root().to(room)
    }

    /// See [`Namespace::within`].
    pub fn within(&self, room: impl Into<Room>) -> Broadcast {
        self.root().within(room)
    }

    /// See [`Namespace::except`].
    pub fn except(&self, room: impl Into<Room>) -> Broadcast {
        self.root().except(room)
    }

    /// See [`Namespace::local`].
    pub fn local(&self) -> Broadcast {
        self.root().local()
    }

    /// See [`Broadcast::timeout`].
    pub fn timeout(&self, timeout: Duration) -> Broadcast {
        self.broadcast().timeout(timeout)
    }

    /// See [`Namespace::emit`].
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.root().emit(event, data)
    }

    /// See [`Namespace::emit_with_ack`].
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answers<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.root().emit_with_ack(event, data)
    }

    /// See [`Namespace::sockets`].
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.root().sockets()
    }
}

impl Default for Io {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("engine", &self.0.engine).finish_non_exhaustive()
    }
}

/// Takes the engine's sessions. Weak, because the server owns the engine.
struct Sessions(Weak<Inner>);

impl Application for Sessions {
    fn on_open(&self, session: Handle) -> Box<dyn SessionHandler> {
        match self.0.upgrade() {
            Some(inner) => revision4::open(Io(inner), session),
            None => {
                session.close();
                Box::new(Nobody)
            }
        }
    }

    fn for_version_3(&self, packet: &Outgoing) -> Option<Outgoing> {
        revision4::downgrade(packet)
    }
}

/// For a session that opens while the server is dropped.
struct Nobody;

impl SessionHandler for Nobody {
    fn on_message(&mut self, _: Message<'_>) {}

    fn on_close(&mut self, _: CloseReason) {}
}
