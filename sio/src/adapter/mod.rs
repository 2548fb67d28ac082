//! Rooms of one namespace: which socket is in which, and who gets a broadcast.
//!
//! [`Adapter`] is what the server asks, [`Memory`] the one for a single process; one for a cluster will implement the same
//! trait. It reaches back only through [`Sockets`] and knows neither handlers nor transports.

mod event;
mod id;
mod journal;
mod memory;
mod target;

use std::fmt;

use bytes::Bytes;

pub use event::{RoomEvent, RoomObserver};
pub use id::{BuildIdHasher, IdHasher, SocketId};
pub use journal::{Journal, JournalLimits, Session, without_offset};
pub use memory::Memory;
pub use target::{Room, Target};

/// An encoded packet on its way to many sockets: the Socket.IO text, without Engine.IO's digit, and its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The text of the packet.
    pub text: String,
    /// What follows it, one binary message each.
    pub attachments: Vec<Bytes>,
}

/// The connected sockets of one namespace, as an adapter sees them.
pub trait Sockets: Send + Sync {
    /// Sends the packet to each of these local sockets. Ids that are no longer connected are skipped. The adapter holds no
    /// lock during the call.
    fn deliver(&self, ids: &[SocketId], packet: &Encoded);

    /// Another server has sent this event to the servers, by [`Adapter::server_side_emit`].
    fn handle_server_side(&self, packet: &Encoded);
}

/// Where the rooms are kept.
///
/// Every socket is also reachable by its own id as a room, without joining it.
pub trait Adapter: fmt::Debug + Send + Sync {
    /// A socket has connected.
    fn add(&self, id: SocketId);

    /// A socket is gone: it leaves all of its rooms, which are returned, without its own.
    fn remove(&self, id: SocketId) -> Vec<Room>;

    /// Puts a connected socket into a room. `Ok(false)` if it was there already, or is not connected.
    ///
    /// # Errors
    /// [`TooManyRooms`] if the socket is in as many rooms as it may be.
    fn join(&self, id: SocketId, room: &str) -> Result<bool, TooManyRooms>;

    /// Puts a socket back into the rooms that it was in before its connection was lost. Gives what is to be
    /// [told](Self::tell) of that, when no lock is held any more.
    fn restore(&self, id: SocketId, rooms: &[Room]) -> Vec<RoomEvent>;

    /// Takes a socket out of a room; returns whether it was there. Its own room it can't leave.
    fn leave(&self, id: SocketId, room: &str) -> bool;

    /// The rooms that a socket is in, without its own.
    fn rooms(&self, id: SocketId) -> Vec<Room>;

    /// All rooms that local sockets have joined, each with how many joined it, in no particular order. What each is by its
    /// own id is not among them.
    fn all_rooms(&self) -> Vec<(Room, usize)>;

    /// The local sockets that a target means, each once, in no particular order.
    fn sockets(&self, target: &Target) -> Vec<SocketId>;

    /// Calls `observer` from now on with every room that is made, removed, joined or left, without a lock.
    fn observe(&self, observer: RoomObserver);

    /// Calls the observers.
    fn tell(&self, events: &[RoomEvent]);

    /// Sends an event to the other servers of the cluster. A single one has none: then nothing happens.
    fn server_side_emit(&self, _packet: &Encoded) {}

    /// Sends the packet to all sockets that the target means, each once even if it is in several of its rooms.
    fn broadcast(&self, target: &Target, packet: &Encoded, sockets: &dyn Sockets);
}

/// A socket is in as many rooms as it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyRooms {
    /// How many that is.
    pub max: usize,
}

impl fmt::Display for TooManyRooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the socket is already in {} rooms", self.max)
    }
}

impl std::error::Error for TooManyRooms {}
