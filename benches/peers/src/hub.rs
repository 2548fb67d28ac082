//! Broadcast for libraries that leave it to their users: a channel for each connection, and a task that writes what is in it.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Everybody who is connected.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<Vec<UnboundedSender<Bytes>>>>);

impl Hub {
    /// One more connection, and what is sent to it.
    pub fn join(&self) -> UnboundedReceiver<Bytes> {
        let (sender, receiver) = unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        receiver
    }

    /// Sends to everybody, and forgets who has left.
    pub fn publish(&self, message: &Bytes) {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.send(message.clone()).is_ok());
    }
}

/// Broadcasts the payloads that `payload` finds, and writes what others broadcast with one flush for all that waits.
pub async fn broadcast<S, In, Out, E>(
    socket: S,
    hub: Hub,
    payload: impl Fn(In) -> Option<Bytes>,
    message: impl Fn(Bytes) -> Out + Send + 'static,
) where
    S: Stream<Item = In> + Sink<Out, Error = E> + Send + 'static,
    Out: Send + 'static,
    E: Send,
{
    let (mut sink, mut stream) = socket.split();
    let mut inbox = hub.join();
    tokio::spawn(async move {
        while let Some(first) = inbox.recv().await {
            sink.feed(message(first)).await.ok()?;
            while let Ok(next) = inbox.try_recv() {
                sink.feed(message(next)).await.ok()?;
            }
            sink.flush().await.ok()?;
        }
        Some(())
    });
    while let Some(received) = stream.next().await {
        if let Some(payload) = payload(received) {
            hub.publish(&payload);
        }
    }
}
