//! What can go wrong when sending, and in a handler.

use std::fmt;

use super::Rejection;
use crate::emitter::AckError;
use crate::engine::SendError;
use crate::packet::{EncodeError, ReadError};

/// Why an event was not sent, or not answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum EmitError {
    /// The name is reserved or the data has no JSON form: the caller's fault, nothing was sent.
    Encode(EncodeError),
    /// The peer does not read fast enough: too many bytes wait for it. Nothing was sent.
    Full,
    /// More bytes than the peer takes in one message. Nothing was sent.
    TooLarge,
    /// The socket is disconnected.
    Disconnected,
    /// Too many answers of this socket are waited for. Nothing was sent.
    TooManyAcks,
    /// No answer came in time.
    Timeout,
    /// A volatile event that asks for an answer could not leave at once. Nothing was sent.
    NotWritable,
    /// Who is shown what is emitted has refused it, or panicked. Nothing was sent.
    Refused(Box<str>),
    /// The answer does not fit the type that it is read into.
    Answer(ReadError),
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Full => f.write_str("too many bytes wait for this peer"),
            Self::TooLarge => f.write_str("the peer does not take so large a message"),
            Self::Disconnected => f.write_str("the socket is disconnected"),
            Self::TooManyAcks => f.write_str("too many answers are waited for"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::NotWritable => f.write_str("the event could not leave at once"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Answer(error) => write!(f, "answer: {error}"),
        }
    }
}

impl std::error::Error for EmitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Answer(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for EmitError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Full => Self::Full,
            SendError::TooLarge => Self::TooLarge,
            SendError::Closed => Self::Disconnected,
        }
    }
}

impl From<AckError> for EmitError {
    fn from(error: AckError) -> Self {
        match error {
            AckError::Timeout => Self::Timeout,
            AckError::Disconnected => Self::Disconnected,
        }
    }
}

/// Why an event was not handled as it should be; see `on_error` of the server and the client.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandlerError {
    /// The handler was not called: what came does not fit its arguments.
    Rejected(Rejection),
    /// A middleware did not let the event pass. What it said.
    Refused(Box<str>),
    /// The client has sent too many such events, or too many at all: the handler was not called.
    RateLimit,
    /// The handler returned an error.
    Failed(Box<str>),
    /// The handler panicked. The message of the panic, if it has one.
    Panicked(Box<str>),
    /// What the handler returned could not be sent as the answer.
    Answer(EmitError),
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Refused(error) | Self::Failed(error) => f.write_str(error),
            Self::RateLimit => f.write_str("too many events"),
            Self::Panicked(message) => write!(f, "the handler panicked: {message}"),
            Self::Answer(error) => write!(f, "the answer was not sent: {error}"),
        }
    }
}

impl std::error::Error for HandlerError {}
