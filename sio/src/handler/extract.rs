//! Extractors: what a handler may take as parameters, in any order.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{EmitError, Party, Replies, Responder};
use crate::packet::{Arguments, ReadError, encode};

/// One call of one handler: what happened, to which socket.
pub struct Call<'a, S: Party> {
    socket: &'a S,
    event: &'a str,
    arguments: Option<Arguments<'a>>,
    ack: Option<u64>,
    reason: Option<S::Reason>,
}

impl<'a, S: Party> Call<'a, S> {
    /// An event of the peer's.
    pub(crate) fn event_of(
        socket: &'a S,
        event: &'a str,
        arguments: Arguments<'a>,
        ack: Option<u64>,
    ) -> Self {
        Self { socket, event, arguments: Some(arguments), ack, reason: None }
    }

    /// A client asks for the namespace, or has got it.
    pub(crate) fn connect(socket: &'a S) -> Self {
        Self { socket, event: "connect", arguments: None, ack: None, reason: None }
    }

    /// The socket is disconnected.
    pub(crate) fn disconnect(socket: &'a S, reason: S::Reason) -> Self {
        Self { socket, event: "disconnect", arguments: None, ack: None, reason: Some(reason) }
    }

    /// The socket that it is about.
    #[must_use]
    pub fn socket(&self) -> &'a S {
        self.socket
    }

    /// The name of the event; `connect` and `disconnect` for what is none of the peer's.
    #[must_use]
    pub fn event(&self) -> &'a str {
        self.event
    }

    /// The arguments of an event.
    #[must_use]
    pub fn arguments(&self) -> Option<Arguments<'a>> {
        self.arguments
    }

    /// The reason of a disconnection.
    #[must_use]
    pub fn reason(&self) -> Option<S::Reason> {
        self.reason
    }

    /// Who takes what the handler returns. It is the answer if nobody has taken the ack before.
    pub(crate) fn responder(&mut self, event: Cow<'static, str>, answers: bool) -> Responder {
        let ack = if answers { self.ack.take() } else { None };
        Responder::new(self.socket.replies(), event, ack)
    }
}

impl<S: Party> fmt::Debug for Call<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("event", &self.event)
            .field("ack", &self.ack)
            .finish_non_exhaustive()
    }
}

/// A parameter of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a parameter of a handler",
    note = "use `Socket`, `Data<T>`, `Event`, `AckSender`, `DisconnectReason`, in a server also `Auth<T>`, `Io` and `State<T>`, or your own `Extract`"
)]
pub trait Extract<S: Party>: Sized {
    /// Takes it out of the call.
    ///
    /// # Errors
    /// [`Rejection`] if it is not there or does not fit; the handler is not called then.
    fn extract(call: &mut Call<'_, S>) -> Result<Self, Rejection>;
}

/// Why a handler was not called.
#[derive(Debug)]
#[non_exhaustive]
pub enum Rejection {
    /// The event's arguments do not fit.
    Arguments(ReadError),
    /// The auth payload does not fit.
    Auth(serde_json::Error),
    /// Nothing of this kind is there: for example no reason in an event. A mistake of the server's author.
    Missing(&'static str),
    /// Anything else, for extractors of one's own.
    Other(Box<str>),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(error) => error.fmt(f),
            Self::Auth(error) => write!(f, "auth payload does not fit: {error}"),
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

impl<S: Party, T: DeserializeOwned> Extract<S> for Data<T> {
    fn extract(call: &mut Call<'_, S>) -> Result<Self, Rejection> {
        let arguments = call.arguments().ok_or(Rejection::Missing("event"))?;
        arguments.read().map(Data).map_err(Rejection::Arguments)
    }
}

/// The name of the event, for catch-all listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event(pub Box<str>);

impl<S: Party> Extract<S> for Event {
    fn extract(call: &mut Call<'_, S>) -> Result<Self, Rejection> {
        Ok(Self(call.event().into()))
    }
}

/// Answers the event, now or later. A handler that takes it answers by it: what the handler returns is not sent.
///
/// Only the first listener that takes it gets the ack; it may be dropped, then the peer waits until it gives up.
pub struct AckSender(Option<(Arc<dyn Replies>, u64)>);

impl AckSender {
    /// Whether the peer waits for an answer (and no other listener has taken the ack).
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Answers: a tuple is several arguments, anything else one. Does nothing if no answer is wanted.
    ///
    /// # Errors
    /// [`EmitError`] if the data has no JSON form, or the socket does not take it.
    pub fn send(self, data: impl Serialize) -> Result<(), EmitError> {
        let Some((replies, id)) = self.0 else { return Ok(()) };
        replies.send_encoded(&mut |out, namespace| encode::ack(out, namespace, id, &data))
    }
}

impl<S: Party> Extract<S> for AckSender {
    fn extract(call: &mut Call<'_, S>) -> Result<Self, Rejection> {
        Ok(Self(call.ack.take().map(|id| (call.socket.replies(), id))))
    }
}

impl fmt::Debug for AckSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckSender").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}
