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
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Listener;
use super::connection::Client;
use super::namespace::Inner as Namespace;
use super::values::Values;
use super::{Call, DisconnectReason, EmitError, Handshake, Socket};
use crate::adapter::{Room, SocketId};
use crate::emitter::Listeners;
use crate::engine::Outgoing;
use crate::handler::{Endpoint, Frames, Inbox, Work};
use crate::packet::encode;

/// Messages that may wait for the CONNECT reply; they are the server's own.
const MAX_EARLY: usize = 1024;

/// What a [`Socket`] is a handle of.
pub(super) struct Inner {
    pub(super) id: SocketId,
    pub(super) namespace: Arc<Namespace>,
    pub(super) client: Arc<Client>,
    pub(super) handshake: Handshake,
    phase: AtomicU8,
    core: Mutex<Core>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    Connecting,
    Connected,
    Disconnected,
}

/// What the lock guards.
pub(super) struct Core {
    pub(super) inbox: Inbox<Socket>,
    /// The `on_disconnect` handlers are at work.
    ending: bool,
    pub(super) values: Values,
    /// What was sent before the CONNECT reply and follows it.
    early: Vec<Outgoing>,
    /// Set with the end of the socket: the reason, and the rooms that it was in.
    end: Option<(DisconnectReason, Vec<Room>)>,
}

impl Inner {
    pub(super) fn new(
        id: SocketId,
        namespace: Arc<Namespace>,
        client: Arc<Client>,
        handshake: Handshake,
    ) -> Self {
        let core = Core {
            // Events wait until middleware and `on_connect` are done.
            inbox: Inbox::new(Listeners::new(), true),
            ending: false,
            values: Values::default(),
            early: Vec::new(),
            end: None,
        };
        let phase = AtomicU8::new(Phase::Connecting as u8);
        Self { id, namespace, client, handshake, phase, core: Mutex::new(core) }
    }

    /// A poisoned lock is taken as it is: no user code runs under it, so what it guards is whole.
    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn phase(&self) -> Phase {
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

    /// Sends the messages with nothing between them.
    pub(super) fn send(&self, messages: &[Outgoing]) -> Result<(), EmitError> {
        if self.phase() == Phase::Connecting {
            let mut core = self.core();
            // It may have connected meanwhile.
            if self.phase() == Phase::Connecting {
                if core.early.len() + messages.len() > MAX_EARLY {
                    return Err(EmitError::Full);
                }
                core.early.extend_from_slice(messages);
                return Ok(());
            }
        }
        match (self.phase(), messages) {
            (Phase::Disconnected, _) => Err(EmitError::Disconnected),
            (_, [message]) => Ok(self.client.handle.send(message)?),
            (_, messages) => Ok(self.client.handle.send_all(messages)?),
        }
    }

    /// connecting -> connected. `false` if the client has gone or given up meanwhile.
    pub(super) fn enter(self: &Arc<Self>, reply: &[Outgoing]) -> bool {
        {
            let mut core = self.core();
            if self.phase() != Phase::Connecting {
                return false;
            }
            // First into the index: who has read the reply can be reached. What is sent by it till then follows the reply.
            self.namespace.insert(Socket::new(self.clone()));
            core.early.splice(..0, reply.iter().cloned());
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
            if !self.client.has_taken(self.client.handle.send_all(&early)) {
                return false;
            }
            granted = true;
        }
    }

    /// It was ended from elsewhere while it was entering. A client that was put out hears that it came in, too, or it would wait
    /// for an answer.
    fn take_leave(&self, reply: &[Outgoing], granted: bool) {
        if let Some((DisconnectReason::ServerNamespaceDisconnect, _)) = self.ended() {
            let unsaid = if granted { &[] } else { reply };
            let goodbye = self.goodbye();
            let words: Vec<_> =
                unsaid.iter().chain(goodbye.iter().flat_map(|g| g.iter())).cloned().collect();
            self.client.has_taken(self.client.handle.send_all(&words));
        }
    }

    /// connecting or connected -> disconnected, once. Gives the handlers that were waiting for it.
    fn end(&self, reason: DisconnectReason) -> Option<Vec<Listener>> {
        let (was, listeners, acks) = {
            let mut core = self.core();
            let was = self.phase();
            if was == Phase::Disconnected {
                return None;
            }
            self.set_phase(Phase::Disconnected);
            core.early = Vec::new();
            core.ending = true;
            core.end = Some((reason, self.namespace.remove(self.id)));
            let (listeners, acks) = core.inbox.end();
            (was, listeners, acks)
        };
        // The client is told by whoever found it connected, and by nobody else: see `take_leave` for one that was entering.
        if (was, reason) == (Phase::Connected, DisconnectReason::ServerNamespaceDisconnect)
            && let Some(goodbye) = self.goodbye()
        {
            self.client.has_taken(self.client.handle.send_all(&goodbye));
        }
        // Resolves whoever waits for an answer.
        drop(acks);
        // Who was never connected is not told that it is disconnected.
        Some(if was == Phase::Connected { listeners } else { Vec::new() })
    }

    fn goodbye(&self) -> Option<Frames> {
        self.client.frame(|out| {
            encode::disconnect(out, &self.namespace.name);
            Ok(())
        })
    }

    /// Reason and rooms of a socket that is disconnected.
    pub(super) fn ended(&self) -> Option<(DisconnectReason, Vec<Room>)> {
        self.core().end.clone()
    }

    /// Drops the user's closures and values once they can't be called any more, so that no cycle through them stays.
    pub(super) fn forget(&self) {
        if self.phase() != Phase::Disconnected {
            return;
        }
        let mut core = self.core();
        if !core.inbox.is_busy() && !core.ending {
            let garbage = (mem::take(&mut core.inbox.listeners), mem::take(&mut core.values));
            drop(core);
            drop(garbage);
        }
    }
}

impl Socket {
    /// Ends the socket and tells its `on_disconnect` handlers. Does nothing the second time.
    pub(super) fn end(&self, reason: DisconnectReason) {
        let Some(listeners) = self.inner().end(reason) else { return };
        self.with_inbox(|inbox| self.regulate(inbox));
        let call = |listener: &Listener| listener(&mut Call::disconnect(self, reason));
        let works: Vec<Work> = listeners.iter().filter_map(call).collect();
        let socket = self.clone();
        self.run(async move {
            for work in works {
                work.await;
            }
            socket.inner().core().ending = false;
            socket.inner().forget();
        });
    }
}
