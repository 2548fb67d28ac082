//! Asking for events, instead of being called: `while let Some(event) = socket.next().await`.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::pin::pin;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::inner::Core;
use crate::client::{EmitError, Socket};
use crate::handler::{Endpoint, Replies as _, TypedEvent};
use crate::packet::{Arguments, Packet, ReadError, encode};

/// Events that no handler has taken, for who asks. Bounded: reading is paused while too many wait.
#[derive(Debug, Default)]
pub(in crate::client) struct Pull {
    queue: VecDeque<Packet>,
    bytes: usize,
    paused: bool,
}

impl Pull {
    /// Keeps an event. Called with the socket's lock held.
    pub(in crate::client) fn push(&mut self, packet: Packet, socket: &Socket) {
        self.bytes += packet.weight();
        self.queue.push_back(packet);
        self.regulate(socket);
    }

    fn pop(&mut self, socket: &Socket) -> Option<Packet> {
        let packet = self.queue.pop_front()?;
        self.bytes -= packet.weight();
        if self.queue.is_empty() {
            // An idle socket owns no memory for events, however many have waited.
            self.queue = VecDeque::new();
        }
        self.regulate(socket);
        Some(packet)
    }

    fn regulate(&mut self, socket: &Socket) {
        let bounds = socket.bounds();
        let exceeds = |part: usize| {
            self.queue.len().saturating_mul(part) >= bounds.queued_events
                || self.bytes.saturating_mul(part) >= bounds.queued_bytes
        };
        let pause = if self.paused { exceeds(2) } else { exceeds(1) };
        if mem::replace(&mut self.paused, pause) != pause {
            socket.pause(pause);
        }
    }

    /// The connection is lost: the next knows nothing of the events that came over it.
    pub(in crate::client) fn forget_ack_ids(&mut self) {
        self.queue.iter_mut().for_each(|packet| packet.id = None);
    }

    /// The socket has ended: what waits can still be asked for, but the connection need not wait for that.
    pub(in crate::client) fn end(core: &mut Core, socket: &Socket) {
        if let Some(pull) = &mut core.pull
            && mem::take(&mut pull.paused)
        {
            socket.pause(false);
        }
    }
}

/// Asking for events.
impl Socket {
    /// The next event that no handler takes; `None` once the socket has ended, and all that came before was given out.
    ///
    /// Events are kept from the first call on, or from the beginning if the builder
    /// [keeps them](crate::client::Builder::keep_events); then the connection is not read while too many wait
    /// ([`Config::max_queued_events`](crate::client::Config::max_queued_events)). While the connection is lost it waits for the next. Of
    /// several callers each gets other events. Cancel-safe: a future that is dropped has taken none.
    pub async fn next(&self) -> Option<Received> {
        loop {
            let mut changed = pin!(self.inner().changed.notified());
            // From here on nothing is missed.
            changed.as_mut().enable();
            {
                let mut core = self.inner().core();
                if core.pull.is_none() {
                    self.begin_to_keep(&mut core);
                }
                let session = core.phase.connected().map_or(0, |connected| connected.session);
                let ended = core.phase.is_over() && !core.inbox.is_busy();
                if let Some(packet) = core.pull.as_mut().and_then(|pull| pull.pop(self)) {
                    return Some(Received { socket: self.clone(), packet, session });
                }
                if ended {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// What came early is the first.
    fn begin_to_keep(&self, core: &mut Core) {
        let mut pull = Box::new(Pull::default());
        let early = mem::take(&mut core.early);
        if core.early_until.is_some_and(|until| Instant::now() < until) {
            early.into_iter().for_each(|packet| pull.push(packet, self));
        }
        core.pull = Some(pull);
    }
}

/// An event, from [`Socket::next`].
pub struct Received {
    socket: Socket,
    packet: Packet,
    session: u64,
}

impl Received {
    /// The event's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.packet.event.as_deref().unwrap_or_default()
    }

    /// Reads the arguments: each element of a tuple is one, any other type is the first. See [`Arguments::read`].
    ///
    /// # Errors
    /// [`ReadError`] if they do not fit.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        self.arguments().read()
    }

    /// What this [typed event](TypedEvent) carries; `None` if it is another.
    ///
    /// # Errors
    /// [`ReadError`] if it is that one, and the arguments do not fit.
    pub fn typed<E: TypedEvent>(&self, _event: E) -> Option<Result<E::Args, ReadError>> {
        (self.name() == E::NAME).then(|| self.data())
    }

    /// The arguments as they came.
    #[must_use]
    pub fn arguments(&self) -> Arguments<'_> {
        self.packet.arguments()
    }

    /// Whether the server waits for an answer.
    #[must_use]
    pub const fn wants_answer(&self) -> bool {
        self.packet.id.is_some()
    }

    /// Answers: a tuple is several arguments, anything else one. Does nothing if no answer is wanted.
    ///
    /// # Errors
    /// [`EmitError`] if the data has no JSON form, or the connection that the event came over is no more.
    pub fn answer(self, data: impl Serialize) -> Result<(), EmitError> {
        let Some(id) = self.packet.id else { return Ok(()) };
        let answering = self.socket.answering(self.session);
        answering.send_encoded(&mut |out, namespace| encode::ack(out, namespace, id, &data))
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("name", &self.name())
            .field("arguments", &self.packet.payload)
            .field("wants_answer", &self.wants_answer())
            .finish()
    }
}
