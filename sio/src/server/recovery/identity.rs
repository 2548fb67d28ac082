//! Who a socket is over several connections, if it may come back (rule 29).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::adapter::{Room, Session, SocketId};

/// The private id of a socket, and what it brings if it has been here before.
pub(in crate::server) struct Identity {
    /// A bearer's token, told to the client alone: 120 random bits.
    pub(in crate::server) private: Box<str>,
    /// The offset of the last packet before it connected for the first time.
    pub(in crate::server) since: AtomicU64,
    pub(in crate::server) resumed: Option<Resumed>,
}

/// What is restored.
pub(in crate::server) struct Resumed {
    pub(in crate::server) rooms: Vec<Room>,
    pub(in crate::server) data: Option<Box<str>>,
    /// The offset of the last packet that the client has seen.
    pub(in crate::server) seen: u64,
}

impl Identity {
    /// Of a socket that is new.
    pub(in crate::server) fn fresh() -> Self {
        let private = SocketId::from_random(rand::random()).as_str().into();
        Self { private, since: AtomicU64::new(0), resumed: None }
    }

    /// Of one that is back.
    pub(in crate::server) fn resume(private: &str, session: Session, seen: u64) -> Self {
        let resumed = Resumed { rooms: session.rooms, data: session.data, seen };
        let since = AtomicU64::new(session.since);
        Self { private: private.into(), since, resumed: Some(resumed) }
    }

    pub(in crate::server) fn data(&self) -> Option<Box<str>> {
        self.resumed.as_ref().and_then(|resumed| resumed.data.clone())
    }

    pub(in crate::server) fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }
}
