//! The server itself: its namespaces, settings and sessions.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use ws::net::Shutdown;

use super::namespace::Inner as NamespaceInner;
use super::namespace::entrance::Entrance;
use super::namespace::parent::Inner as ParentInner;
use super::namespace::registry::Registry;
use super::session::revision4;
use super::values::Values;
use super::{
    Config, ConfigError, Handler, HandlerError, IntoReply, Middleware, Namespace, NamespaceRequest,
    Parent, Socket,
};
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
    registry: Arc<Registry>,
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
        let inner = Arc::new_cyclic(|weak| Inner {
            engine: Engine::new(config.engine.clone(), Arc::new(Sessions(weak.clone())))
                .expect("the engine's settings have been checked with the others"),
            registry: Registry::new(&config),
            config,
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
        Namespace::new(self.clone(), self.make(&name, None))
    }

    /// Namespaces that are made when a client asks for one: all whose names fit `pattern`, in which `*` stands for one or more
    /// characters other than `/`. Those that [`of`](Self::of) has made go first.
    ///
    /// ```
    /// # use sio::server::{Io, Socket};
    /// # let io = Io::new();
    /// let tenants = io.of_pattern("/tenant-*");
    /// tenants.on_connect(async |socket: Socket| socket.emit("welcome", socket.namespace_name()));
    /// ```
    pub fn of_pattern(&self, pattern: &str) -> Parent {
        self.add_parent(ParentInner::of_pattern(pattern))
    }

    /// Namespaces that are made when a client asks for one: all for which `admits` says true. Patterns and functions are tried in
    /// the order of registration.
    ///
    /// ```
    /// # use sio::server::{Io, NamespaceRequest};
    /// # async fn exists(tenant: &str) -> bool { true }
    /// # let io = Io::new();
    /// let tenants = io.of_dynamic(async |request: NamespaceRequest| match request.name().strip_prefix("/tenants/") {
    ///     Some(tenant) => exists(tenant).await,
    ///     None => false,
    /// });
    /// ```
    pub fn of_dynamic<F, Fut>(&self, admits: F) -> Parent
    where
        F: Fn(NamespaceRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.add_parent(ParentInner::of_function(admits))
    }

    fn add_parent(&self, parent: ParentInner) -> Parent {
        let parent = Arc::new(parent);
        self.0.registry.add_parent(parent.clone());
        Parent::new(self.clone(), parent)
    }

    pub(super) fn has_parents(&self) -> bool {
        !self.0.registry.parents().is_empty()
    }

    /// The namespaces that have been made for a parent.
    pub(super) fn children(&self, of: &Arc<Entrance>) -> Vec<Namespace> {
        let is_child = |inner: &Arc<NamespaceInner>| {
            inner.parent.as_ref().is_some_and(|parent| Arc::ptr_eq(parent, of))
        };
        let children = self.0.registry.all().into_iter().filter(is_child);
        children.map(|inner| Namespace::new(self.clone(), inner)).collect()
    }

    /// Calls `listener` with every namespace that is new, whoever it was made for.
    pub fn on_new_namespace(&self, listener: impl Fn(Namespace) + Send + Sync + 'static) {
        self.0.registry.add_on_new(Arc::new(listener));
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.0.registry
    }

    /// Sessions that are open: one for each client, however many namespaces it is in.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.engine.session_count()
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
        self.0.registry.find(namespace)
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

    /// All namespaces that there are.
    pub(super) fn all_namespaces(&self) -> Vec<Arc<NamespaceInner>> {
        self.0.registry.all()
    }
}

/// The namespace `/`; see [`Namespace`] for each.
impl Io {
    pub(super) fn root(&self) -> Namespace {
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
