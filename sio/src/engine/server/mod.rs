//! The Engine.IO server on tokio: HTTP by hyper, WebSocket by `ws`, one [`Session`](super::Session) machine per client.
//!
//! ```text
//!  hyper connection --> http --> polling   --+
//!        (upgrade)        |                  +--> peer (session machine, locks) --> Application, SessionHandler
//!  ws task        <-------+--> websocket ----+        ^
//!                                                     +--- Handle, from any task; Wheel, for time
//! ```
//! An application (Socket.IO, or anything that wants messages both ways) implements [`Application`] and [`SessionHandler`].

mod answer;
#[cfg(feature = "axum")]
mod auto;
#[cfg(not(feature = "axum"))]
#[path = "without_auto.rs"]
mod auto;
mod batch;
mod census;
#[cfg(feature = "deflate")]
mod compress;
#[cfg(not(feature = "deflate"))]
#[path = "without_deflate.rs"]
mod compress;
mod connection;
mod handle;
mod handshake;
mod hooks;
mod http;
mod pace;
mod peer;
mod polling;
mod registry;
mod request;
mod route;
mod upgraded;
mod websocket;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

pub use self::answer::{Body, body, not_found};
use self::census::Census;
pub use self::connection::{Fallback, Remote, Site};
pub use self::handle::Handle;
pub use self::hooks::{ConnectionError, ErrorContext, Hooks};
pub use self::pace::Pace;
use self::peer::Peer;
use self::registry::Registry;
pub use self::request::RequestInfo;
pub use super::SessionHandler;
use super::{Config, ConfigError, Household, Outgoing};

/// What stands on an engine: is told of new sessions.
pub trait Application: Send + Sync + 'static {
    /// A session has opened; the client has been told its id. What is sent on the handle here comes first. The returned handler
    /// gets what the client sends.
    fn on_open(&self, session: Handle) -> Box<dyn SessionHandler>;

    /// A message in the words of clients of version 3, if they differ. Only asked for messages to these.
    fn for_version_3(&self, message: &Outgoing) -> Option<Outgoing> {
        let _ = message;
        None
    }
}

/// An Engine.IO server: all its sessions. Cheap to clone; the sessions end with the last clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    /// The limits of a WebSocket that carries a session.
    websocket: Arc<ws::Config>,
    application: Arc<dyn Application>,
    registry: Arc<Registry>,
    hooks: RwLock<Arc<Hooks>>,
    /// Connections of each address.
    connections: Arc<Mutex<Census>>,
}

/// The place of one connection among those of its address; free once this is dropped.
#[derive(Debug)]
pub struct Door(Option<(Arc<Mutex<Census>>, Household)>);

impl Engine {
    /// A server with these settings, for this application.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting can't work.
    pub fn new(config: Config, application: Arc<dyn Application>) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut websocket = ws::Config::default();
        websocket.max_message_size = config.max_payload;
        websocket.max_frame_size = config.max_payload;
        websocket.max_buffered_bytes = config.max_buffered_bytes;
        websocket.overflow = config.overflow;
        // Engine.IO has a heartbeat of its own, which also works for clients that can't ping.
        websocket.ping_interval = None;
        websocket.idle_timeout = None;
        let config = Arc::new(config);
        let registry = Arc::new(Registry::new(config.clone()));
        Ok(Self(Arc::new(Inner {
            config,
            websocket: Arc::new(websocket),
            application,
            registry,
            hooks: RwLock::default(),
            connections: Arc::default(),
        })))
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.0.config
    }

    /// What the application decides about requests.
    #[must_use]
    pub fn hooks(&self) -> Arc<Hooks> {
        self.0.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what the application decides about requests, from the next request on.
    pub fn set_hooks(&self, change: impl FnOnce(&mut Hooks)) {
        let mut hooks = self.0.hooks.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut hooks));
    }

    /// May there be another TCP connection from this address? Its place is to be kept for as long as it lives; `None` if there are
    /// [`AddressLimits::max_connections`](super::AddressLimits::max_connections) already.
    #[must_use]
    pub fn admit_connection(&self, address: IpAddr) -> Option<Door> {
        let limits = &self.config().addresses;
        let Some(household) = limits.household(address) else { return Some(Door(None)) };
        let connections = &self.0.connections;
        let mut census = connections.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = census.enter(household, limits.max_connections, None, ws::net::Wheel::now());
        admitted.then(|| Door(Some((connections.clone(), household))))
    }

    /// How many sessions there are, closing ones included.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.0.registry.len()
    }

    /// Closes all sessions, each after what has been sent on it.
    pub fn close_all(&self) {
        for peer in self.0.registry.all() {
            peer.close();
        }
    }

    /// Opens no more sessions: a handshake is answered with 503.
    pub fn refuse(&self) {
        self.0.registry.refuse();
    }

    /// As [`Self::shutdown`], but the sessions are closed one after the other over `window`.
    pub async fn shutdown_over(&self, window: Duration, patience: Duration) {
        let deadline = ws::net::Wheel::deadline(patience);
        self.refuse();
        let peers = self.0.registry.all();
        let mut pace = Pace::new(window, peers.len(), deadline);
        for peer in peers {
            pace.next().await;
            peer.close();
        }
        self.shutdown(deadline.saturating_duration_since(ws::net::Wheel::now())).await;
    }

    /// Opens no more sessions, closes those that there are, and waits until the last client has been told, but not longer than
    /// `patience`: then the rest is cut off.
    pub async fn shutdown(&self, patience: Duration) {
        self.0.registry.refuse();
        self.close_all();
        let _ = tokio::time::timeout(patience, self.0.registry.emptied()).await;
        for peer in self.0.registry.all() {
            peer.abort();
        }
        // Not before: until now a client could come for its last packets.
        self.0.registry.end();
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some((census, household)) = &self.0 {
            census.lock().unwrap_or_else(PoisonError::into_inner).leave(*household);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for peer in self.registry.all() {
            peer.abort();
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("path", &self.0.config.path)
            .field("sessions", &self.session_count())
            .finish_non_exhaustive()
    }
}
