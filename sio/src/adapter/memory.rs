//! The rooms of one process.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::id::BuildIdHasher;
use super::{
    Adapter, Encoded, Room, RoomEvent, RoomObserver, SocketId, Sockets, Target, TooManyRooms,
};

type Ids = HashSet<SocketId, BuildIdHasher>;

/// Tables of fewer entries than this keep their memory.
const SHRINK_FROM: usize = 256;

/// Keeps the rooms in memory. A broadcast holds a lock only while it collects the ids.
pub struct Memory {
    index: RwLock<Index>,
    max_rooms: usize,
    observers: RwLock<Arc<[RoomObserver]>>,
}

#[derive(Default)]
struct Index {
    rooms: HashMap<Room, Ids>,
    sockets: HashMap<SocketId, Vec<Room>, BuildIdHasher>,
}

impl Memory {
    /// Without sockets. Each may be in `max_rooms` rooms, its own not counted: which rooms there are is often up to the peer.
    pub fn new(max_rooms: usize) -> Self {
        Self { index: RwLock::default(), max_rooms, observers: RwLock::default() }
    }

    // No user code runs under the lock and nothing below panics half-way, so a poisoned index is still whole.
    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the events only if somebody wants them.
    fn tell_of(&self, events: impl IntoIterator<Item = RoomEvent>) {
        let is_observed = !self.observers.read().unwrap_or_else(PoisonError::into_inner).is_empty();
        if is_observed {
            self.tell(&events.into_iter().collect::<Vec<_>>());
        }
    }
}

impl Adapter for Memory {
    fn add(&self, id: SocketId) {
        self.write().sockets.entry(id).or_default();
    }

    fn remove(&self, id: SocketId) -> Vec<Room> {
        let mut index = self.write();
        let rooms = index.sockets.remove(&id).unwrap_or_default();
        if has_room_to_spare(index.sockets.capacity(), index.sockets.len()) {
            let twice = 2 * index.sockets.len();
            index.sockets.shrink_to(twice);
        }
        let left: Vec<_> = rooms.iter().map(|room| index.take_out(id, room)).collect();
        drop(index);
        self.tell_of(rooms.iter().zip(left).flat_map(|(room, left)| left.events(room, id)));
        rooms
    }

    fn join(&self, id: SocketId, room: &str) -> Result<bool, TooManyRooms> {
        let mut index = self.write();
        let Index { rooms, sockets } = &*index;
        let Some(joined) = sockets.get(&id) else {
            return Ok(false);
        };
        if room == id.as_str() || rooms.get(room).is_some_and(|ids| ids.contains(&id)) {
            return Ok(false);
        }
        if joined.len() >= self.max_rooms {
            return Err(TooManyRooms { max: self.max_rooms });
        }
        let events = index.put_in(id, room);
        drop(index);
        self.tell_of(events);
        Ok(true)
    }

    fn restore(&self, id: SocketId, rooms: &[Room]) -> Vec<RoomEvent> {
        let mut index = self.write();
        // As many as it was in before.
        rooms.iter().flat_map(|room| index.put_in(id, room)).collect()
    }

    fn leave(&self, id: SocketId, room: &str) -> bool {
        let mut index = self.write();
        let left = index.take_out(id, room);
        if left == Left::Nothing {
            return false;
        }
        if let Some(joined) = index.sockets.get_mut(&id) {
            joined.retain(|name| &**name != room);
        }
        drop(index);
        self.tell_of(left.events(&Room::from(room), id));
        true
    }

    fn rooms(&self, id: SocketId) -> Vec<Room> {
        self.read().sockets.get(&id).cloned().unwrap_or_default()
    }

    fn all_rooms(&self) -> Vec<(Room, usize)> {
        self.read().rooms.iter().map(|(room, ids)| (room.clone(), ids.len())).collect()
    }

    fn sockets(&self, target: &Target) -> Vec<SocketId> {
        self.read().select(target)
    }

    fn observe(&self, observer: RoomObserver) {
        let mut observers = self.observers.write().unwrap_or_else(PoisonError::into_inner);
        *observers = observers.iter().cloned().chain([observer]).collect();
    }

    fn tell(&self, events: &[RoomEvent]) {
        let observers = self.observers.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (event, observer) in
            events.iter().flat_map(|event| observers.iter().map(move |o| (event, o)))
        {
            if catch_unwind(AssertUnwindSafe(|| observer(event))).is_err() {
                tracing::error!(?event, "an observer of rooms panicked");
            }
        }
    }

    fn broadcast(&self, target: &Target, packet: &Encoded, sockets: &dyn Sockets) {
        let ids = self.sockets(target);
        if !ids.is_empty() {
            sockets.deliver(&ids, packet);
        }
    }
}

impl Index {
    /// Adds a member to a room that it is not in.
    fn put_in(&mut self, id: SocketId, room: &str) -> impl Iterator<Item = RoomEvent> + use<> {
        // All members share the name that the room was made with.
        let there = self.rooms.get_key_value(room).map(|(name, _)| name.clone());
        let is_new = there.is_none();
        let name = there.unwrap_or_else(|| Room::from(room));
        self.sockets.entry(id).or_default().push(name.clone());
        self.rooms.entry(name.clone()).or_default().insert(id);
        let created = is_new.then(|| RoomEvent::Created(name.clone()));
        created.into_iter().chain([RoomEvent::Joined(name, id)])
    }

    /// Removes a member from a room, and the room with its last member.
    fn take_out(&mut self, id: SocketId, room: &str) -> Left {
        let Some(ids) = self.rooms.get_mut(room) else {
            return Left::Nothing;
        };
        if !ids.remove(&id) {
            return Left::Nothing;
        }
        if ids.is_empty() {
            self.rooms.remove(room);
            if has_room_to_spare(self.rooms.capacity(), self.rooms.len()) {
                self.rooms.shrink_to(2 * self.rooms.len());
            }
            return Left::Empty;
        }
        if has_room_to_spare(ids.capacity(), ids.len()) {
            ids.shrink_to(2 * ids.len());
        }
        Left::Others
    }

    fn select(&self, target: &Target) -> Vec<SocketId> {
        let excluded: Vec<Members<'_>> =
            target.except.iter().map(|room| self.members(room)).collect();
        let wanted = |id: &SocketId| !excluded.iter().any(|members| members.contain(id));
        match &target.rooms[..] {
            [] => self.sockets.keys().copied().filter(wanted).collect(),
            [room] => self.members(room).iter().filter(wanted).collect(),
            rooms => {
                // Several rooms may share sockets: each is served once.
                let mut seen = Ids::default();
                let members = rooms.iter().flat_map(|room| self.members(room).iter());
                members.filter(wanted).filter(|id| seen.insert(*id)).collect()
            }
        }
    }

    fn members(&self, room: &str) -> Members<'_> {
        let own = SocketId::parse(room).filter(|id| self.sockets.contains_key(id));
        Members { own, joined: self.rooms.get(room) }
    }
}

/// Whether a table has grown with a crowd that is gone. Its memory is given back so rarely that who leaves pays next to nothing.
const fn has_room_to_spare(capacity: usize, len: usize) -> bool {
    capacity > SHRINK_FROM && capacity / 8 > len
}

/// What was left of a room by who was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// It was not in the room.
    Nothing,
    Others,
    Empty,
}

impl Left {
    fn events(self, room: &Room, id: SocketId) -> impl Iterator<Item = RoomEvent> + use<> {
        let left = (self != Self::Nothing).then(|| RoomEvent::Left(room.clone(), id));
        let deleted = (self == Self::Empty).then(|| RoomEvent::Deleted(room.clone()));
        left.into_iter().chain(deleted)
    }
}

/// Who is in a room: the socket whose id is its name, and those that joined it. The former can't join it as well.
#[derive(Clone, Copy)]
struct Members<'a> {
    own: Option<SocketId>,
    joined: Option<&'a Ids>,
}

impl<'a> Members<'a> {
    fn contain(&self, id: &SocketId) -> bool {
        self.own == Some(*id) || self.joined.is_some_and(|ids| ids.contains(id))
    }

    fn iter(self) -> impl Iterator<Item = SocketId> + use<'a> {
        self.own.into_iter().chain(self.joined.into_iter().flatten().copied())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.read();
        f.debug_struct("Memory")
            .field("rooms", &index.rooms.len())
            .field("sockets", &index.sockets.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Adapter, Encoded, Memory, RoomEvent, SocketId, Sockets, Target, TooManyRooms};

    fn id(byte: u8) -> SocketId {
        SocketId::from_random([byte; 15])
    }

    fn target(rooms: &[&str], except: &[&str]) -> Target {
        let names = |list: &[&str]| list.iter().map(|&name| name.into()).collect();
        Target { rooms: names(rooms), except: names(except), ..Target::default() }
    }

    /// Sockets 1, 2, 3; 1 and 2 in `a`, 2 and 3 in `b`.
    fn adapter() -> Memory {
        let memory = Memory::new(2);
        for byte in 1..=3 {
            memory.add(id(byte));
        }
        for (byte, room) in [(1, "a"), (2, "a"), (2, "b"), (3, "b")] {
            assert_eq!(memory.join(id(byte), room), Ok(true));
        }
        memory
    }

    fn meant(memory: &Memory, rooms: &[&str], except: &[&str]) -> Vec<u8> {
        let ids = memory.sockets(&target(rooms, except));
        let mut bytes: Vec<u8> =
            ids.iter().filter_map(|meant| (0..9).find(|byte| id(*byte) == *meant)).collect();
        bytes.sort_unstable();
        bytes
    }

    #[test]
    fn a_target_means_the_sockets_of_its_rooms_each_once() {
        let memory = adapter();
        assert_eq!(meant(&memory, &[], &[]), [1, 2, 3]);
        assert_eq!(meant(&memory, &["a"], &[]), [1, 2]);
        assert_eq!(meant(&memory, &["a", "b"], &[]), [1, 2, 3]);
        assert_eq!(meant(&memory, &["a", "a"], &[]), [1, 2]);
        assert!(meant(&memory, &["nobody"], &[]).is_empty());
    }

    #[test]
    fn except_takes_sockets_out_whatever_room_they_are_meant_by() {
        let memory = adapter();
        assert_eq!(meant(&memory, &["a"], &["b"]), [1]);
        assert_eq!(meant(&memory, &[], &["a"]), [3]);
        assert_eq!(meant(&memory, &["a", "b"], &["nobody", id(3).as_str()]), [1, 2]);
    }

    #[test]
    fn all_rooms_are_those_joined_with_their_sizes() {
        let memory = adapter();
        let mut rooms = memory.all_rooms();
        rooms.sort();
        assert_eq!(rooms, [("a".into(), 2), ("b".into(), 2)]);
        memory.leave(id(1), "a");
        memory.remove(id(2));
        assert_eq!(memory.all_rooms(), [("b".into(), 1)]);
    }

    #[test]
    fn a_socket_is_reached_by_its_own_id_as_a_room() {
        let memory = adapter();
        assert_eq!(meant(&memory, &[id(3).as_str()], &[]), [3]);
        assert_eq!(meant(&memory, &[id(3).as_str(), "b"], &[]), [2, 3]);
        assert_eq!(memory.join(id(3), &id(3)), Ok(false));
        assert_eq!(memory.join(id(1), &id(3)), Ok(true));
        assert_eq!(meant(&memory, &[id(3).as_str()], &[]), [1, 3]);
        assert!(!memory.leave(id(3), &id(3)));
        memory.remove(id(3));
        assert_eq!(meant(&memory, &[id(3).as_str()], &[]), [1]);
    }

    #[test]
    fn who_leaves_or_disconnects_is_in_no_room_and_empty_rooms_are_gone() {
        let memory = adapter();
        assert!(memory.leave(id(1), "a") && !memory.leave(id(1), "a"));
        assert_eq!(meant(&memory, &["a"], &[]), [2]);
        let mut rooms = memory.remove(id(2));
        rooms.sort();
        assert_eq!(rooms.iter().map(|room| &**room).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(meant(&memory, &[], &[]), [1, 3]);
        assert_eq!(memory.read().rooms.len(), 1);
        assert_eq!(memory.join(id(2), "a"), Ok(false), "a socket that is gone joins nothing");
        assert!(memory.rooms(id(2)).is_empty());
    }

    #[test]
    fn the_number_of_rooms_is_bounded() {
        let memory = adapter();
        assert_eq!(memory.join(id(2), "c"), Err(TooManyRooms { max: 2 }));
        assert_eq!(memory.join(id(2), "b"), Ok(false));
        memory.leave(id(2), "b");
        assert_eq!(memory.join(id(2), "c"), Ok(true));
    }

    #[test]
    fn observers_are_told_of_rooms_and_may_use_the_adapter() {
        let memory = Arc::new(Memory::new(9));
        let (events, inside) = (Arc::new(Mutex::new(Vec::new())), Arc::downgrade(&memory));
        let log = events.clone();
        memory.observe(Arc::new(move |event| {
            inside.upgrade().unwrap().sockets(&Target::default());
            log.lock().unwrap().push(event.clone());
        }));
        memory.add(id(1));
        memory.add(id(2));
        memory.join(id(1), "a").unwrap();
        memory.join(id(1), "a").unwrap();
        memory.join(id(2), "a").unwrap();
        memory.leave(id(1), "a");
        memory.leave(id(1), "a");
        memory.remove(id(2));
        let room = || "a".into();
        assert_eq!(
            *events.lock().unwrap(),
            [
                RoomEvent::Created(room()),
                RoomEvent::Joined(room(), id(1)),
                RoomEvent::Joined(room(), id(2)),
                RoomEvent::Left(room(), id(1)),
                RoomEvent::Left(room(), id(2)),
                RoomEvent::Deleted(room()),
            ]
        );
    }

    #[test]
    fn a_broadcast_holds_no_lock_while_it_delivers() {
        struct Receiver<'a>(&'a Memory, Mutex<Vec<SocketId>>);
        impl Sockets for Receiver<'_> {
            fn deliver(&self, ids: &[SocketId], packet: &Encoded) {
                assert_eq!(packet.text, "2[\"e\"]");
                self.0.remove(ids[0]);
                self.1.lock().unwrap().extend(ids);
            }

            fn handle_server_side(&self, _: &Encoded) {}
        }
        let memory = adapter();
        let receiver = Receiver(&memory, Mutex::default());
        let packet = Encoded { text: "2[\"e\"]".into(), attachments: Vec::new() };
        memory.broadcast(&target(&["a", "b"], &[]), &packet, &receiver);
        memory.broadcast(&target(&["nobody"], &[]), &packet, &receiver);
        assert_eq!(receiver.1.lock().unwrap().len(), 3);
        assert_eq!(memory.sockets(&Target::default()).len(), 2);
    }
}
