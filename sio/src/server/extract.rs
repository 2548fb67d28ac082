//! Extractors: what a handler may take as parameters, in any order.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DisconnectReason, EmitError, Io, Responder, Socket};
use crate::packet::{Arguments, ReadError};

/// One call of one handler: what happened, to which socket.
#[derive(Debug)]
pub struct Call<'a> {
    socket: &'a Socket,
    event: &'a str,
    arguments: Option<Arguments<'a>>,
    ack: Option<u64>,
    reason: Option<DisconnectReason>,
}

impl<'a> Call<'a> {
    /// An event of the client's.
    pub(super) fn event_of(
        socket: &'a Socket,
        event: &'a str,
        arguments: Arguments<'a>,
        ack: Option<u64>,
    ) -> Self {
        Self { socket, event, arguments: Some(arguments), ack, reason: None }
    }

    /// A client asks for the namespace, or has got it.
    pub(super) fn connect(socket: &'a Socket) -> Self {
        Self { socket, event: "connect", arguments: None, ack: None, reason: None }
    }

    /// The socket is disconnected.
    pub(super) fn disconnect(socket: &'a Socket, reason: DisconnectReason) -> Self {
        Self { socket, event: "disconnect", arguments: None, ack: None, reason: Some(reason) }
    }

    /// The socket that it is about.
    #[must_use]
    pub fn socket(&self) -> &'a Socket {
        self.socket
    }

    /// The name of the event; `connect` and `disconnect` for what is none of the client's.
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
    pub fn reason(&self) -> Option<DisconnectReason> {
        self.reason
    }

    /// Who takes what the handler returns. It is the answer if nobody has taken the ack before.
    pub(super) fn responder(&mut self, event: Cow<'static, str>, answers: bool) -> Responder {
        let ack = if answers { self.ack.take() } else { None };
        Responder::new(self.socket.clone(), event, ack)
    }
}

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

impl<T: DeserializeOwned> Extract for Data<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let arguments = call.arguments().ok_or(Rejection::Missing("event"))?;
        arguments.read().map(Data).map_err(Rejection::Arguments)
    }
}

/// The auth payload of the namespace's CONNECT; `null` if there was none, so that `Auth<Option<T>>` always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> Extract for Auth<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.socket().auth().map(Auth).map_err(Rejection::Auth)
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

impl Extract for Socket {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.socket().clone())
    }
}

impl Extract for Io {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.socket().io().clone())
    }
}

impl Extract for DisconnectReason {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.reason().ok_or(Rejection::Missing("disconnect reason"))
    }
}

/// A value that the application has given to [`Io::state`](super::Io::state); the type tells which.
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T: Send + Sync + 'static> Extract for State<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.socket().io().get_state().map(State).ok_or(Rejection::Missing("state of this type"))
    }
}

/// Answers the event, now or later. A handler that takes it answers by it: what the handler returns is not sent.
///
/// Only the first listener that takes it gets the ack; it may be dropped, then the client waits until it gives up.
#[derive(Debug)]
pub struct AckSender {
    socket: Socket,
    id: Option<u64>,
}

impl AckSender {
    /// Whether the client waits for an answer (and no other listener has taken the ack).
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.id.is_some()
    }

    /// Answers: a tuple is several arguments, anything else one. Does nothing if no answer is wanted.
    ///
    /// # Errors
    /// [`EmitError`] if the data has no JSON form, or the socket does not take it.
    pub fn send(self, data: impl Serialize) -> Result<(), EmitError> {
        self.id.map_or(Ok(()), |id| self.socket.send_ack(id, &data))
    }
}

impl Extract for AckSender {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(Self { socket: call.socket.clone(), id: call.ack.take() })
    }
}
