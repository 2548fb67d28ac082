//! Broadcasts: an event for many sockets, encoded and framed once.
//!
//! `operators` is how one begins, `answer` what comes back if it asks for acks, `remote` what it finds instead of sending.
//! `waiting` sends when there is room.

pub(super) mod answer;
mod operators;
pub(super) mod remote;
mod waiting;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::namespace::Inner as Namespace;
use super::{Answers, EmitError, Io, RemoteSocket, Socket};
use crate::adapter::{Encoded, Room, Target};
use crate::handler::{Emits, How, Typed, TypedEvent, frame_encoded};
use crate::packet::{EncodeError, encode};

/// Sockets of one namespace, and what to do with them. Made by `to`, `except` and their like, does nothing by itself.
///
/// Rooms add up: `to("a").to("b")` means all that are in `a` or in `b`, each once. The operators may be chained in any order.
#[derive(Clone)]
#[must_use = "this only says who is meant; `emit` to them"]
pub struct Broadcast {
    io: Io,
    namespace: Arc<Namespace>,
    target: Target,
    timeout: Duration,
    how: How,
}

impl Broadcast {
    pub(super) fn new(io: Io, namespace: Arc<Namespace>, target: Target) -> Self {
        let timeout = io.config().ack_timeout;
        Self { io, namespace, target, timeout, how: How::default() }
    }

    /// With what the operators of a socket have said.
    pub(super) fn with(mut self, how: How, timeout: Option<Duration>) -> Self {
        self.how = how;
        self.timeout = timeout.unwrap_or(self.timeout);
        self
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

    /// Each gets what is emitted only if it leaves at once; else it is dropped. For what is worthless when late.
    pub fn volatile(mut self) -> Self {
        self.how.volatile = true;
        self
    }

    /// Whether a transport may compress what is emitted, if compression was negotiated. Default true.
    pub fn compress(mut self, compress: bool) -> Self {
        self.how.compress = compress;
        self
    }

    /// How long to wait for answers. Default [`Config::ack_timeout`](super::Config::ack_timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends them an event: `data` is one argument, or several if it is a tuple (or [`Args`](crate::packet::Args)), or none if it is
    /// `()`.
    ///
    /// It is queued for each of them when this returns. What becomes of a client for which too many bytes wait already says
    /// [`Config::slow_receiver`](super::Config::slow_receiver).
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        let packet = self.encode(None, event, &data)?;
        self.namespace.broadcast(&self.target, packet, self.how);
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
        match self.ask(event, &data) {
            Ok(answers) => answers,
            Err(error) => Answers::failed(error),
        }
    }

    /// A [typed event](trait@crate::TypedEvent), to be sent to them.
    pub fn event<E: TypedEvent>(self, _event: E) -> Typed<Self, E> {
        Typed::new(self)
    }

    /// The connected sockets of this process that are meant.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.namespace.find(&self.namespace.adapter.sockets(&self.target))
    }

    /// The sockets that are meant, wherever they are: what is known of each, and what can be done with it from afar.
    pub async fn fetch_sockets(&self) -> Vec<RemoteSocket> {
        self.sockets().iter().map(RemoteSocket::of).collect()
    }

    /// Puts them into a room. One that is in too many rooms already is left out.
    pub fn sockets_join(&self, room: &str) {
        for socket in self.sockets() {
            socket.join(room);
        }
    }

    /// Takes them out of a room.
    pub fn sockets_leave(&self, room: &str) {
        for socket in self.sockets() {
            socket.leave(room);
        }
    }

    /// Disconnects them; see [`Socket::disconnect`].
    pub fn disconnect_sockets(&self, close: bool) {
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
    fn ask<T, D: Serialize>(&self, event: &str, data: &D) -> Result<Answers<T>, EmitError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let id = self.namespace.ack_ids.next();
        let packet = self.encode(Some(id), event, data)?;
        let parser = self.namespace.parser.as_deref();
        let messages = frame_encoded(parser, &packet.text, &packet.attachments)?;
        let messages = messages.compress(self.how.compress);
        let mut answers = Answers::new(id, self.timeout);
        for socket in self.sockets() {
            answers.ask(&socket, |socket| {
                match socket.send_shown(&packet, &messages, self.how)? {
                    true => Ok(()),
                    false => Err(EmitError::NotWritable),
                }
            });
        }
        Ok(answers)
    }
}

impl Emits for Broadcast {
    type Answer<T: Send + 'static> = Answers<T>;

    fn emit_named(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.emit(event, data)
    }

    fn ask_named<T>(&self, event: &str, data: impl Serialize) -> Answers<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.emit_with_ack(event, data)
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
