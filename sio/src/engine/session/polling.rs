//! What long-polling brings to a session: GETs that wait for packets and POSTs that bring them (rules 6-8, 19).

use std::time::Instant;

use super::state::State;
use super::{CloseReason, Session};
use crate::engine::Refusal;

impl Session {
    /// A GET has come. [`Output::AnswerGet`](super::Output::AnswerGet) answers it, now or later.
    ///
    /// # Errors
    /// [`Refusal`] if there is already one, which ends the session, or the session has moved to a WebSocket or is closed.
    pub fn handle_get(&mut self, now: Instant) -> Result<(), Refusal> {
        let closing = matches!(self.state, State::Closing { .. });
        match self.state.requests() {
            None => return Err(self.polling_refusal()),
            Some(requests) if requests.get.is_some() => {
                // Rule 8: the first GET is answered with `1`.
                self.finish(CloseReason::TransportError);
                return Err(Refusal::BadRequest);
            }
            Some(requests) => requests.get = Some(now),
        }
        // Rule 19: `1` comes with a GET of its own. In one payload with the last messages the JavaScript client would act on it
        // before them.
        if closing && self.buffer.is_empty() {
            self.finish(CloseReason::ForcedClose);
        } else {
            self.flush();
        }
        Ok(())
    }

    /// The client has gone away while its GET waited, or before it had the answer (rule 8): what was in it is lost.
    pub fn handle_get_aborted(&mut self) {
        if let Some(requests) = self.state.requests() {
            requests.get = None;
            self.finish(CloseReason::TransportError);
        }
    }

    /// A POST has come; its packets follow by [`Self::handle_packet`], then [`Self::handle_post_end`].
    ///
    /// # Errors
    /// [`Refusal`] if there is already one, which ends the session, or the session has moved to a WebSocket or is closed.
    pub fn handle_post(&mut self) -> Result<(), Refusal> {
        match self.state.requests() {
            None => Err(self.polling_refusal()),
            Some(requests) if requests.post => {
                self.finish(CloseReason::TransportError);
                Err(Refusal::BadRequest)
            }
            Some(requests) => {
                requests.post = true;
                Ok(())
            }
        }
    }

    /// The POST has been read, or was refused for its size (rule 7: the session stays open).
    pub fn handle_post_end(&mut self) {
        match &mut self.state {
            State::WebSocket { post, .. } => *post = false,
            state => {
                if let Some(requests) = state.requests() {
                    requests.post = false;
                }
            }
        }
    }

    /// The client has gone away in the middle of its POST, or sent one of the wrong type (rule 7).
    pub fn handle_post_error(&mut self) {
        self.finish(CloseReason::TransportError);
    }

    /// Why polling is no longer possible (rule 18: code 3 after an upgrade).
    pub(super) const fn polling_refusal(&self) -> Refusal {
        if matches!(self.state, State::Closed) {
            Refusal::SessionIdUnknown
        } else {
            Refusal::BadRequest
        }
    }
}
