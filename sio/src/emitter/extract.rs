//! Extractors: what a handler may take as parameters, in any order. Those that need a server's or client's own types are there.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::reply::send_ack;
use super::{Call, EmitError, Owner};
use crate::packet::ReadError;

/// A parameter of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a parameter of a handler",
    note = "use `Socket`, `Data<T>`, `Auth<T>`, `Event`, `AckSender`, `Io`, `State<T>`, `DisconnectReason` or your own `Extract`"
)]
pub trait Extract: Sized {
    /// Takes it out of the call.
    ///
    /// # Errors
    /// [`Rejection`] if it is not there or does not fit; the handler is not called then.
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection>;
}

/// Why a handler was not called.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The event's arguments do not fit. The peer's mistake, and it is told.
    Arguments(ReadError),
    /// Nothing of this kind is there: for example no reason in an event. A mistake of the handler's author.
    Missing(&'static str),
    /// Anything else.
    Other(Box<str>),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(error) => error.fmt(f),
            Self::Missing(what) => write!(f, "there is no {what} here"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Rejection {}

/// The arguments of an event: each element of a tuple is one, any other type is the first. See
/// [`Arguments::read`](crate::packet::Arguments::read).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Data<T>(pub T);

impl<T: DeserializeOwned> Extract for Data<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let arguments = call.arguments().ok_or(Rejection::Missing("event"))?;
        arguments.read().map(Data).map_err(Rejection::Arguments)
    }
}

/// The name of the event, for catch-all listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event(pub Box<str>);

impl Extract for Event {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(Self(call.event().into()))
    }
}

/// Answers the event, now or later. A handler that takes it answers by it: what the handler returns is not sent.
///
/// Only the first listener that takes it gets the ack; it may be dropped, then the peer waits until it gives up.
pub struct AckSender {
    owner: Arc<dyn Owner>,
    id: Option<u64>,
}

impl AckSender {
    /// Whether the peer waits for an answer (and no other listener has taken the ack).
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.id.is_some()
    }

    /// Answers: a tuple is several arguments, anything else one. Does nothing if no answer is wanted.
    ///
    /// # Errors
    /// [`EmitError`] if the data has no JSON form, or the socket does not take it.
    pub fn send(self, data: impl Serialize) -> Result<(), EmitError> {
        self.id.map_or(Ok(()), |id| send_ack(&*self.owner, id, &data))
    }
}

impl fmt::Debug for AckSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckSender").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Extract for AckSender {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let (owner, id) = call.take_ack();
        Ok(Self { owner, id })
    }
}
