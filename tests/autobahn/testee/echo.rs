//! The echo, once by each API.

use tokio::sync::oneshot;
use ws::{Context, Handler, Payload, WebSocket};

use crate::Result;

pub async fn pull(mut socket: WebSocket) -> Result {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

/// By one task, not by one for each half: some cases want to see the answer to what came before a violation, and only who
/// answers before reading on is sure to be in time.
pub async fn split(socket: WebSocket) -> Result {
    let (mut reader, sender) = socket.split();
    while let Some(message) = reader.recv().await? {
        sender.send(message).await?;
    }
    Ok(())
}

/// The push API. What it holds is dropped when the connection has let go of its byte stream.
#[derive(Default)]
pub struct Push {
    _alive: Option<oneshot::Sender<()>>,
}

impl Push {
    /// A handler, and a receiver that fails at the end of its connection.
    pub fn watched() -> (Self, oneshot::Receiver<()>) {
        let (alive, ended) = oneshot::channel();
        (Self { _alive: Some(alive) }, ended)
    }
}

impl Handler for Push {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let _ = socket.send_payload(&message); // refused only if the connection is gone
    }
}
