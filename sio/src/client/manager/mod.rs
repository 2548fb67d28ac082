//! One connection with a server, over all of its sessions, and the namespaces on it.
//!
//! `state` is the machine that tells when to try, `opening` the task that does (there is none while a session is open), `receiver`
//! takes what comes. Sockets hold the manager; it holds them weakly, and ends its session with the last of them.
//!
//! Locks: that of a socket may be held when this one's is taken, never the other way round.

mod event;
mod opening;
mod receiver;
mod state;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use tokio::runtime::Handle as Runtime;
use tokio::task::AbortHandle;
use ws::net::{Timed, Wheel};

pub use self::event::ManagerEvent;
pub(super) use self::event::OnManager;
use self::state::{Machine, Next};
use super::asking::provider::{Headers, Url};
use super::socket::inner::Inner;
use super::{Config, ConnectError, Socket};
use crate::engine::CloseReason;
use crate::engine::client::{Client as Engine, Handle, Server};
use crate::handler::{OnError, Overdue, Reading, caught};

/// Shared by the sockets of one connection.
pub(super) struct Manager {
    settings: Settings,
    engine: Arc<Engine>,
    runtime: Runtime,
    state: Mutex<State>,
    reading: Mutex<Reading>,
}

/// What does not change.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) config: Arc<Config>,
    pub(super) server: Server,
    /// Added to the query of each URL.
    pub(super) query: Vec<(String, String)>,
    pub(super) url: Option<Url>,
    pub(super) headers: Option<Headers>,
    pub(super) on_error: Option<OnError<Socket>>,
    pub(super) on_manager: Option<OnManager>,
}

struct State {
    machine: Machine,
    /// Counts the sessions.
    session: u64,
    handle: Option<Handle>,
    /// Opens the next session.
    task: Option<AbortHandle>,
    sockets: Vec<(Arc<str>, Weak<Inner>)>,
}

impl Manager {
    /// Not connected yet.
    pub(super) fn new(settings: Settings, engine: Arc<Engine>) -> Arc<Self> {
        let reading = Mutex::new(Reading::new(settings.config.limits.attachment_timeout));
        let state = Mutex::new(State {
            machine: Machine::new(),
            session: 0,
            handle: None,
            task: None,
            sockets: Vec::new(),
        });
        Arc::new(Self { settings, engine, runtime: Runtime::current(), state, reading })
    }

    pub(super) fn config(&self) -> &Config {
        &self.settings.config
    }

    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) const fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn tell(&self, event: ManagerEvent<'_>) {
        tracing::debug!(?event, "manager");
        let Some(on_manager) = &self.settings.on_manager else { return };
        // A panic must not end the task that connects.
        if let Err(message) = caught(AssertUnwindSafe(|| on_manager(event))) {
            tracing::error!(%message, "who is told of the connection panicked");
        }
    }

    /// The session, while one is open.
    pub(super) fn handle(&self) -> Option<Handle> {
        self.state().handle.clone()
    }

    /// The session and its number, while one is open.
    pub(super) fn session(&self) -> Option<(u64, Handle)> {
        let state = self.state();
        Some((state.session, state.handle.clone()?))
    }

    /// One socket per namespace. Gives the session to join it in, if one is open.
    pub(super) fn insert(
        &self,
        socket: &Arc<Inner>,
    ) -> Result<Option<(u64, Handle)>, ConnectError> {
        let mut state = self.state();
        let namespace = socket.namespace();
        if state.sockets.iter().any(|(name, socket)| **name == **namespace && is_used(socket)) {
            return Err(ConnectError::AlreadyJoined);
        }
        state.sockets.retain(|(name, _)| name != namespace);
        state.sockets.push((namespace.clone(), Arc::downgrade(socket)));
        let session = state.session;
        Ok(state.handle.clone().map(|handle| (session, handle)))
    }

    /// A socket has ended. Without any the session ends, and nothing is left of it: whoever comes later begins anew.
    pub(super) fn remove(&self, socket: *const Inner) {
        let mut state = self.state();
        state.sockets.retain(|(_, found)| found.as_ptr() != socket);
        if !state.sockets.is_empty() {
            return;
        }
        state.machine.handle_unwanted();
        let (task, handle) = (state.task.take(), state.handle.take());
        drop(state);
        if let Some(task) = task {
            task.abort();
        }
        if let Some(handle) = handle {
            handle.close();
            self.tell(ManagerEvent::Close(CloseReason::ForcedClose.into()));
        }
    }

    /// The socket of a namespace.
    fn socket(&self, namespace: &str) -> Option<Arc<Inner>> {
        let state = self.state();
        let (_, socket) = state.sockets.iter().find(|(name, _)| **name == *namespace)?;
        let socket = socket.upgrade();
        // If it was the last handle that is dropped here, this manager is locked by that.
        drop(state);
        socket
    }

    fn sockets(&self) -> Vec<Arc<Inner>> {
        self.state().sockets.iter().filter_map(|(_, socket)| socket.upgrade()).collect()
    }

    /// A session has ended.
    fn handle_close(self: &Arc<Self>, session: u64, reason: CloseReason) {
        let mut state = self.state();
        if state.session != session || state.handle.take().is_none() {
            return;
        }
        let wanted = !state.sockets.is_empty();
        let next = state.machine.handle_lost(
            wanted,
            &self.config().reconnection,
            Wheel::now(),
            rand::random(),
        );
        let next = match next {
            Next::TryAt(at) => Some(at),
            Next::GiveUp => None,
        };
        drop(state);
        self.tell(ManagerEvent::Close(reason.into()));
        for socket in self.sockets() {
            socket.handle_loss(reason.into(), next.is_some());
        }
        let mut state = self.state();
        // All sockets may have ended by now, and others begun.
        if let Some(at) = next.filter(|_| state.machine.is_waiting() && state.task.is_none()) {
            let task = self.runtime.spawn(opening::keep_trying(self.clone(), at));
            state.task = Some(task.abort_handle());
        }
    }

    /// Pauses reading while at least one socket wants it.
    pub(super) fn pause(&self, pause: bool) {
        let handle = self.handle();
        // Held meanwhile, so that two who disagree leave it as the later one wants.
        let mut reading = self.reading();
        let change = reading.handle_pause(pause, Wheel::now());
        match (change, handle) {
            (Some(true), Some(handle)) => handle.pause_reading(),
            (Some(false), Some(handle)) => handle.resume_reading(),
            _ => {}
        }
    }

    /// Whether the next message has to be an attachment.
    fn expect_attachment(self: &Arc<Self>, is_incomplete: bool) {
        let deadline = self.reading().handle_message(is_incomplete, Wheel::now());
        if let Some(deadline) = deadline {
            let weak: Weak<Self> = Arc::downgrade(self);
            Wheel::current().schedule(weak, deadline);
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_used(socket: &Weak<Inner>) -> bool {
    socket.strong_count() > 0
}

/// The timeout of attachments.
impl Timed for Manager {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let next = self.reading().handle_timeout(now);
        next.unwrap_or_else(|Overdue| {
            tracing::debug!("closing a connection: an attachment did not come in time");
            if let Some(handle) = self.handle() {
                handle.fail();
            }
            None
        })
    }
}
