//! Answers to events that were sent `with_ack`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{EmitError, Endpoint, How, caught};
use crate::emitter::Waiter;

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, EmitError>> + Send>>;

/// The answer to one event, to be awaited; it always comes, if only as an error. The event has been sent already; dropping this
/// only ends the waiting.
#[must_use = "the answer has to be awaited; `emit` sends without one"]
pub struct Answer<T>(Boxed<T>);

impl<T: Send + 'static> Answer<T> {
    /// The answer, or [`EmitError::Timeout`] once the time is up.
    pub(crate) fn new<S: Endpoint>(
        asked: Result<Pending<S, T>, EmitError>,
        time_is_up: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self(Box::pin(async move { asked?.answer(pin!(time_is_up)).await }))
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
pub(crate) struct Pending<S: Endpoint, T> {
    socket: S,
    id: u64,
    slot: Arc<Slot<T>>,
}

impl<S: Endpoint, T: DeserializeOwned + Send + 'static> Pending<S, T> {
    /// Waits for the answer with this id, before the event is sent.
    pub(crate) fn register(socket: &S, id: u64) -> Result<Self, EmitError> {
        let slot = Arc::new(Slot(Mutex::new(Filling::Empty(None))));
        let filled = slot.clone();
        let waiter = Waiter::new(move |answer| {
            // Runs where messages are received: a panic of somebody's `Deserialize` must end there.
            let read = caught(AssertUnwindSafe(|| answer?.read().map_err(EmitError::Answer)));
            filled.fill(read.unwrap_or(Err(EmitError::Disconnected)));
        });
        register(socket, id, waiter).map_err(|(_waiter, error)| error)?;
        Ok(Self { socket: socket.clone(), id, slot })
    }

    /// Sends an event and waits for its answer.
    pub(crate) fn ask<D: Serialize>(
        socket: &S,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<Self, EmitError> {
        let id = socket.next_ack_id();
        let pending = Self::register(socket, id)?;
        socket.send_event(Some(id), event, data, how)?;
        Ok(pending)
    }
}

/// Waits for the answer with this id. A waiter that is refused comes back, with the reason.
pub(crate) fn register<S: Endpoint>(
    socket: &S,
    id: u64,
    waiter: Waiter,
) -> Result<(), (Option<Waiter>, EmitError)> {
    let max = socket.bounds().pending_acks;
    socket.with_inbox(|inbox| {
        if inbox.is_ended() {
            return Err((Some(waiter), EmitError::Disconnected));
        }
        let inserted = inbox.acks.insert(id, waiter, max);
        // Reading may be paused, and the answer has to be read.
        socket.regulate(inbox);
        inserted.map_err(|refused| (Some(refused.0), EmitError::TooManyAcks))
    })
}

impl<S: Endpoint, T> Pending<S, T> {
    pub(crate) async fn answer(
        self,
        mut time_is_up: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<T, EmitError> {
        poll_fn(|context| match self.slot.poll(context) {
            Poll::Pending => time_is_up.as_mut().poll(context).map(|()| Err(EmitError::Timeout)),
            answered => answered,
        })
        .await
    }
}

impl<S: Endpoint, T> Drop for Pending<S, T> {
    fn drop(&mut self) {
        let waiter = self.socket.with_inbox(|inbox| inbox.acks.take(self.id));
        drop(waiter);
    }
}

/// Where the answer goes. A waiter is always resolved, so that it is filled once for certain.
struct Slot<T>(Mutex<Filling<T>>);

enum Filling<T> {
    Empty(Option<Waker>),
    Full(Result<T, EmitError>),
    Taken,
}

impl<T> Slot<T> {
    fn fill(&self, answer: Result<T, EmitError>) {
        let before = std::mem::replace(&mut *self.lock(), Filling::Full(answer));
        if let Filling::Empty(Some(waker)) = before {
            waker.wake();
        }
    }

    /// Not to be polled again once it was ready.
    fn poll(&self, context: &Context<'_>) -> Poll<Result<T, EmitError>> {
        let mut filling = self.lock();
        match std::mem::replace(&mut *filling, Filling::Taken) {
            Filling::Full(answer) => Poll::Ready(answer),
            _ => {
                *filling = Filling::Empty(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Filling<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
