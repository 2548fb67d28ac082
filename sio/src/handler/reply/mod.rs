//! What a handler returns: the answer to the event, or an error.

mod result;

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{EmitError, HandlerError, Rejection, Replies};
use crate::packet::encode;
use result::Outcome;

/// What a handler may return: `()`, anything that serialises, or a `Result`.
///
/// If the peer asked for an ack, the value is the answer: a tuple is several arguments, `()` none, anything else one. The
/// error of a `Result` goes to `on_error`, and the answer is `{"error": …}` with the error's text (or its JSON, if it
/// serialises). `M` is inferred: it tells results whose error is a `std::error::Error` from values. An error that also
/// serialises leaves that open: return its text instead (`map_err(|error| error.to_string())`).
#[diagnostic::on_unimplemented(
    message = "a handler can't return `{Self}`",
    note = "return `()`, a value that is `Serialize`, or a `Result` whose error is a `std::error::Error` or `Serialize`, but not both"
)]
pub trait IntoReply<M> {
    /// Answers, or reports the error.
    fn into_reply(self, to: &mut Responder);
}

/// Marks values, and results whose error serialises, such as a `String`.
#[derive(Debug)]
pub struct ByValue;

/// Marks results whose error is an error.
#[derive(Debug)]
pub struct ByError;

impl<T: Serialize> IntoReply<ByValue> for T {
    fn into_reply(self, to: &mut Responder) {
        // serde shows a result as an enum with one of two variants; nothing else tells it from other values here.
        if type_name::<T>().starts_with("core::result::Result<") {
            Outcome::of(&self, to);
        } else {
            to.answer(&self);
        }
    }
}

impl<T: Serialize, E: std::error::Error> IntoReply<ByError> for Result<T, E> {
    fn into_reply(self, to: &mut Responder) {
        match self {
            Ok(value) => to.answer(&value),
            Err(error) => to.fail(&HandlerError::Failed(error.to_string().into())),
        }
    }
}

/// Takes what a handler returns back to the peer.
pub struct Responder {
    to: Arc<dyn Replies>,
    event: Cow<'static, str>,
    /// The ack id, if the peer wants an answer and the handler has not taken that over.
    ack: Option<u64>,
}

/// What went wrong inside is none of the peer's business.
const INTERNAL: &str = "Internal error";

#[derive(Serialize)]
struct Failure<T> {
    error: T,
}

impl Responder {
    pub(crate) fn new(to: Arc<dyn Replies>, event: Cow<'static, str>, ack: Option<u64>) -> Self {
        Self { to, event, ack }
    }

    /// Sends the answer, if one is wanted; only the first one is.
    pub fn answer<T: Serialize + ?Sized>(&mut self, data: &T) {
        let Some(id) = self.ack else { return };
        let sent = self.send_ack(id, data);
        self.ack = None;
        match sent {
            // That the peer has gone meanwhile is nobody's mistake.
            Ok(()) | Err(EmitError::Disconnected) => {}
            Err(error) => {
                // The peer need not wait for what won't come. If it takes nothing at all, that is reported here, too.
                let _ = self.send_ack(id, &Failure { error: INTERNAL });
                self.report(&HandlerError::Answer(error));
            }
        }
    }

    /// Reports the error, and sends `{"error": …}` if an answer is wanted.
    pub fn fail(&mut self, error: &HandlerError) {
        self.report(error);
        let text = match error {
            HandlerError::Rejected(Rejection::Arguments(_))
            | HandlerError::Refused(_)
            | HandlerError::RateLimit
            | HandlerError::Failed(_) => Cow::Owned(error.to_string()),
            _ => Cow::Borrowed(INTERNAL),
        };
        self.answer_error(&text);
    }

    /// The same for an error that serialises.
    fn fail_with<E: Serialize + ?Sized>(&mut self, error: &E) {
        let text = serde_json::to_string(error).unwrap_or_else(|error| error.to_string());
        self.report(&HandlerError::Failed(text.into()));
        self.answer_error(error);
    }

    fn answer_error<E: Serialize + ?Sized>(&mut self, error: &E) {
        self.answer(&Failure { error });
    }

    fn send_ack<T: Serialize + ?Sized>(&self, id: u64, data: &T) -> Result<(), EmitError> {
        self.to.clone().send_encoded(&mut |out, namespace| encode::ack(out, namespace, id, data))
    }

    fn report(&self, error: &HandlerError) {
        self.to.clone().report(&self.event, error);
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder")
            .field("event", &self.event)
            .field("ack", &self.ack)
            .finish_non_exhaustive()
    }
}
