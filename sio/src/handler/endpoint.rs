//! A socket of either side, as its events see it: one after the other they go to its handlers.
//!
//! A handler is polled once where its event was received. Only if it has to wait is a task spawned, one for the socket, which
//! finishes it and then takes the events that came meanwhile from the queue. Acks and disconnections do not queue, so that a
//! handler may wait for an ack of its own peer.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::framing::{Frames, frame, frame_encoded};
use super::hooks::{Guard, show_outgoing};
use super::inbox::{Bounds, Inbox, Turn};
use super::{Call, EmitError, How, Listener, Party, Responder, Work};
use crate::emitter::{Fired, Waiter};
use crate::engine::Outgoing;
use crate::packet::{Arguments, EncodeError, Incoming, Packet, Parser, encode};

/// What the two kinds of sockets have in common below their public methods.
pub(crate) trait Endpoint: Party + fmt::Debug {
    /// Runs `code` with the socket's lock held: none of it may be the user's, not even a destructor.
    fn with_inbox<T>(&self, code: impl FnOnce(&mut Inbox<Self>) -> T) -> T;

    /// How much may wait, and how long.
    fn bounds(&self) -> Bounds;

    /// Pauses or resumes reading on behalf of this socket. Called with its lock held.
    fn pause(&self, pause: bool);

    /// Runs a future in a task, whatever thread this is called on.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);

    /// Takes that long.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// The id of the next event that asks for an answer.
    fn next_ack_id(&self) -> u64;

    /// How packets are written, if not by default.
    fn parser(&self) -> Option<Arc<dyn Parser>>;

    /// The namespace that its packets name.
    fn namespace(&self) -> &str;

    /// Whether sending makes sense.
    fn check_open(&self) -> Result<(), EmitError>;

    /// Sends messages with nothing between them; volatile ones only if they leave at once. Gives whether they were sent.
    fn send_all(&self, messages: &[Outgoing], volatile: bool) -> Result<bool, EmitError>;

    /// The same for an event that asks for no answer: a socket may drop older ones for it, if that is what its settings say.
    fn send_droppable(&self, messages: &[Outgoing], how: How) -> Result<bool, EmitError> {
        self.send_all(messages, how.volatile)
    }

    /// Nobody listens to this event.
    fn handle_unheard(&self, packet: Incoming<'_>);

    /// No handler is at work, and no event waits.
    fn handle_idle(&self);

    /// An event has come. It is copied only if it has to wait.
    fn receive(&self, packet: Incoming<'_>) {
        let bounds = self.bounds();
        let turn = self.with_inbox(|inbox| inbox.begin_with(packet.event(), bounds));
        let Some(turn) = turn else { return queue(self, packet.into_packet()) };
        match handle(self, packet, turn) {
            Some(work) => self.spawn(self.clone().work(Some(work))),
            None if self.with_inbox(Inbox::is_turn_over) => self.handle_idle(),
            // Somebody else has queued, or put back, what is next.
            None => self.spawn(self.clone().work(None)),
        }
    }

    /// An answer has come. Ids that nobody waits for are ignored, as are answers without one (rules 24 and 27).
    fn resolve(&self, id: Option<u64>, arguments: Arguments<'_>) {
        let waiter: Option<Waiter> = id.and_then(|id| self.with_inbox(|inbox| inbox.acks.take(id)));
        if let Some(waiter) = waiter {
            waiter.resolve(Ok(arguments));
        }
    }

    /// Finishes `first`, then handles what waits until nothing does.
    fn work(self, first: Option<Work>) -> impl Future<Output = ()> + Send {
        async move {
            if let Some(work) = first {
                work.await;
            }
            while let Some((packet, turn)) = next(&self) {
                let left = handle(&self, Incoming::Owned(packet), turn);
                if let Some(work) = left {
                    work.await;
                }
            }
            self.handle_idle();
        }
    }

    /// Pauses and resumes reading from the peer, by what waits.
    fn regulate(&self, inbox: &mut Inbox<Self>) {
        if let Some(pause) = inbox.regulate(self.bounds()) {
            self.pause(pause);
        }
    }

    /// Sends an event, which asks for an answer if it has an id.
    fn send_event<D: Serialize>(
        &self,
        id: Option<u64>,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<(), EmitError> {
        send_event(self, id, event, data, how)
    }

    /// Frames an event that whoever sees what is emitted lets pass.
    fn frame_event<D: Serialize>(
        &self,
        id: Option<u64>,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<Frames, EmitError> {
        let parser = self.parser();
        let hooks = self.with_inbox(Inbox::outgoing_hooks);
        let encode = |out: &mut String| encode::event(out, self.namespace(), id, event, data);
        let frames = match hooks {
            None => frame(parser.as_deref(), encode)?,
            Some(hooks) => {
                let mut text = String::new();
                let attachments = encode(&mut text)?;
                show_outgoing(&hooks, &text, &attachments)?;
                frame_encoded(parser.as_deref(), &text, &attachments)?
            }
        };
        Ok(frames.compress(how.compress))
    }

    /// Sends the packet that `encode` appends to a buffer, given the namespace, with the attachments that it returns.
    fn send_packet(
        &self,
        encode: impl FnOnce(&mut String, &str) -> Result<Vec<Bytes>, EncodeError>,
    ) -> Result<(), EmitError> {
        self.check_open()?;
        let parser = self.parser();
        let messages = frame(parser.as_deref(), |out| encode(out, self.namespace()))?;
        self.send_all(&messages, false).map(drop)
    }
}

/// What [`Endpoint::send_event`] does, if nothing else is to be done.
pub(crate) fn send_event<S: Endpoint, D: Serialize>(
    socket: &S,
    id: Option<u64>,
    event: &str,
    data: &D,
    how: How,
) -> Result<(), EmitError> {
    // What nobody will get is not encoded.
    socket.check_open()?;
    let messages = socket.frame_event(id, event, data, how)?;
    if id.is_none() {
        return socket.send_droppable(&messages, how).map(drop);
    }
    match socket.send_all(&messages, how.volatile)? {
        // Its answer would be waited for in vain.
        false => Err(EmitError::NotWritable),
        true => Ok(()),
    }
}

/// An event, wherever its packet lies.
#[derive(Clone, Copy)]
struct Occurrence<'a> {
    event: &'a str,
    arguments: Arguments<'a>,
    ack: Option<u64>,
}

impl<'a> Occurrence<'a> {
    fn of(packet: &'a Incoming<'_>) -> Self {
        Self { event: packet.event(), arguments: packet.arguments(), ack: packet.id() }
    }
}

/// Lets an event meet what it meets first; gives what is left of the work.
fn handle<S: Endpoint>(socket: &S, packet: Incoming<'_>, turn: Turn<S>) -> Option<Work> {
    match turn {
        Turn::Listeners(fired) if fired.is_empty() => {
            socket.handle_unheard(packet);
            None
        }
        Turn::Listeners(fired) => begin(socket, &fired, Occurrence::of(&packet)),
        Turn::Guards(guards) => {
            poll_once(Box::pin(guarded(socket.clone(), packet.into_packet(), guards)))
        }
    }
}

/// Takes an event through the middleware, and what they make of it to its listeners.
async fn guarded<S: Endpoint>(socket: S, mut packet: Packet, guards: Arc<[Guard<S>]>) {
    for guard in guards.iter() {
        let event = packet.event.clone().unwrap_or_default();
        // None of them answers: a refusal is the answer, or what the listener returns.
        let called = guard(&mut Call::event_of(&socket, &event, packet.arguments(), None));
        let verdict = match called {
            Ok(verdict) => verdict.await,
            Err(error) => Err(error),
        };
        let ack = packet.id;
        match verdict.and_then(|pass| pass.apply(packet)) {
            Ok(passed) => packet = passed,
            Err(error) => {
                let event = event.into_string().into();
                return Responder::new(socket.replies(), event, ack).fail(&error);
            }
        }
    }
    let packet = Incoming::Owned(packet);
    let fired = socket.with_inbox(|inbox| inbox.listeners.fire(packet.event()));
    let left = if fired.is_empty() {
        socket.handle_unheard(packet);
        None
    } else {
        begin(&socket, &fired, Occurrence::of(&packet))
    };
    if let Some(work) = left {
        work.await;
    }
}

/// Another event is being handled, or was a moment ago.
fn queue<S: Endpoint>(socket: &S, packet: Packet) {
    let bounds = socket.bounds();
    let begins = socket.with_inbox(|inbox| {
        inbox.push(packet);
        socket.regulate(inbox);
        inbox.begin_turn(bounds)
    });
    if begins {
        socket.spawn(socket.clone().work(None));
    }
}

/// The next event in the queue, and what it meets now; without one the turn is over.
fn next<S: Endpoint>(socket: &S) -> Option<(Packet, Turn<S>)> {
    socket.with_inbox(|inbox| {
        let next = inbox.next();
        socket.regulate(inbox);
        next
    })
}

/// Calls the listeners of an event; gives what is left of their work.
fn begin<S: Endpoint>(
    socket: &S,
    fired: &Fired<Listener<S>>,
    event: Occurrence<'_>,
) -> Option<Work> {
    let mut call = Call::event_of(socket, event.event, event.arguments, event.ack);
    let mut left: Option<Work> = None;
    for listener in fired.iter() {
        let Some(work) = listener(&mut call) else { continue };
        left = match left {
            None => poll_once(work),
            // The listener before has to finish first.
            Some(before) => Some(Box::pin(async move {
                before.await;
                work.await;
            })),
        };
    }
    left
}

/// Polls work that nothing will wake: what is left is polled again by the task that takes it.
pub(crate) fn poll_once(mut work: Work) -> Option<Work> {
    work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending().then_some(work)
}
