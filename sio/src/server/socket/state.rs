//! One socket's state: connecting, connected, disconnected, and what it holds in each.
//!
//! ```text
//!             middleware passed,                 41 from either side,
//!  +----------+ index entered, 40 sent  +---------+ session over      +--------------+
//!  |connecting| ----------------------> |connected| ----------------> | disconnected |
//!  +----------+                         +---------+                   +--------------+
//!        |  refused, 41, session over                                        ^
//!        +-------------------------------------------------------------------+
//! ```
//! The lock is held for moments: never over user code, and never over a send, which may end the session and come back here.

use std::mem;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::gate::Gate;
use super::rate::Meter;
use crate::adapter::{Room, SocketId};
use crate::emitter::Listeners;
use crate::engine::{Outgoing, Protocol};
use crate::handler::{Ending, Frames, Inbox};
use crate::packet::{ROOT, encode};
use crate::server::namespace::Inner as Namespace;
use crate::server::recovery::identity::Identity;
use crate::server::session::backlog::Worth;
use crate::server::session::client::{Client, Stay};
use crate::server::values::Values;
use crate::server::{DisconnectReason, EmitError, Handshake, Socket};

/// What a [`Socket`] is a handle of.
pub(in crate::server) struct Inner {
    pub(in crate::server) id: SocketId,
    pub(in crate::server) namespace: Arc<Namespace>,
    pub(in crate::server) client: Arc<Client>,
    pub(in crate::server) handshake: Handshake,
    /// What is sent passes here.
    pub(in crate::server) gate: Gate,
    /// Who it is, if it may come back, and what it brings if it has.
    pub(in crate::server) identity: Option<Box<Identity>>,
    /// The offset of the last packet that it has got by coming back.
    pub(in crate::server) replayed: AtomicU64,
    phase: AtomicU8,
    core: Mutex<Core>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::server) enum Phase {
    Connecting,
    Connected,
    Disconnected,
}

/// What the lock guards.
pub(in crate::server) struct Core {
    pub(in crate::server) inbox: Inbox<Socket>,
    /// The handlers of its end are at work.
    pub(in crate::server) ending: bool,
    pub(in crate::server) values: Values,
    /// What the application keeps with it, as JSON.
    pub(in crate::server) data: Option<Box<str>>,
    /// How many events have come lately, if that is limited.
    pub(in crate::server) meter: Option<Box<Meter>>,
    /// What was sent before the CONNECT reply and follows it.
    early: Vec<Outgoing>,
    pub(in crate::server) end: Option<End>,
    /// Until nothing of it is at work any more.
    stay: Option<Stay>,
}

/// How a socket has ended.
#[derive(Clone)]
pub(in crate::server) struct End {
    pub(in crate::server) reason: DisconnectReason,
    pub(in crate::server) details: Option<Arc<str>>,
    /// Those that it was in, once it has left them.
    pub(in crate::server) rooms: Option<Vec<Room>>,
}

impl Inner {
    pub(in crate::server) fn new(
        id: SocketId,
        identity: Option<Box<Identity>>,
        namespace: Arc<Namespace>,
        client: Arc<Client>,
        handshake: Handshake,
        stay: Stay,
    ) -> Self {
        let data = identity.as_ref().and_then(|identity| identity.data());
        let core = Core {
            // Events wait until middleware and `on_connect` are done.
            inbox: Inbox::new(Listeners::new(), true),
            ending: false,
            values: Values::default(),
            data,
            meter: None,
            early: Vec::new(),
            end: None,
            stay: Some(stay),
        };
        Self {
            id,
            namespace,
            client,
            handshake,
            gate: Gate::default(),
            identity,
            replayed: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Connecting as u8),
            core: Mutex::new(core),
        }
    }

    /// A poisoned lock is taken as it is: no user code runs under it, so what it guards is whole.
    pub(in crate::server) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a client of Socket.IO 2.x takes for the id of its socket: a room, too (rule 21).
    pub(in crate::server) fn alias(&self) -> Option<Room> {
        if self.client.handle.protocol() != Protocol::V3 {
            return None;
        }
        let session = self.client.handle.sid();
        Some(match &*self.namespace.name {
            ROOT => session.as_str().into(),
            name => format!("{name}#{session}").into(),
        })
    }

    /// It has a secret of the client's in it, and was not joined by the application.
    pub(in crate::server) fn hide_alias(&self, rooms: &mut Vec<Room>) {
        if let Some(alias) = self.alias() {
            rooms.retain(|room| *room != alias);
        }
    }

    pub(in crate::server) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Connecting,
            1 => Phase::Connected,
            _ => Phase::Disconnected,
        }
    }

    /// Under the lock only.
    fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Sends the messages with nothing between them. Gives whether they were sent, or wait for that.
    pub(in crate::server) fn send(
        &self,
        messages: &[Outgoing],
        worth: Worth,
    ) -> Result<bool, EmitError> {
        if self.phase() == Phase::Connecting {
            let mut core = self.core();
            // It may have connected meanwhile.
            if self.phase() == Phase::Connecting {
                return match worth {
                    Worth::Volatile => Ok(false),
                    _ => self.put_aside(&mut core, messages),
                };
            }
        }
        if self.phase() == Phase::Disconnected || !self.gate.enter() {
            return Err(EmitError::Disconnected);
        }
        let sent = self.client.send(messages, worth);
        if self.gate.leave() {
            self.say_goodbye();
        }
        Ok(sent?)
    }

    /// Keeps what follows the CONNECT reply, as much as may wait for a client at all.
    fn put_aside(&self, core: &mut Core, messages: &[Outgoing]) -> Result<bool, EmitError> {
        let waiting: usize = core.early.iter().map(Outgoing::len).sum();
        if waiting >= self.client.io.config().engine.max_buffered_bytes {
            return Err(EmitError::Full);
        }
        core.early.extend_from_slice(messages);
        Ok(true)
    }

    /// connecting -> connected. `false` if the client has gone or given up meanwhile.
    pub(in crate::server) fn enter(self: &Arc<Self>, reply: &[Outgoing]) -> bool {
        {
            let mut core = self.core();
            if self.phase() != Phase::Connecting {
                return false;
            }
            // First into the index: who has read the reply can be reached. What is sent by it till then follows the reply.
            let Some(entered) = self.namespace.insert(&Socket::new(self.clone())) else {
                drop(core);
                let details = "packets that were missed are gone";
                self.client.close(DisconnectReason::ForcedServerClose, Some(details.into()));
                return false;
            };
            // The client holds what was missed until the reply comes (rule 29).
            core.early.splice(..0, entered.missed.into_iter().chain(reply.iter().cloned()));
            drop(core);
            self.namespace.adapter.tell(&entered.events);
        }
        let mut granted = false;
        loop {
            let early = {
                let mut core = self.core();
                match (self.phase(), core.early.is_empty()) {
                    (Phase::Connecting, true) => {
                        core.early = Vec::new();
                        self.set_phase(Phase::Connected);
                        return true;
                    }
                    (Phase::Connecting, false) => mem::take(&mut core.early),
                    _ => {
                        drop(core);
                        self.take_leave(reply, granted);
                        return false;
                    }
                }
            };
            if !self.client.tell(&early) {
                return false;
            }
            granted = true;
        }
    }

    /// It was ended from elsewhere while it was entering. A client that was put out hears that it came in, too, or it would wait
    /// for an answer.
    fn take_leave(&self, reply: &[Outgoing], granted: bool) {
        let reason = self.core().end.as_ref().map(|end| end.reason);
        if reason != Some(DisconnectReason::ServerNamespaceDisconnect) {
            return;
        }
        if !granted && !self.client.tell(reply) {
            return;
        }
        self.say_goodbye();
    }

    /// connecting or connected -> disconnected, once. Gives the phase before, and whom it concerns.
    pub(in crate::server) fn end(
        &self,
        reason: DisconnectReason,
        details: Option<Arc<str>>,
    ) -> Option<(Phase, Ending<Socket>)> {
        let mut core = self.core();
        let was = self.phase();
        if was == Phase::Disconnected {
            return None;
        }
        self.set_phase(Phase::Disconnected);
        core.early = Vec::new();
        core.ending = true;
        core.end = Some(End { reason, details, rooms: None });
        Some((was, core.inbox.end()))
    }

    pub(in crate::server) fn say_goodbye(&self) {
        if let Some(goodbye) = self.goodbye() {
            self.client.tell(&goodbye);
        }
    }

    fn goodbye(&self) -> Option<Frames> {
        self.client.frame(|out| {
            encode::disconnect(out, &self.namespace.name);
            Ok(())
        })
    }

    /// Drops the user's closures and values once they can't be called any more, so that no cycle through them stays.
    pub(in crate::server) fn forget(&self) {
        if self.phase() != Phase::Disconnected {
            return;
        }
        let mut core = self.core();
        if !core.inbox.is_busy() && !core.ending {
            let garbage =
                (core.inbox.take_closures(), mem::take(&mut core.values), core.stay.take());
            drop(core);
            drop(garbage);
        }
    }
}
