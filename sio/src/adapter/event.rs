//! What happens to rooms.

use std::sync::Arc;

use super::{Room, SocketId};

/// A room is made with its first member and removed with its last one. The room that bears a socket's id is not told of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// The room is new.
    Created(Room),
    /// A socket has joined the room.
    Joined(Room, SocketId),
    /// A socket has left the room, or is disconnected.
    Left(Room, SocketId),
    /// The room has no members any more.
    Deleted(Room),
}

/// Is called with events of rooms.
pub type RoomObserver = Arc<dyn Fn(&RoomEvent) + Send + Sync>;
