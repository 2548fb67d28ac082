//! Both halves as one machine, for whoever has no reason to keep them apart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::close::{CloseFrame, CloseReport, Failure};
use super::config::{Compress, Config, Role};
use super::deflate::Deflate;
use super::framing::{MaskSource, Outgoing};
use super::keepalive::Heard;
use super::message::{Message, Payload, Prepared};
use super::receive::{Received, Receiver};
use super::text::Spare;
use super::transmit::{NotOpen, Transmitter};
use crate::outbox::Outbox;

/// A WebSocket connection without I/O: bytes and time go in, messages and bytes come out.
///
/// ```
/// use std::{sync::Arc, time::Instant};
/// use bytes::Buf;
/// use ws::proto::{Connection, Event};
/// use ws::{Config, Message, Role};
///
/// let (now, config) = (Instant::now(), Arc::new(Config::default()));
/// let mut client = Connection::new(Role::Client, config.clone(), || [1, 2, 3, 4], now);
/// let mut server = Connection::new(Role::Server, config, || unreachable!("servers don't mask"), now);
///
/// client.send(&Message::from("hello"))?;
/// let mut wire = client.outbox().chunk().to_vec();
/// client.handle_written(wire.len());
///
/// let mut input = &mut wire[..];
/// let Some(Event::Message(message)) = server.handle_input(now, &mut input) else { panic!() };
/// assert_eq!(message.as_text(), Some("hello"));
/// # Ok::<(), ws::proto::NotOpen>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    receiver: Receiver,
    transmitter: Transmitter,
    heard: Heard,
    reported: bool,
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A message arrived.
    Message(Payload<'a>),
    /// A ping arrived; its pong is in the outbox.
    Ping(std::borrow::Cow<'a, [u8]>),
    /// A pong arrived.
    Pong(std::borrow::Cow<'a, [u8]>),
    /// The connection has ended. Exactly one of these comes, and nothing after it. What is in the outbox is still to be
    /// written before the byte stream is ended.
    Closed(CloseReport),
}

impl Connection {
    /// A connection whose opening handshake is done.
    #[must_use]
    pub fn new(role: Role, config: Arc<Config>, mask_source: MaskSource, now: Instant) -> Self {
        Self {
            receiver: Receiver::new(role, config.clone()),
            transmitter: Transmitter::new(role, config, mask_source, now),
            heard: Heard::default(),
            reported: false,
        }
    }

    /// With messages compressed as client and server agreed.
    #[must_use]
    pub fn with_deflate(mut self, deflate: &Deflate) -> Self {
        self.receiver.set_deflate(deflate);
        self.transmitter.set_deflate(deflate);
        self
    }

    /// Takes bytes from the front of `input`; to be called until it returns `None`. What it returns may be borrowed from
    /// `input`, which is unmasked in place.
    pub fn handle_input<'a>(
        &mut self,
        now: Instant,
        input: &mut &'a mut [u8],
    ) -> Option<Event<'a>> {
        self.heard.bytes |= !input.is_empty();
        if self.transmitter.report().is_some() {
            *input = &mut [];
            return self.poll_closed().map(Event::Closed);
        }
        let received = self.receiver.handle_input(input)?;
        self.handle_received(now, received)
    }

    /// Where the next bytes of a big message belong, if one is arriving; see [`Receiver::direct`].
    pub fn direct(&mut self) -> Option<Spare<'_>> {
        if self.transmitter.report().is_some() { None } else { self.receiver.direct() }
    }

    /// Takes `count` bytes that were appended to the buffer of [`Connection::direct`].
    pub fn handle_direct(&mut self, now: Instant, count: usize) -> Option<Event<'static>> {
        self.heard.bytes |= count > 0;
        let received = self.receiver.handle_direct(count)?;
        self.handle_received(now, received)
    }

    /// The peer has ended its side of the byte stream.
    pub fn handle_eof(&mut self) -> Option<CloseReport> {
        self.transmitter.handle_failure(Failure::Eof);
        self.poll_closed()
    }

    /// The deadline of [`Connection::poll_timeout`] has passed.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<CloseReport> {
        self.transmitter.handle_timeout(now, std::mem::take(&mut self.heard));
        self.poll_closed()
    }

    /// When [`Connection::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.transmitter.poll_timeout()
    }

    /// Queues a message.
    ///
    /// # Errors
    ///
    /// [`NotOpen`] once a close frame was sent or the connection has ended.
    pub fn send(&mut self, message: &Message) -> Result<(), NotOpen> {
        self.transmitter.send(message)
    }

    /// Queues a message, compressed or not.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send_with(&mut self, message: &Message, compress: Compress) -> Result<(), NotOpen> {
        self.transmitter.send(Outgoing::Message(message, compress))
    }

    /// Queues a message that was framed before.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), NotOpen> {
        self.transmitter.send(prepared)
    }

    /// Queues a ping with at most 125 bytes of payload.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), NotOpen> {
        self.transmitter.send(Outgoing::Ping(payload))
    }

    /// Starts the closing handshake.
    pub fn close(&mut self, frame: CloseFrame, now: Instant) {
        self.transmitter.close(frame, now);
    }

    /// What is to be written; see [`Connection::handle_written`].
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        self.transmitter.outbox()
    }

    /// `count` bytes of the outbox were written.
    pub fn handle_written(&mut self, count: usize) {
        self.transmitter.handle_written(count);
    }

    /// The byte stream takes no more for now: until it does, of the pings that arrive only the latest is answered.
    pub const fn handle_blocked(&mut self) {
        self.transmitter.handle_blocked();
    }

    /// The time between our latest answered ping and its pong.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.transmitter.latency()
    }

    /// The two halves, to be used apart.
    #[must_use]
    pub fn into_halves(self) -> (Receiver, Transmitter) {
        (self.receiver, self.transmitter)
    }

    fn handle_received<'a>(&mut self, now: Instant, received: Received<'a>) -> Option<Event<'a>> {
        match received {
            Received::Message(payload) => {
                self.heard.message = true;
                return Some(Event::Message(payload));
            }
            Received::Ping(payload) => {
                self.transmitter.handle_ping(&payload);
                return Some(Event::Ping(payload));
            }
            Received::Pong(payload) => {
                self.transmitter.handle_pong(now, &payload);
                return Some(Event::Pong(payload));
            }
            Received::Close(frame) => self.transmitter.handle_close(frame),
            Received::Violation(error) => self.transmitter.handle_violation(error),
        }
        self.poll_closed().map(Event::Closed)
    }

    fn poll_closed(&mut self) -> Option<CloseReport> {
        if self.reported {
            return None;
        }
        let report = self.transmitter.report()?.clone();
        self.reported = true;
        Some(report)
    }
}
