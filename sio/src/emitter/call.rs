//! One call of a handler: what happened, to whom.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{EmitError, HandlerError, Responder};
use crate::packet::{Arguments, EncodeError};

/// The socket whose handlers are called, of a server or of a client, as far as they have to know it.
pub trait Owner: Any + Send + Sync {
    /// Sends the answer to an event.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    fn send_ack(&self, encode: EncodeAck<'_>) -> Result<(), EmitError>;

    /// A handler has failed.
    fn report(self: Arc<Self>, event: &str, error: &HandlerError);
}

/// Appends the text of an ack for this namespace to the buffer, and gives its attachments. To be called once.
pub type EncodeAck<'a> = &'a mut dyn FnMut(&mut String, &str) -> Result<Vec<Bytes>, EncodeError>;

/// One call of one handler. [`Extract`](super::Extract) takes parameters out of it.
pub struct Call<'a> {
    owner: &'a Arc<dyn Owner>,
    event: &'a str,
    arguments: Option<Arguments<'a>>,
    ack: Option<u64>,
    detail: Option<&'a dyn Any>,
}

impl<'a> Call<'a> {
    /// An event of the peer's. `ack` is its id if it asks for an answer.
    pub fn event_of(
        owner: &'a Arc<dyn Owner>,
        event: &'a str,
        arguments: Arguments<'a>,
        ack: Option<u64>,
    ) -> Self {
        Self { owner, event, arguments: Some(arguments), ack, detail: None }
    }

    /// Something that happened to the socket, such as `disconnect`, with what there is to say about it.
    pub fn about(owner: &'a Arc<dyn Owner>, event: &'a str, detail: Option<&'a dyn Any>) -> Self {
        Self { owner, event, arguments: None, ack: None, detail }
    }

    /// The socket, if it is of this type.
    #[must_use]
    pub fn owner<T: Owner>(&self) -> Option<Arc<T>> {
        let owner: Arc<dyn Any + Send + Sync> = self.owner.clone();
        owner.downcast().ok()
    }

    /// The name of the event; `connect` and the like for what is none of the peer's.
    #[must_use]
    pub fn event(&self) -> &'a str {
        self.event
    }

    /// The arguments of an event of the peer's.
    #[must_use]
    pub fn arguments(&self) -> Option<Arguments<'a>> {
        self.arguments
    }

    /// What else there is to say about what happened, if it is of this type; the reason of a disconnection, for example.
    #[must_use]
    pub fn detail<T: Any>(&self) -> Option<&'a T> {
        self.detail?.downcast_ref()
    }

    /// Who takes what the handler returns. It is the answer if nobody has taken the ack before.
    pub(super) fn responder(&mut self, event: Cow<'static, str>, answers: bool) -> Responder {
        let ack = if answers { self.ack.take() } else { None };
        Responder::new(self.owner.clone(), event, ack)
    }

    /// Who answers, if an answer is wanted and nobody has taken that over before.
    pub(super) fn take_ack(&mut self) -> (Arc<dyn Owner>, Option<u64>) {
        (self.owner.clone(), self.ack.take())
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("event", &self.event)
            .field("ack", &self.ack)
            .finish_non_exhaustive()
    }
}
