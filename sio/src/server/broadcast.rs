//! Broadcasts: an event for many sockets, encoded and framed once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Asked;
use super::namespace::Inner as Namespace;
use super::{Answers, EmitError, Io, Socket};
use crate::adapter::{Encoded, Room, Target};
use crate::handler::{Pending, frame_encoded};
use crate::packet::{EncodeError, encode};

/// Sockets of one namespace, and what to do with them. Made by `to`, `except` and their like, does nothing by itself.
///
/// Rooms add up: `to("a").to("b")` means all that are in `a` or in `b`, each once.
#[derive(Clone)]
#[must_use = "this only says who is meant; `emit` to them"]
pub struct Broadcast {
    io: Io,
    namespace: Arc<Namespace>,
    target: Target,
    timeout: Duration,
}

impl Broadcast {
    pub(super) fn new(io: Io, namespace: Arc<Namespace>, target: Target) -> Self {
        let timeout = io.config().ack_timeout;
        Self { io, namespace, target, timeout }
    }

    /// And the sockets in this room. A socket's id is a room, too.
    pub fn to(mut self, room: impl Into<Room>) -> Self {
        self.target.rooms.push(room.into());
        self
    }

    /// The same as [`to`](Self::to): reads better before a verb other than `emit`.
    pub fn within(self, room: impl Into<Room>) -> Self {
        self.to(room)
    }

    /// But not the sockets in this room.
    pub fn except(mut self, room: impl Into<Room>) -> Self {
        self.target.except.push(room.into());
        self
    }

    /// Only the sockets of this process.
    pub fn local(mut self) -> Self {
        self.target.local = true;
        self
    }

    /// How long to wait for answers. Default [`Config::ack_timeout`](super::Config::ack_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends them an event: `data` is one argument, or several if it is a tuple, or none if it is `()`.
    ///
    /// It is queued for each of them when this returns. A client for which too many bytes wait already is disconnected: it
    /// would miss the event and never know.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        let packet = self.encode(None, event, &data)?;
        self.namespace.adapter.broadcast(&self.target, &packet, &*self.namespace);
        Ok(())
    }

    /// Sends them an event and collects their answers, each read into `T` like an event's arguments.
    ///
    /// The result has one [`Ack`](super::Ack) for each socket of this process that was asked. Those that do not answer in time
    /// are in it, too, so that nothing of the others is lost.
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Answers<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        Answers::new(self.ask(event, &data), self.timeout)
    }

    /// The connected sockets of this process that are meant.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.namespace.find(&self.namespace.adapter.sockets(&self.target))
    }

    /// Puts them into a room. One that is in too many rooms already is left out.
    pub fn join(&self, room: &str) {
        for socket in self.sockets() {
            socket.join(room);
        }
    }

    /// Takes them out of a room.
    pub fn leave(&self, room: &str) {
        for socket in self.sockets() {
            socket.leave(room);
        }
    }

    /// Disconnects them; see [`Socket::disconnect`].
    pub fn disconnect(&self, close: bool) {
        for socket in self.sockets() {
            socket.disconnect(close);
        }
    }

    fn encode<T: Serialize>(
        &self,
        id: Option<u64>,
        event: &str,
        data: &T,
    ) -> Result<Encoded, EncodeError> {
        let mut text = String::new();
        let attachments = encode::event(&mut text, &self.namespace.name, id, event, data)?;
        Ok(Encoded { text, attachments })
    }

    /// All receivers answer to the same id (rule 27).
    fn ask<T, D: Serialize>(&self, event: &str, data: &D) -> Result<Asked<T>, EmitError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let id = self.namespace.ack_ids.next();
        let packet = self.encode(Some(id), event, data)?;
        let parser = self.namespace.parser.as_deref();
        let messages = frame_encoded(parser, &packet.text, &packet.attachments)?;
        let ask = |socket: &Socket| {
            let pending = Pending::register(socket, id)?;
            socket.inner().send(&messages)?;
            Ok(pending)
        };
        Ok(self.sockets().iter().map(|socket| (socket.id(), ask(socket))).collect())
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("io", &self.io)
            .field("namespace", &self.namespace.name)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
