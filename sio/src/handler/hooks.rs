//! What stands between a socket and its events: middleware for those that come, and whoever sees those that leave.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::{Call, EmitError, Handler, HandlerError, Party, caught, guard};
use crate::emitter::Fired;
use crate::packet::{Arguments, EncodeError, Packet, ROOT, encode};

/// A [`Handler`] that lets an event pass to its listeners, puts another one in its place, or refuses it: any async closure over
/// extractors that returns `Result<(), E>` or `Result<Pass, E>` with `E: Display`, such as a `&str`.
pub trait EventMiddleware<S: Party, A>:
    Handler<S, A, Output = Result<Self::Passage, Self::Refusal>>
{
    /// What it lets pass.
    type Passage: Into<Pass>;
    /// What it refuses with.
    type Refusal: fmt::Display;
}

impl<S, A, H, P, E> EventMiddleware<S, A> for H
where
    S: Party,
    H: Handler<S, A, Output = Result<P, E>>,
    P: Into<Pass>,
    E: fmt::Display,
{
    type Passage = P;
    type Refusal = E;
}

/// What an [`EventMiddleware`] lets pass: the event as it came, or another one, which the middleware behind it and the listeners see.
/// An answer that was asked for is wanted of either.
#[derive(Debug)]
pub struct Pass(Option<Result<Box<Packet>, EncodeError>>);

impl Pass {
    /// The event as it came.
    #[must_use]
    pub const fn unchanged() -> Self {
        Self(None)
    }

    /// Another event; `data` as for `emit`. One that can't be sent can't pass either: it is refused, which goes to `on_error`.
    #[must_use]
    pub fn event(name: &str, data: impl Serialize) -> Self {
        let mut text = String::new();
        let packet = encode::event(&mut text, ROOT, None, name, &data).and_then(|attachments| {
            let packet = Packet::from_encoded(&text, attachments);
            packet.map(Box::new).map_err(|error| EncodeError::Parser(error.to_string().into()))
        });
        Self(Some(packet))
    }

    /// The event that goes on instead of `packet`.
    pub(super) fn apply(self, packet: Packet) -> Result<Packet, HandlerError> {
        match self.0 {
            None => Ok(packet),
            Some(Ok(other)) => Ok(Packet { namespace: packet.namespace, id: packet.id, ..*other }),
            Some(Err(error)) => Err(HandlerError::Failed(error.to_string().into())),
        }
    }
}

impl From<()> for Pass {
    fn from((): ()) -> Self {
        Self::unchanged()
    }
}

/// What passes, or why nothing does.
type Verdict = Pin<Box<dyn Future<Output = Result<Pass, HandlerError>> + Send>>;

/// A middleware of any type.
pub(crate) type Guard<S> =
    Arc<dyn Fn(&mut Call<'_, S>) -> Result<Verdict, HandlerError> + Send + Sync>;

pub(crate) fn erase_guard<S: Party, A, M: EventMiddleware<S, A>>(middleware: M) -> Guard<S> {
    Arc::new(move |call: &mut Call<'_, S>| {
        let called = caught(AssertUnwindSafe(|| middleware.call(call)));
        let future = called.map_err(HandlerError::Panicked)?.map_err(HandlerError::Rejected)?;
        Ok(Box::pin(async move {
            let verdict =
                async { future.await.map(Into::into).map_err(|refusal| refusal.to_string()) };
            match guard(verdict).await {
                Ok(Ok(passes)) => Ok(passes),
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
