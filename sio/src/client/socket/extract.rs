//! Extractors of a client's handlers; those that a server has as well are in [`crate::handler`].

use crate::client::{Call, DisconnectReason, Rejection, Socket};
use crate::handler::Extract;

impl Extract<Self> for Socket {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.socket().clone())
    }
}

impl Extract<Socket> for DisconnectReason {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.reason().ok_or(Rejection::Missing("disconnect reason"))
    }
}
