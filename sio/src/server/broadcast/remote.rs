//! A socket as it is seen from afar: what is known of it, and what can be done with it, without its handlers.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::{Room, SocketId, Target};
use crate::server::{Broadcast, EmitError, Handshake, Socket};

/// A socket of any server of the cluster, as it was when it was fetched by [`Broadcast::fetch_sockets`].
#[derive(Debug, Clone)]
pub struct RemoteSocket {
    id: SocketId,
    handshake: Handshake,
    rooms: Vec<Room>,
    data: Option<Box<str>>,
    only: Broadcast,
}

impl RemoteSocket {
    pub(in crate::server) fn of(socket: &Socket) -> Self {
        let inner = socket.inner();
        let target = Target { rooms: vec![socket.id().into()], ..Target::default() };
        Self {
            id: socket.id(),
            handshake: socket.handshake().clone(),
            rooms: socket.rooms(),
            data: inner.core().data.clone(),
            only: Broadcast::new(socket.io().clone(), inner.namespace.clone(), target),
        }
    }

    /// Its public id.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// What the client said when it connected.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The rooms that it was in, without the one that bears its id.
    #[must_use]
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// What the application keeps with it; see [`Socket::data`].
    ///
    /// # Errors
    /// Those of `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.as_deref().unwrap_or("null"))
    }

    /// Sends it an event, if it is still there.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.only.emit(event, data)
    }

    /// Sends it an event when there is room; see [`Broadcast::emit_when_ready`].
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub async fn emit_when_ready(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        self.only.emit_when_ready(event, data).await
    }

    /// The same, but gives up after `time`.
    ///
    /// # Errors
    /// [`EmitError::Encode`]; [`EmitError::Full`] if there was no room in time.
    pub async fn emit_within(
        &self,
        time: Duration,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        let late = self.only.emit_within(time, event, data).await?;
        if late.is_empty() { Ok(()) } else { Err(EmitError::Full) }
    }

    /// Puts it into a room.
    pub fn join(&self, room: &str) {
        self.only.sockets_join(room);
    }

    /// Takes it out of a room.
    pub fn leave(&self, room: &str) {
        self.only.sockets_leave(room);
    }

    /// Disconnects it; see [`Socket::disconnect`].
    pub fn disconnect(&self, close: bool) {
        self.only.disconnect_sockets(close);
    }
}
