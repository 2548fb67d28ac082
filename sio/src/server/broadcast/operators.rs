//! What a server, a namespace and a socket offer to reach sockets: the beginnings of a [`Broadcast`].

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::adapter::{Room, SocketId, Target};
use crate::handler::{Typed, TypedEvent};
use crate::server::{Answers, Broadcast, EmitError, Io, Namespace, RemoteSocket, Sending, Socket};

/// The operators of whatever has a method `broadcast`.
macro_rules! operators {
    ($type:ty, $all:literal) => {
        #[doc = concat!("Whom to reach: ", $all, ", or some of them.")]
        impl $type {
            #[doc = concat!("Those of ", $all, " in this room. A socket's id is a room, too.")]
            pub fn to(&self, room: impl Into<Room>) -> Broadcast {
                self.broadcast().to(room)
            }

            /// The same as [`to`](Self::to): reads better before a verb other than `emit`.
            pub fn within(&self, room: impl Into<Room>) -> Broadcast {
                self.to(room)
            }

            #[doc = concat!("Those of ", $all, " that are not in this room.")]
            pub fn except(&self, room: impl Into<Room>) -> Broadcast {
                self.broadcast().except(room)
            }

            #[doc = concat!("Those of ", $all, " that are connected to this process.")]
            pub fn local(&self) -> Broadcast {
                self.broadcast().local()
            }
        }
    };
}

operators!(Io, "the sockets of the namespace `/`");
operators!(Namespace, "the sockets of the namespace");
operators!(Socket, "the other sockets of the namespace");
operators!(Sending<'_>, "the other sockets of the namespace");

/// More of them, for those that are not a socket.
macro_rules! verbs {
    ($type:ty, $all:literal) => {
        #[doc = concat!("Everything at once: ", $all, ".")]
        impl $type {
            /// See [`Broadcast::timeout`].
            pub fn timeout(&self, timeout: Duration) -> Broadcast {
                self.broadcast().timeout(timeout)
            }

            /// See [`Broadcast::volatile`].
            pub fn volatile(&self) -> Broadcast {
                self.broadcast().volatile()
            }

            /// See [`Broadcast::compress`].
            pub fn compress(&self, compress: bool) -> Broadcast {
                self.broadcast().compress(compress)
            }

            #[doc = concat!("Sends an event to ", $all, "; see [`Broadcast::emit`].")]
            ///
            /// # Errors
            /// [`EmitError::Encode`] only.
            pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
                self.broadcast().emit(event, data)
            }

            #[doc = concat!("Sends an event to ", $all, ", when there is room; see [`Broadcast::emit_when_ready`].")]
            ///
            /// # Errors
            /// [`EmitError::Encode`] only.
            pub async fn emit_when_ready(
                &self,
                event: &str,
                data: impl Serialize,
            ) -> Result<(), EmitError> {
                self.broadcast().emit_when_ready(event, data).await
            }

            #[doc = concat!("Sends an event to those of ", $all, " that have room in time; see [`Broadcast::emit_within`].")]
            ///
            /// # Errors
            /// [`EmitError::Encode`] only.
            pub async fn emit_within(
                &self,
                time: Duration,
                event: &str,
                data: impl Serialize,
            ) -> Result<Vec<SocketId>, EmitError> {
                self.broadcast().emit_within(time, event, data).await
            }

            #[doc = concat!("Sends an event to ", $all, " and collects the answers; see [`Broadcast::emit_with_ack`].")]
            pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answers<T>
            where
                T: DeserializeOwned + Send + 'static,
            {
                self.broadcast().emit_with_ack(event, data)
            }

            /// See [`Broadcast::event`].
            pub fn event<E: TypedEvent>(&self, event: E) -> Typed<Broadcast, E> {
                self.broadcast().event(event)
            }

            /// See [`Broadcast::fetch_sockets`].
            pub async fn fetch_sockets(&self) -> Vec<RemoteSocket> {
                self.broadcast().fetch_sockets().await
            }

            /// See [`Broadcast::sockets_join`].
            pub fn sockets_join(&self, room: &str) {
                self.broadcast().sockets_join(room);
            }

            /// See [`Broadcast::sockets_leave`].
            pub fn sockets_leave(&self, room: &str) {
                self.broadcast().sockets_leave(room);
            }

            /// See [`Broadcast::disconnect_sockets`].
            pub fn disconnect_sockets(&self, close: bool) {
                self.broadcast().disconnect_sockets(close);
            }
        }
    };
}

verbs!(Io, "all sockets of the namespace `/`");
verbs!(Namespace, "all sockets of the namespace");

impl Namespace {
    /// All of its sockets.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.io.clone(), self.inner.clone(), Target::default())
    }
}

impl Io {
    /// See [`Namespace::broadcast`].
    pub fn broadcast(&self) -> Broadcast {
        self.root().broadcast()
    }
}

impl Socket {
    /// All other sockets of the namespace.
    pub fn broadcast(&self) -> Broadcast {
        let target = Target { except: vec![self.id().into()], ..Target::default() };
        Broadcast::new(self.io().clone(), self.inner().namespace.clone(), target)
    }
}

impl Sending<'_> {
    /// All other sockets of the namespace, in the way that was said.
    pub fn broadcast(&self) -> Broadcast {
        self.socket.broadcast().with(self.how, self.timeout)
    }
}
