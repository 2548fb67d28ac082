//! Who a socket is over several connections, if it may come back (rule 29).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::adapter::{Room, Session, SocketId};

/// The private id of a socket, and what it brings if it has been here before.
pub(super) struct Identity {
    /// A bearer's token, told to the client alone: 120 random bits.
    pub(super) private: Box<str>,
    /// The offset of the last packet before it connected for the first time.
    pub(super) since: AtomicU64,
    pub(super) resumed: Option<Resumed>,
}

/// What is restored.
pub(super) struct Resumed {
    pub(super) rooms: Vec<Room>,
    pub(super) data: Option<Box<str>>,
    /// The offset of the last packet that the client has seen.
    pub(super) seen: u64,
}

impl Identity {
    /// Of a socket that is new.
    pub(super) fn fresh() -> Self {
        let private = SocketId::from_random(rand::random()).as_str().into();
        Self { private, since: AtomicU64::new(0), resumed: None }
    }

    /// Of one that is back.
    pub(super) fn resume(private: &str, session: Session, seen: u64) -> Self {
        let resumed = Resumed { rooms: session.rooms, data: session.data, seen };
        let since = AtomicU64::new(session.since);
        Self { private: private.into(), since, resumed: Some(resumed) }
    }

    pub(super) fn data(&self) -> Option<Box<str>> {
        self.resumed.as_ref().and_then(|resumed| resumed.data.clone())
    }

    pub(super) fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }
}
