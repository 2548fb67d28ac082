//! Who a broadcast is for.

use std::sync::Arc;

use super::SocketId;

/// The name of a room. A socket's id is the name of a room that it alone is in by birth.
pub type Room = Arc<str>;

/// The sockets in any of `rooms`, but in none of `except`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Target {
    /// Rooms; none means all sockets of the namespace.
    pub rooms: Vec<Room>,
    /// Rooms whose sockets get nothing, even if they are in `rooms`.
    pub except: Vec<Room>,
    /// Only sockets of this process, if there are several.
    pub local: bool,
}

impl Target {
    /// Is a socket meant that has this id and is in these rooms?
    pub fn includes(&self, id: SocketId, rooms: &[Room]) -> bool {
        let is_in = |room: &Room| **room == *id || rooms.contains(room);
        (self.rooms.is_empty() || self.rooms.iter().any(is_in)) && !self.except.iter().any(is_in)
    }
}
