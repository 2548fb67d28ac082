//! Extractors that only a server has.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Call, DisconnectReason, Io, Rejection, Socket};
use crate::handler::Extract;

/// The auth payload of the namespace's CONNECT; `null` if there was none, so that `Auth<Option<T>>` always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> Extract<Socket> for Auth<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.socket().auth().map(Auth).map_err(Rejection::Auth)
    }
}

impl Extract<Socket> for Socket {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.socket().clone())
    }
}

impl Extract<Socket> for Io {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.socket().io().clone())
    }
}

impl Extract<Socket> for DisconnectReason {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.reason().ok_or(Rejection::Missing("disconnect reason"))
    }
}

/// More about a disconnection than its reason, if there is more to tell: what was wrong with a packet, for example.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisconnectDetails(pub Option<Arc<str>>);

impl Extract<Socket> for DisconnectDetails {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(Self(call.socket().disconnect_details()))
    }
}

/// A value that the application has given to [`Io::state`](super::Io::state); the type tells which.
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T: Send + Sync + 'static> Extract<Socket> for State<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.socket().io().get_state().map(State).ok_or(Rejection::Missing("state of this type"))
    }
}
