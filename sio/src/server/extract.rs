//! What handlers of a server may take beside the event.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::state::Inner;
use super::{DisconnectReason, Io, Socket};
use crate::emitter::{Call, Extract, Rejection};

impl Extract for Socket {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.owner::<Inner>().map(Socket::new).ok_or(Rejection::Missing("socket of a server"))
    }
}

impl Extract for Io {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Socket::extract(call).map(|socket| socket.io().clone())
    }
}

impl Extract for DisconnectReason {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.detail().copied().ok_or(Rejection::Missing("disconnect reason"))
    }
}

/// The auth payload of the namespace's CONNECT; `null` if there was none, so that `Auth<Option<T>>` always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> Extract for Auth<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let misfit = |error| Rejection::Other(format!("auth payload does not fit: {error}").into());
        Socket::extract(call)?.auth().map(Auth).map_err(misfit)
    }
}

/// A value that the application has given to [`Io::state`](super::Io::state); the type tells which.
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T: Send + Sync + 'static> Extract for State<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Socket::extract(call)?
            .io()
            .get_state()
            .map(State)
            .ok_or(Rejection::Missing("state of this type"))
    }
}
