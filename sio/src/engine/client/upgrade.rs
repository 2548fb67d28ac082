//! From polling to a WebSocket (rules 17 and 18): `2probe` and `3probe` on the WebSocket, then polling pauses, and `5` moves over.

use std::pin::Pin;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until, timeout};
use ws::{Message, WebSocket};

use super::address::Address;
use super::websocket;
use crate::engine::{Open, Transport};

/// How far the move has come.
pub(super) enum Upgrade {
    /// The WebSocket is opened and asked.
    Probing(Pin<Box<dyn Future<Output = Option<WebSocket>> + Send>>),
    /// It has answered: no new requests, until those that are in flight have ended. A server ends the GET soon.
    Pausing(Box<WebSocket>, Instant),
}

/// How long the requests in flight may take to end once the WebSocket has answered. A server answers the GET within 100 ms, so it is
/// a POST that takes longer.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(10);

/// Begins to move, if both sides want to.
pub(super) fn begin(address: &Arc<Address>, open: &Open) -> Option<Upgrade> {
    let config = address.config();
    let wanted = config.upgrade && config.transports.contains(&Transport::WebSocket);
    let offered = open.upgrades.iter().any(|name| name == Transport::WebSocket.name());
    (wanted && offered)
        .then(|| Upgrade::Probing(Box::pin(probe(address.clone(), open.sid.clone()))))
}

/// `None`: there is no way, and polling goes on.
async fn probe(address: Arc<Address>, sid: String) -> Option<WebSocket> {
    let answered = async {
        let mut socket = websocket::connect(&address, Some(&sid)).await.ok()?;
        socket.send("2probe").await.ok()?;
        match socket.recv().await {
            Ok(Some(Message::Text(text))) if text.as_str() == "3probe" => Some(socket),
            _ => None,
        }
    };
    timeout(address.config().upgrade_timeout, answered).await.ok().flatten()
}

impl Upgrade {
    pub(super) fn pausing(socket: WebSocket) -> Self {
        Self::Pausing(Box::new(socket), Instant::now() + PAUSE)
    }

    pub(super) const fn is_pausing(&self) -> bool {
        matches!(self, Self::Pausing(..))
    }

    /// The WebSocket if polling has paused for it, else what was there.
    pub(super) fn take(upgrade: Option<Self>) -> (Option<WebSocket>, Option<Self>) {
        match upgrade {
            Some(Self::Pausing(socket, _)) => (Some(*socket), None),
            other => (None, other),
        }
    }

    /// Waits for the answer to the probe; `None` if there is none, or if the pause takes too long or the WebSocket ends meanwhile.
    pub(super) async fn probed(&mut self) -> Option<WebSocket> {
        match self {
            Self::Probing(probe) => probe.await,
            Self::Pausing(socket, deadline) => tokio::select! {
                // Rule 18: nothing comes before `5`; what does is the end.
                _ = socket.recv() => None,
                () = sleep_until(*deadline) => None,
            },
        }
    }
}
