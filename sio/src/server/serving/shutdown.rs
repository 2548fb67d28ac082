//! The end of a server: it stops to accept, lets its clients go one after the other, and has a deadline.

use std::sync::Arc;
use std::time::Duration;

use ws::net::Wheel;

use crate::engine::server::Pace;
use crate::server::{DisconnectReason, Io, Namespace, Socket};

impl Io {
    /// Stops: opens no more sessions, which is answered by 503, disconnects all sockets with
    /// [`DisconnectReason::ServerShuttingDown`], closes all sessions and waits until the last client has been told, at most for
    /// `patience`. What is left then is cut off, and its listeners are closed: until now a client that polls could come for its last
    /// packets.
    pub async fn shutdown(&self, patience: Duration) {
        self.shutdown_over(Duration::ZERO, patience).await;
    }

    /// As [`shutdown`](Self::shutdown), but the clients are let go one after the other over `window`, because those that are
    /// disconnected at the same time come back at the same time, to the servers that remain. Until its turn a client is served as ever;
    /// new sessions are refused with 503 from the beginning. `patience` counts from the beginning, too.
    pub async fn shutdown_over(&self, window: Duration, patience: Duration) {
        let deadline = Wheel::deadline(patience);
        self.engine().refuse();
        let clients = self.sockets_by_client();
        let mut pace = Pace::new(window, clients.len(), deadline);
        for sockets in clients {
            pace.next().await;
            for socket in &sockets {
                socket.end(DisconnectReason::ServerShuttingDown, None);
            }
            if let Some(socket) = sockets.first() {
                socket.inner().client.close(DisconnectReason::ServerShuttingDown, None);
            }
        }
        // Who came in meanwhile, with a session from before.
        for sockets in self.sockets_by_client() {
            for socket in sockets {
                socket.end(DisconnectReason::ServerShuttingDown, None);
            }
        }
        self.engine().shutdown(deadline.saturating_duration_since(Wheel::now())).await;
        // Not before: who polls may need a new connection to be told.
        for listener in std::mem::take(&mut *self.listeners()) {
            listener.begin();
        }
    }

    fn sockets_by_client(&self) -> Vec<Vec<Socket>> {
        let sockets = self
            .all_namespaces()
            .into_iter()
            .flat_map(|namespace| Namespace::new(self.clone(), namespace).sockets());
        let mut sockets: Vec<_> = sockets.collect();
        let client = |socket: &Socket| Arc::as_ptr(&socket.inner().client).addr();
        sockets.sort_by_key(client);
        sockets.chunk_by(|one, two| client(one) == client(two)).map(<[Socket]>::to_vec).collect()
    }
}
