//! What stands on a session, on either side of it.

use super::{CloseReason, Message};

/// Receives what the peer of one session sends. Its methods are called one after the other, never two at once.
///
/// The session's handle may be used inside of them, also to close the session: the call of [`Self::on_close`] then follows.
pub trait SessionHandler: Send {
    /// A message has come.
    fn on_message(&mut self, message: Message<'_>);

    /// The session is over. Called exactly once, and last.
    fn on_close(&mut self, reason: CloseReason);
}
