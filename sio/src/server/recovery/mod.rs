//! Connection state recovery: what is sent is kept, in one order for all, and what was missed is sent again (rule 29).
//!
//! The journal gives each event its offset, so a client must get them in that order: whoever emits puts the event into a queue, under
//! the journal's lock, and one of those who do sends what is in it, without. A send may end a session and come back here; it then
//! only adds to the queue. `identity` is who a socket is over several connections.

pub(super) mod identity;

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use ws::net::{Timed, Wheel};

use self::identity::Identity;
use super::namespace::{Delivery, Inner as Namespace};
use super::socket::state::Inner;
use super::{Config, DisconnectReason, Recovery, Socket};
use crate::adapter::{Encoded, Journal, JournalLimits, Room, Session, SocketId, Sockets, Target};
use crate::handler::{How, caught};

/// How often what is too old is forgotten.
const SWEEP: Duration = Duration::from_secs(60);

pub(super) type OnExpired = Arc<dyn Fn(&Session) + Send + Sync>;

/// Sends the events of one namespace, and remembers them.
pub(super) struct Publisher {
    state: Mutex<State>,
    sweep: Duration,
    on_expired: RwLock<Arc<[OnExpired]>>,
}

struct State {
    journal: Journal,
    /// Sockets by their private ids, until their state is kept.
    live: HashMap<Box<str>, Weak<Inner>>,
    queue: VecDeque<Queued>,
    /// Somebody is sending what is in the queue.
    is_sending: bool,
    is_scheduled: bool,
    /// A namespace that is gone with its last socket stays for those that may come back.
    kept_alive: Option<Arc<Namespace>>,
}

/// An event, and who gets it.
struct Queued {
    ids: Vec<SocketId>,
    packet: Encoded,
    offset: u64,
    how: How,
    is_shown: bool,
}

impl Publisher {
    pub(super) fn new(recovery: &Recovery, config: &Config) -> Arc<Self> {
        let unnoticed = config.engine.ping_interval + config.engine.ping_timeout;
        let journal = Journal::new(JournalLimits {
            session_age: recovery.max_disconnection,
            packet_age: recovery.max_disconnection + unnoticed,
            bytes: recovery.max_bytes,
            sessions: recovery.max_sessions,
        });
        Arc::new(Self {
            state: Mutex::new(State {
                journal,
                live: HashMap::new(),
                queue: VecDeque::new(),
                is_sending: false,
                is_scheduled: false,
                kept_alive: None,
            }),
            sweep: SWEEP.min(recovery.max_disconnection),
            on_expired: RwLock::new(Arc::new([])),
        })
    }

    /// Sends an event to whom it is for, now or as soon as what is before it has been sent.
    pub(super) fn publish(
        &self,
        namespace: &Namespace,
        target: &Target,
        mut packet: Encoded,
        how: How,
        is_shown: bool,
    ) {
        let mut state = self.state();
        let offset = state.journal.append(Wheel::now(), target, &mut packet);
        let ids = namespace.adapter.sockets(target);
        state.queue.push_back(Queued { ids, packet, offset, how, is_shown });
        if std::mem::replace(&mut state.is_sending, true) {
            return;
        }
        while let Some(Queued { ids, packet, offset, how, is_shown }) = state.queue.pop_front() {
            drop(state);
            let delivery = Delivery { namespace, how, offset, is_shown };
            // A parser of the application's that panics must not leave the queue to nobody.
            if let Err(message) = caught(AssertUnwindSafe(|| delivery.deliver(&ids, &packet))) {
                tracing::error!(%message, namespace = &*namespace.name, "a packet was not sent");
            }
            state = self.state();
        }
        state.is_sending = false;
    }

    /// The socket with this private id, if its end is not over yet.
    pub(super) fn live(&self, private: &str) -> Option<Socket> {
        let found = self.state().live.get(private).and_then(Weak::upgrade);
        found.map(Socket::new)
    }

    /// What is kept under this private id, for a client that has seen the events up to `offset`.
    pub(super) fn claim(
        &self,
        private: &str,
        offset: Option<&str>,
    ) -> Option<(SocketId, Identity)> {
        let mut state = self.state();
        let expired = state.journal.expire(Wheel::now());
        let claimed = state.journal.claim(Wheel::now(), private, offset);
        drop(state);
        self.tell(&expired);
        let (session, seen) = claimed?;
        Some((session.id, Identity::resume(private, session, seen)))
    }

    /// A socket enters the index, by `insert`, between two events. Gives what it has missed; `None` if some of that is gone.
    pub(super) fn enter(
        self: &Arc<Self>,
        socket: &Socket,
        identity: &Identity,
        insert: impl FnOnce(),
    ) -> Option<Vec<Encoded>> {
        let inner = socket.inner();
        let mut state = self.state();
        let last = state.journal.last();
        let missed = match &identity.resumed {
            Some(resumed) => state.journal.missed(resumed.seen, inner.id, &resumed.rooms)?,
            None => {
                identity.since.store(last, Ordering::Relaxed);
                Vec::new()
            }
        };
        inner.replayed.store(last, Ordering::Release);
        state.live.insert(identity.private.clone(), Arc::downgrade(inner));
        insert();
        if !std::mem::replace(&mut state.is_scheduled, true) {
            let weak: Weak<Self> = Arc::downgrade(self);
            Wheel::current().schedule(weak, Wheel::deadline(self.sweep));
        }
        Some(missed)
    }

    /// A socket has left the index: what it was is kept, if its client may come back.
    pub(super) fn leave(
        &self,
        socket: &Socket,
        identity: &Identity,
        reason: DisconnectReason,
        rooms: &[Room],
    ) {
        let data = socket.inner().core().data.clone();
        let mut state = self.state();
        state.live.remove(&identity.private);
        if reason.is_recoverable() {
            let session =
                Session { id: socket.id(), rooms: rooms.to_vec(), data, since: identity.since() };
            state.journal.keep(Wheel::now(), &identity.private, session);
            state.kept_alive = Some(socket.inner().namespace.clone());
        }
    }

    pub(super) fn on_expired(&self, listener: OnExpired) {
        let mut listeners = self.on_expired.write().unwrap_or_else(PoisonError::into_inner);
        *listeners = listeners.iter().cloned().chain([listener]).collect();
    }

    fn tell(&self, expired: &[Session]) {
        let listeners = self.on_expired.read().unwrap_or_else(PoisonError::into_inner).clone();
        for session in expired {
            for listener in listeners.iter() {
                if let Err(message) = caught(AssertUnwindSafe(|| listener(session))) {
                    tracing::error!(%message, "a listener to expired sessions panicked");
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timed for Publisher {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        let expired = state.journal.expire(now);
        let goes_on = !state.live.is_empty() || !state.journal.is_empty();
        state.is_scheduled = goes_on;
        let kept_alive = if state.journal.has_sessions() { None } else { state.kept_alive.take() };
        drop(state);
        self.tell(&expired);
        drop(kept_alive);
        goes_on.then_some(now + self.sweep)
    }
}
