//! Answers to broadcasts that were sent `with_ack`.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use serde::de::DeserializeOwned;
use tokio::time::{Sleep, sleep_until};
use ws::net::Wheel;

use crate::adapter::SocketId;
use crate::emitter::{AckError, Waiter};
use crate::handler::{Endpoint, caught, register};
use crate::server::{EmitError, Socket};

/// What one receiver of a broadcast has answered, or why it has not.
#[derive(Debug)]
pub struct Ack<T> {
    /// Who was asked.
    pub socket: SocketId,
    /// The answer; [`EmitError::Timeout`] if it did not come in time, [`EmitError::Disconnected`] if the socket has gone.
    pub answer: Result<T, EmitError>,
}

/// The answers to one broadcast: one per receiver, also for those that did not answer in time. The event has been sent already.
///
/// Awaited, it gives all of them at once; [`next`](Self::next) gives each as it comes, as does the [`Stream`]. Dropping it ends the
/// waiting.
#[must_use = "the answers have to be awaited; `emit` sends without them"]
pub struct Answers<T> {
    id: u64,
    /// Nothing was sent.
    error: Option<EmitError>,
    asked: Vec<Socket>,
    /// How many answers are still to be given.
    left: usize,
    arrived: Arc<Arrived<T>>,
    collected: Vec<Ack<T>>,
    /// Set when first polled: the runtime is there then.
    timer: Option<Pin<Box<Sleep>>>,
    deadline: tokio::time::Instant,
}

impl<T> Answers<T> {
    pub(in crate::server) fn new(id: u64, within: Duration) -> Self {
        Self {
            id,
            error: None,
            asked: Vec::new(),
            left: 0,
            arrived: Arc::new(Arrived(Mutex::new(Mail { acks: VecDeque::new(), waker: None }))),
            collected: Vec::new(),
            timer: None,
            deadline: Wheel::deadline(within).into(),
        }
    }

    /// Nothing was sent, for this reason.
    pub(in crate::server) fn failed(error: EmitError) -> Self {
        let mut answers = Self::new(0, Duration::ZERO);
        answers.error = Some(error);
        answers
    }

    /// How many are still to come, with those that failed.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.left
    }

    /// The next answer, in the order in which they come. `None` after the last one. Cancel-safe.
    ///
    /// # Errors
    /// The event could not be sent at all: [`EmitError::Encode`]; told once.
    pub async fn next(&mut self) -> Result<Option<Ack<T>>, EmitError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        Ok(poll_fn(|context| self.poll_answer(context)).await)
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<Ack<T>>> {
        loop {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            if let Some(ack) = self.arrived.take(context) {
                self.left -= 1;
                return Poll::Ready(Some(ack));
            }
            let deadline = self.deadline;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            match timer.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                // Those that wait are resolved now, which puts an answer there for each.
                Poll::Ready(()) => self.give_up(AckError::Timeout),
            }
        }
    }

    /// Resolves whoever has not answered.
    fn give_up(&mut self, why: AckError) {
        for socket in self.asked.drain(..) {
            let waiter = socket.with_inbox(|inbox| inbox.acks.take(self.id));
            if let Some(waiter) = waiter {
                waiter.resolve(Err(why));
            }
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> Answers<T> {
    /// Waits for the answer of one more socket, to which `send` sends the event.
    pub(in crate::server) fn ask(
        &mut self,
        socket: &Socket,
        send: impl FnOnce(&Socket) -> Result<(), EmitError>,
    ) {
        self.left += 1;
        let (arrived, id) = (self.arrived.clone(), socket.id());
        let waiter = Waiter::new(move |answer| {
            // Runs where messages are received: a panic of somebody's `Deserialize` must end there.
            let read = caught(AssertUnwindSafe(|| answer?.read().map_err(EmitError::Answer)));
            let answer = read.unwrap_or(Err(EmitError::Disconnected));
            arrived.put(Ack { socket: id, answer });
        });
        // A waiter that is not taken stays silent only if it is told why.
        let sent = register(socket, self.id, waiter)
            .and_then(|()| send(socket).map_err(|error| (self.withdraw(socket), error)));
        match sent {
            Ok(()) => self.asked.push(socket.clone()),
            Err((None, _)) => {}
            Err((Some(waiter), error)) => {
                waiter.forget();
                self.arrived.put(Ack { socket: socket.id(), answer: Err(error) });
            }
        }
    }

    /// `None` if it has been resolved meanwhile.
    fn withdraw(&self, socket: &Socket) -> Option<Waiter> {
        socket.with_inbox(|inbox| inbox.acks.take(self.id))
    }
}

impl<T> Future for Answers<T> {
    type Output = Result<Vec<Ack<T>>, EmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Err(error));
        }
        while let Some(ack) = std::task::ready!(self.poll_answer(context)) {
            self.collected.push(ack);
        }
        Poll::Ready(Ok(std::mem::take(&mut self.collected)))
    }
}

/// Ends at once if the event could not be sent: [`Answers::next`] tells that.
impl<T> Stream for Answers<T> {
    type Item = Ack<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Ack<T>>> {
        self.poll_answer(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Nothing in it is pinned.
impl<T> Unpin for Answers<T> {}

impl<T> Drop for Answers<T> {
    fn drop(&mut self) {
        self.give_up(AckError::Disconnected);
    }
}

impl<T> fmt::Debug for Answers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("remaining", &self.left).finish_non_exhaustive()
    }
}

/// Where the answers go.
struct Arrived<T>(Mutex<Mail<T>>);

struct Mail<T> {
    acks: VecDeque<Ack<T>>,
    waker: Option<Waker>,
}

impl<T> Arrived<T> {
    fn put(&self, ack: Ack<T>) {
        let mut mail = self.lock();
        mail.acks.push_back(ack);
        let waker = mail.waker.take();
        drop(mail);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn take(&self, context: &Context<'_>) -> Option<Ack<T>> {
        let mut mail = self.lock();
        let ack = mail.acks.pop_front();
        if ack.is_none() {
            mail.waker = Some(context.waker().clone());
        }
        ack
    }

    fn lock(&self) -> MutexGuard<'_, Mail<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
