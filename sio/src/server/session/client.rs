//! One Engine.IO session, shared by the sockets that its client has in namespaces.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use tokio::runtime;
use ws::net::{Timed, Wheel};

use super::backlog::{Backlog, Worth};
use super::connection::Violation;
use crate::engine::server::Handle;
use crate::engine::{Outgoing, SendError};
use crate::handler::{Frames, Overdue, Reading, frame};
use crate::packet::{EncodeError, Kind, encode};
use crate::server::socket::state::{Inner, Phase};
use crate::server::{ConnectError, DisconnectReason, Io, SlowReceiver, Socket};

/// What all sockets of one client share.
pub(in crate::server) struct Client {
    pub(in crate::server) io: Io,
    pub(in crate::server) handle: Handle,
    pub(in crate::server) runtime: runtime::Handle,
    /// One per namespace that was asked for.
    seats: Mutex<Vec<Seat>>,
    /// How many of its sockets are about: see [`Stay`].
    stays: AtomicUsize,
    /// The number of the last CONNECT.
    asked: AtomicU32,
    /// It has been let into a namespace.
    greeted: AtomicBool,
    /// Why the server closes the session, and more about it.
    closing: OnceLock<(DisconnectReason, Option<Arc<str>>)>,
    /// When it must have been let into a namespace.
    greet_by: Instant,
    reading: Mutex<Reading>,
    /// If the oldest events make room for newer ones.
    pub(super) backlog: Option<Box<Backlog>>,
}

/// What a client has in one namespace.
enum Seat {
    /// Whether there is such a namespace is being found out, for the CONNECT with this number: the client may give it up and send
    /// another.
    Asking(Box<str>, u32),
    Sitting(Socket),
    /// It has left. The seat stays until the client asks again or needs it for another namespace: packets that were under way when
    /// the server disconnected it are ignored (rule 25).
    Left(Box<str>, Weak<Inner>),
}

impl Seat {
    fn namespace(&self) -> &str {
        match self {
            Self::Sitting(socket) => socket.namespace_name(),
            Self::Asking(name, _) | Self::Left(name, _) => name,
        }
    }

    fn is_asked_for(&self, number: u32) -> bool {
        matches!(self, Self::Asking(_, asked) if *asked == number)
    }

    fn into_socket(self) -> Option<Socket> {
        if let Self::Sitting(socket) = self { Some(socket) } else { None }
    }
}

/// A socket, from its CONNECT on until the last of its handlers has returned, however soon the client has left.
pub(in crate::server) struct Stay(Arc<Client>);

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.stays.fetch_sub(1, Ordering::Relaxed);
    }
}

/// No seat for a namespace.
pub(in crate::server) enum NoSeat {
    /// The client is in it, or has asked for it (rule 25).
    Taken,
    /// It is in too many.
    TooMany,
}

impl Client {
    pub(in crate::server) fn new(io: Io, handle: Handle) -> Arc<Self> {
        let greet_by = Wheel::deadline(io.config().connect_timeout);
        let reading = Mutex::new(Reading::new(io.config().limits.attachment_timeout));
        let drops = io.config().slow_receiver == SlowReceiver::DropOldest;
        let backlog = drops.then(Box::default);
        let client = Arc::new(Self {
            io,
            handle,
            runtime: runtime::Handle::current(),
            seats: Mutex::default(),
            stays: AtomicUsize::new(0),
            asked: AtomicU32::new(0),
            greeted: AtomicBool::new(false),
            closing: OnceLock::new(),
            greet_by,
            reading,
            backlog,
        });
        client.schedule(greet_by);
        client
    }

    /// It is in a namespace in time.
    pub(in crate::server) fn greet(&self) {
        self.greeted.store(true, Ordering::Relaxed);
    }

    /// Closes the session, and says why to its sockets.
    pub(in crate::server) fn close(&self, reason: DisconnectReason, details: Option<Arc<str>>) {
        let _ = self.closing.set((reason, details));
        self.handle.close();
    }

    pub(in crate::server) fn closing(&self) -> Option<&(DisconnectReason, Option<Arc<str>>)> {
        self.closing.get()
    }

    /// Closes the session of a client whose buffer is full, rather than leave out what it would never know of.
    pub(in crate::server) fn does_not_keep_up(&self) {
        if self.closing.get().is_none() {
            tracing::warn!(session = ?self.handle, "closing a connection: the client does not keep up");
            self.close(
                DisconnectReason::ForcedServerClose,
                Some("the client does not keep up".into()),
            );
        }
    }

    /// Sends what the client must not miss. If its buffer is full it is closed. Gives whether it was sent.
    pub(in crate::server) fn tell(self: &Arc<Self>, messages: &[Outgoing]) -> bool {
        let sent = self.send(messages, Worth::Needed);
        if matches!(sent, Err(SendError::Full)) {
            self.does_not_keep_up();
        }
        sent.is_ok()
    }

    pub(in crate::server) fn refuse(self: &Arc<Self>, namespace: &str, refusal: &ConnectError) {
        let reply = self.frame(|out| encode::connect_error(out, namespace, refusal));
        if let Some(reply) = reply {
            self.tell(&reply);
        }
    }

    /// Frames a packet of the protocol itself. `None` only if the application's own parser or data can't be written.
    pub(in crate::server) fn frame(
        &self,
        encode: impl FnOnce(&mut String) -> Result<(), EncodeError>,
    ) -> Option<Frames> {
        let parser = self.io.config().parser.as_deref();
        frame(parser, |out| encode(out).map(|()| Vec::new()))
            .inspect_err(|error| tracing::error!(%error, "a packet was not sent"))
            .ok()
    }

    /// Pauses reading while at least one socket wants it.
    pub(in crate::server) fn pause(&self, pause: bool) {
        // Held meanwhile, so that two who disagree leave it as the later one wants.
        let mut reading = self.reading();
        match reading.handle_pause(pause, Wheel::now()) {
            Some(true) => self.handle.pause_reading(),
            Some(false) => self.handle.resume_reading(),
            None => {}
        }
    }

    /// Whether the next message has to be an attachment.
    pub(in crate::server) fn expect_attachment(self: &Arc<Self>, is_incomplete: bool) {
        let deadline = self.reading().handle_message(is_incomplete, Wheel::now());
        if let Some(deadline) = deadline {
            self.schedule(deadline);
        }
    }

    fn schedule(self: &Arc<Self>, deadline: Instant) {
        let weak: Weak<Self> = Arc::downgrade(self);
        Wheel::current().schedule(weak, deadline);
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The seats.
impl Client {
    /// The sockets that are not disconnected.
    pub(in crate::server) fn live_sockets(&self) -> Vec<Socket> {
        let sitting = |seat: &Seat| match seat {
            Seat::Sitting(socket) => Some(socket.clone()),
            Seat::Asking(..) | Seat::Left(..) => None,
        };
        self.seats().iter().filter_map(sitting).collect()
    }

    /// The sockets of a client that is gone, and will not sit down any more.
    pub(in crate::server) fn clear(&self) -> Vec<Socket> {
        let seats = std::mem::take(&mut *self.seats());
        seats.into_iter().filter_map(Seat::into_socket).collect()
    }

    /// Whom a packet is for; `None` if it is to be ignored (rule 25).
    pub(in crate::server) fn addressee(
        &self,
        kind: Kind,
        namespace: &str,
    ) -> Result<Option<Socket>, Violation> {
        if kind == Kind::ConnectError {
            return Err(Violation::State("CONNECT_ERROR from a client"));
        }
        let early = Err(Violation::State("packet for a namespace that is not joined yet"));
        let mut seats = self.seats();
        let Some(seat) = seats.iter_mut().find(|seat| seat.namespace() == namespace) else {
            return Err(Violation::State("packet for a namespace that was not joined"));
        };
        match seat {
            Seat::Sitting(socket) => match socket.inner().phase() {
                Phase::Connected => Ok(Some(socket.clone())),
                Phase::Connecting if kind == Kind::Disconnect => Ok(Some(socket.clone())),
                Phase::Connecting => early,
                Phase::Disconnected => Ok(None),
            },
            Seat::Asking(name, _) if kind == Kind::Disconnect => {
                *seat = Seat::Left(std::mem::take(name), Weak::new());
                Ok(None)
            }
            Seat::Asking(..) => early,
            // The server disconnected it, or the client did and is out of step with itself.
            Seat::Left(..) => Ok(None),
        }
    }

    /// Takes a seat for a namespace. Gives the number of the CONNECT, and the socket that was there before, if it is still about.
    pub(in crate::server) fn ask(
        &self,
        namespace: &str,
    ) -> Result<(u32, Option<Arc<Inner>>), NoSeat> {
        let mut seats = self.seats();
        let max = self.io.config().max_namespaces;
        let mut left = Vec::new();
        if let Some(at) = seats.iter().position(|seat| seat.namespace() == namespace) {
            match &seats[at] {
                Seat::Asking(..) => return Err(NoSeat::Taken),
                Seat::Sitting(socket) if socket.inner().phase() != Phase::Disconnected => {
                    return Err(NoSeat::Taken);
                }
                Seat::Sitting(_) | Seat::Left(..) => left.push(seats.swap_remove(at)),
            }
        } else if seats.len() >= max {
            left.extend(seats.extract_if(.., |seat| matches!(seat, Seat::Left(..))));
        }
        if seats.len() >= max {
            return Err(NoSeat::TooMany);
        }
        // Most clients are in one namespace only.
        seats.reserve_exact(1);
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        seats.push(Seat::Asking(namespace.into(), number));
        drop(seats);
        let mut before = None;
        for seat in left {
            let is_same = seat.namespace() == namespace;
            let socket = match seat {
                Seat::Left(_, socket) => socket.upgrade().map(Socket::new),
                seat => seat.into_socket(),
            };
            // Else a client could leave full queues behind again and again.
            socket.iter().for_each(Socket::drop_queue);
            before = before.or(socket.filter(|_| is_same).map(|socket| socket.inner().clone()));
        }
        Ok((number, before))
    }

    /// The socket for the seat that was asked for. `false` if the client has given up or gone.
    pub(in crate::server) fn sit(&self, number: u32, socket: &Socket) -> bool {
        let mut seats = self.seats();
        let seat = seats.iter_mut().find(|seat| seat.is_asked_for(number));
        seat.map(|seat| *seat = Seat::Sitting(socket.clone())).is_some()
    }

    /// There is no such namespace: gives up the seat. `false` if that has been done.
    pub(in crate::server) fn stand_up(&self, number: u32) -> bool {
        let mut seats = self.seats();
        let position = seats.iter().position(|seat| seat.is_asked_for(number));
        position.map(|position| drop(seats.swap_remove(position))).is_some()
    }

    /// Begins to let it in somewhere. `None` if too many of its sockets are about, twice as many as it may have: who joins and leaves
    /// again and again, and is faster than middleware and handlers, would have any number of them at work.
    pub(in crate::server) fn begin_stay(self: &Arc<Self>) -> Option<Stay> {
        let stay = Stay(self.clone());
        let others = self.stays.fetch_add(1, Ordering::Relaxed);
        (others / 2 < self.io.config().max_namespaces).then_some(stay)
    }

    /// A socket has ended.
    pub(in crate::server) fn vacate(&self, socket: &Socket) {
        let mut seats = self.seats();
        let sitting = |seat: &&mut Seat| matches!(&**seat, Seat::Sitting(there) if there == socket);
        let seat = seats.iter_mut().find(sitting);
        let left = seat.map(|seat| {
            let left = Seat::Left(socket.namespace_name().into(), Arc::downgrade(socket.inner()));
            std::mem::replace(seat, left)
        });
        drop(seats);
        drop(left);
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connect timeout (rule 25), and that of attachments.
impl Timed for Client {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let has_greeted = self.greeted.load(Ordering::Relaxed);
        if !has_greeted && now >= self.greet_by {
            tracing::debug!("closing a connection: it joined no namespace in time");
            let details = "no namespace was joined in time";
            self.close(DisconnectReason::ForcedServerClose, Some(details.into()));
            return None;
        }
        let next = self.reading().handle_timeout(now);
        match next {
            // The wheel still knows of `greet_by` if that is to come.
            Ok(next) => next,
            Err(Overdue) => {
                tracing::debug!("closing a connection: an attachment did not come in time");
                let details = "an attachment did not come in time";
                self.close(DisconnectReason::ParseError, Some(details.into()));
                None
            }
        }
    }
}
