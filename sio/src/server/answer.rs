//! Answers to broadcasts that were sent `with_ack`.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep_until;
use ws::net::Wheel;

use super::{EmitError, Socket};
use crate::adapter::SocketId;
use crate::handler::Pending;

/// What one receiver of a broadcast has answered, or why it has not.
#[derive(Debug)]
pub struct Ack<T> {
    /// Who was asked.
    pub socket: SocketId,
    /// The answer; [`EmitError::Timeout`] if it did not come in time.
    pub answer: Result<T, EmitError>,
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<Vec<Ack<T>>, EmitError>> + Send>>;

/// The answers to one broadcast, to be awaited: one per receiver, also for those that did not answer in time. The event has
/// been sent already.
#[must_use = "the answers have to be awaited; `emit` sends without them"]
pub struct Answers<T>(Boxed<T>);

/// Who was asked, with what comes of it.
pub(super) type Asked<T> = Vec<(SocketId, Result<Pending<Socket, T>, EmitError>)>;

impl<T: Send + 'static> Answers<T> {
    pub(super) fn new(asked: Result<Asked<T>, EmitError>, within: Duration) -> Self {
        let deadline = Wheel::deadline(within).into();
        Self(Box::pin(async move {
            let mut acks = Vec::new();
            for (socket, pending) in asked? {
                let answer = match pending {
                    Ok(pending) => pending.answer(pin!(sleep_until(deadline))).await,
                    Err(error) => Err(error),
                };
                acks.push(Ack { socket, answer });
            }
            Ok(acks)
        }))
    }
}

impl<T> Future for Answers<T> {
    type Output = Result<Vec<Ack<T>>, EmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for Answers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}
