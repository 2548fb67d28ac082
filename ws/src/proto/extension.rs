//! What passes between the opening handshake and the extensions (RFC 6455 §9.1).

use std::borrow::Cow;

/// An extension that is offered or accepted, as it stands in `Sec-WebSocket-Extensions`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extension<'a> {
    pub(crate) name: &'a str,
    /// In order, with the values of those that have one. Nothing is said about repeated names.
    pub(crate) parameters: Vec<(&'a str, Option<Cow<'a, str>>)>,
}
