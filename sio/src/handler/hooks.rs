//! What stands between a socket and its events: middleware for those that come, and whoever sees those that leave.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::{Call, EmitError, Handler, HandlerError, Party, caught, guard};
use crate::emitter::Fired;
use crate::packet::{Arguments, Packet};

/// A [`Handler`] that lets an event pass to its listeners or refuses it: any async closure over extractors that returns
/// `Result<(), E>` with `E: Display`, such as a `&str`.
pub trait EventMiddleware<S: Party, A>: Handler<S, A, Output = Result<(), Self::Refusal>> {
    /// What it refuses with.
    type Refusal: fmt::Display;
}

impl<S, A, H, E> EventMiddleware<S, A> for H
where
    S: Party,
    H: Handler<S, A, Output = Result<(), E>>,
    E: fmt::Display,
{
    type Refusal = E;
}

/// Why an event does not pass.
type Verdict = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// A middleware of any type.
pub(crate) type Guard<S> =
    Arc<dyn Fn(&mut Call<'_, S>) -> Result<Verdict, HandlerError> + Send + Sync>;

pub(crate) fn erase_guard<S: Party, A, M: EventMiddleware<S, A>>(middleware: M) -> Guard<S> {
    Arc::new(move |call: &mut Call<'_, S>| {
        let called = caught(AssertUnwindSafe(|| middleware.call(call)));
        let future = called.map_err(HandlerError::Panicked)?.map_err(HandlerError::Rejected)?;
        Ok(Box::pin(async move {
            let refused = async { future.await.map_err(|refusal| refusal.to_string()) };
            match guard(refused).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(refusal)) => Err(HandlerError::Refused(refusal.into())),
                Err(message) => Err(HandlerError::Panicked(message)),
            }
        }))
    })
}

/// Is shown what is emitted, and may refuse it.
pub(crate) type OutgoingHook =
    Arc<dyn Fn(&str, Arguments<'_>) -> Result<(), Box<str>> + Send + Sync>;

/// Shows an encoded event to the hooks. A refusal, or a panic, stops it.
pub(crate) fn show_outgoing(
    hooks: &Fired<OutgoingHook>,
    text: &str,
    attachments: &[Bytes],
) -> Result<(), EmitError> {
    let packet = Packet::from_encoded(text, attachments.to_vec())
        .map_err(|error| EmitError::Refused(error.to_string().into()))?;
    show_packet(hooks, &packet)
}

/// The same for a packet.
pub(crate) fn show_packet(hooks: &Fired<OutgoingHook>, packet: &Packet) -> Result<(), EmitError> {
    let event = packet.event.as_deref().unwrap_or_default();
    for hook in hooks.iter() {
        let shown = caught(AssertUnwindSafe(|| hook(event, packet.arguments())));
        shown.unwrap_or_else(Err).map_err(EmitError::Refused)?;
    }
    Ok(())
}
