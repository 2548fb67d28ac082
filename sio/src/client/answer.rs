//! Answers to events that were sent `with_ack`.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::{EmitError, Socket};
use crate::emitter::Waiter;
use crate::handler::caught;

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, EmitError>> + Send>>;

/// The answer to one event, to be awaited; it always comes, if only as an error. The event has been sent already; dropping this
/// only ends the waiting.
#[must_use = "the answer has to be awaited; `emit` sends without one"]
pub struct Answer<T>(Boxed<T>);

impl<T: Send + 'static> Answer<T> {
    pub(super) fn new(asked: Result<Pending<T>, EmitError>, within: Duration) -> Self {
        let deadline = Instant::now() + within;
        Self(Box::pin(async move { asked?.answer(deadline).await }))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, EmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// An answer that is waited for. Dropping it ends the waiting.
pub(super) struct Pending<T> {
    socket: Socket,
    id: u64,
    answer: oneshot::Receiver<Result<T, EmitError>>,
}

impl<T: DeserializeOwned + Send + 'static> Pending<T> {
    /// Waits for the answer with this id, before the event is sent.
    pub(super) fn register(socket: &Socket, id: u64) -> Result<Self, EmitError> {
        let (sender, answer) = oneshot::channel();
        let waiter = Waiter::new(move |answer| {
            // Runs where messages are received: a panic of somebody's `Deserialize` must end there.
            let read = caught(AssertUnwindSafe(|| answer?.read().map_err(EmitError::Answer)));
            if let Ok(read) = read {
                let _ = sender.send(read);
            }
        });
        let inner = socket.inner();
        let mut core = inner.core();
        if core.phase.is_over() {
            return Err(EmitError::Disconnected);
        }
        let refused =
            core.acks.insert(id, waiter, inner.connection.config().max_pending_acks).err();
        // Reading may be paused, and the answer has to be read.
        inner.regulate(&mut core);
        drop(core);
        match refused {
            Some(_waiter) => Err(EmitError::TooManyAcks),
            None => Ok(Self { socket: socket.clone(), id, answer }),
        }
    }
}

impl<T> Pending<T> {
    async fn answer(mut self, deadline: Instant) -> Result<T, EmitError> {
        match timeout_at(deadline, &mut self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(EmitError::Disconnected),
            Err(_) => Err(EmitError::Timeout),
        }
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        let waiter = self.socket.inner().core().acks.take(self.id);
        drop(waiter);
    }
}
