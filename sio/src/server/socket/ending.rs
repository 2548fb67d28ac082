//! The end of a socket, from whichever side.

use std::sync::Arc;

use super::state::Phase;
use crate::handler::{Endpoint, Work, poll_once};
use crate::server::{Call, DisconnectReason, Listener, Socket};

impl Socket {
    /// Ends the socket and tells its handlers. Does nothing the second time.
    pub(in crate::server) fn end(&self, reason: DisconnectReason, details: Option<Arc<str>>) {
        let inner = self.inner();
        let Some((was, ending)) = inner.end(reason, details) else { return };
        // The client is told by whoever found it connected, and by nobody else: see `take_leave` for one that was entering.
        let tells =
            was == Phase::Connected && reason == DisconnectReason::ServerNamespaceDisconnect;
        if inner.gate.close(tells) {
            inner.say_goodbye();
        }
        self.with_inbox(|inbox| self.regulate(inbox));
        // Resolves whoever waits for an answer.
        drop(ending.acks);
        // Who was never connected is not told that it is disconnected.
        let is_told = was == Phase::Connected;
        let call = |listener: &Listener| listener(&mut Call::disconnect(self, reason));
        let mut works: Vec<Work> = Vec::new();
        if is_told {
            // The socket is still in its rooms until they have run as far as they do without waiting.
            let _entered = inner.client.runtime.enter();
            let left = ending.on_disconnecting.iter().filter_map(call).filter_map(poll_once);
            works.extend(left);
        }
        let rooms = inner.namespace.remove(self, reason);
        if let Some(end) = &mut inner.core().end {
            end.rooms = Some(rooms);
        }
        inner.client.vacate(self);
        if is_told {
            works.extend(ending.on_disconnect.iter().filter_map(call));
        }
        let socket = self.clone();
        self.run(async move {
            for work in works {
                work.await;
            }
            socket.inner().core().ending = false;
            socket.inner().forget();
        });
    }

    /// The client has gone, or given up, before the socket could take its seat.
    pub(in crate::server) fn give_up(&self) {
        self.end(DisconnectReason::TransportClose, None);
    }

    /// The same client is back on another connection, and this one not known to be dead.
    pub(in crate::server) fn take_over(&self) {
        self.end(DisconnectReason::TransportClose, Some("taken over by a new connection".into()));
        self.inner().client.close(DisconnectReason::TransportClose, None);
    }
}

impl DisconnectReason {
    /// Whether a client that is disconnected for this may come back and go on where it was, if there is
    /// [`Config::recovery`](crate::server::Config::recovery): its connection was lost, and neither side has said goodbye (rule 29).
    #[must_use]
    pub const fn is_recoverable(self) -> bool {
        matches!(
            self,
            Self::TransportError
                | Self::TransportClose
                | Self::ForcedClose
                | Self::PingTimeout
                | Self::ServerShuttingDown
                | Self::ForcedServerClose
        )
    }
}
