//! The sending half: frames into the outbox, the closing handshake, pongs and keepalive (RFC 6455 §5.3, §5.5, §6.1, §7).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Buf;

use super::close::{CloseCode, CloseFrame, CloseReport, Failure};
use super::config::{Compress, Config, Role};
use super::deflate::{Deflate, Deflater, Share};
use super::error::ProtocolError;
use super::frame::Opcode;
use super::framing::{self, Framing, MaskSource, Outgoing};
use super::keepalive::{Due, Heard, Keepalive, deadline};
use super::message::Prepared;
use super::state::State;
use crate::outbox::Outbox;

/// The connection no longer sends: a close frame went out, or it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOpen;

impl fmt::Display for NotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closing or closed")
    }
}

impl std::error::Error for NotOpen {}

/// The machine that takes messages and gives bytes.
#[derive(Debug)]
pub struct Transmitter {
    framing: Framing,
    config: Arc<Config>,
    state: State,
    /// Only while something waits, or it is lent: an idle connection is small.
    outbox: Option<Box<Outbox>>,
    /// Set while the byte stream takes no more.
    blocked: bool,
    /// Set when a blocked stream took some bytes after all: the peer reads.
    progress: bool,
    /// Only while the stream is blocked and pings came.
    pong: Option<Box<Pong>>,
    keepalive: Keepalive,
    /// Only where permessage-deflate was negotiated.
    deflater: Option<Box<Deflater>>,
}

/// What is owed to a peer that pings and does not read.
#[derive(Debug, Default)]
struct Pong {
    /// The latest ping that came while the stream was blocked or another pong waited (§5.5.3: only that "may" be answered).
    pending: Option<Vec<u8>>,
    /// Bytes in the outbox up to the end of the pong that was queued when the stream was blocked; 0 if there is none.
    behind: usize,
}

/// What a connection has on which nothing waits.
static NOTHING: Outbox = Outbox::new();

impl Transmitter {
    /// The sending half of a connection on which this side plays `role`.
    #[must_use]
    pub fn new(role: Role, config: Arc<Config>, mask_source: MaskSource, now: Instant) -> Self {
        let keepalive = Keepalive::new(now, &config);
        Self {
            framing: Framing::new(role, mask_source),
            config,
            state: State::Open,
            outbox: None,
            blocked: false,
            progress: false,
            pong: None,
            keepalive,
            deflater: None,
        }
    }

    /// Has messages compressed from now on.
    pub fn set_deflate(&mut self, deflate: &Deflate) {
        self.deflater = Some(Deflater::boxed(deflate, self.framing.role()));
    }

    /// Queues what the application sends.
    ///
    /// # Errors
    ///
    /// [`NotOpen`] once a close frame was sent or the connection has ended (§5.5.1).
    #[inline]
    pub fn send<'a>(&mut self, outgoing: impl Into<Outgoing<'a>>) -> Result<(), NotOpen> {
        if !self.state.is_open() {
            return Err(NotOpen);
        }
        let outgoing = outgoing.into();
        if self.deflater.is_none() {
            self.framing.put(self.outbox.get_or_insert_default(), outgoing);
        } else {
            self.send_deflated(outgoing);
        }
        Ok(())
    }

    /// Whether messages are compressed.
    #[must_use]
    pub const fn is_deflating(&self) -> bool {
        self.deflater.is_some()
    }

    /// How frames are made here, for who makes them in another outbox.
    #[must_use]
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Starts the closing handshake (§7.1.2). Nothing happens if it has begun already.
    pub fn close(&mut self, frame: CloseFrame, now: Instant) {
        if self.state.is_open() {
            self.flush_pong();
            let frame = frame.bounded();
            self.frame(Opcode::Close, &frame.payload());
            self.state.close_sent(frame, deadline(now, self.config.close_timeout));
        }
    }

    /// Answers a ping. While the byte stream is blocked only the latest ping waits for its answer.
    ///
    /// After our close frame nothing is answered, although §5.5.2 excuses only who has *received* one: the peer looks at
    /// nothing behind that frame, and some fail the connection over it.
    pub fn handle_ping(&mut self, payload: &[u8]) {
        if !self.state.is_open() {
            return;
        }
        if self.blocked {
            // §5.5.3: "MAY elect to send a Pong frame for only the most recently processed Ping frame".
            let pending = self.pong.get_or_insert_default().pending.get_or_insert_default();
            pending.clear();
            pending.extend_from_slice(payload);
        } else {
            // §5.5.3: "MUST have identical Application data as found in the message body of the Ping frame".
            self.frame(Opcode::Pong, payload);
        }
    }

    /// Notes a pong, for the latency.
    pub fn handle_pong(&mut self, now: Instant, payload: &[u8]) {
        self.keepalive.handle_pong(now, payload);
    }

    /// Takes the peer's close frame and answers it if that is still to be done (§5.5.1: "MUST send a Close frame in response").
    pub fn handle_close(&mut self, received: CloseFrame) {
        // §5.5.1: the answer "typically echos the status code it received".
        let answer = CloseFrame { code: received.code, reason: super::text::Text::default() };
        // §5.5.2: a ping is answered "unless [the endpoint] already received a Close frame".
        self.pong = None;
        if self.state.is_open() {
            self.frame(Opcode::Close, &answer.payload());
        }
        self.state.close_received(received, answer);
    }

    /// Fails the connection because the peer broke the protocol (§7.1.7): with a close frame, if none was sent.
    pub fn handle_violation(&mut self, error: ProtocolError) {
        let frame = CloseFrame::new(error.close_code(), error.reason());
        self.fail(Failure::Protocol(error), Some(frame));
    }

    /// The byte stream has ended or failed, or the connection was given up.
    pub fn handle_failure(&mut self, failure: Failure) {
        self.fail(failure, None);
    }

    /// This side lets go of the connection without waiting for the closing handshake. The peer is told that it goes away.
    pub fn handle_drop(&mut self) {
        self.fail(Failure::Dropped, Some(CloseFrame::new(CloseCode::GOING_AWAY, "")));
    }

    /// Looks at the deadlines. `heard` is what was received since the last call.
    pub fn handle_timeout(&mut self, now: Instant, heard: Heard) {
        match self.state {
            State::Open => match self.poll_keepalive(now, heard) {
                Due::Nothing => {}
                // Behind a blocked stream a ping would only measure the queue. Its deadline still finds the dead: who lives
                // makes progress.
                Due::Ping(payload) if !self.blocked => self.frame(Opcode::Ping, &payload),
                Due::Ping(_) => {}
                Due::Fail(failure @ Failure::IdleTimeout) => {
                    let frame = CloseFrame::new(CloseCode::GOING_AWAY, "idle for too long");
                    self.fail(failure, Some(frame));
                }
                Due::Fail(failure) => self.fail(failure, None),
            },
            State::CloseSent(ref sent) if sent.deadline <= now => {
                self.fail(Failure::CloseTimeout, None);
            }
            State::CloseSent(_) | State::Closed(_) => {}
        }
    }

    /// When [`Transmitter::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Open => self.keepalive.poll_timeout(),
            State::CloseSent(ref sent) => Some(sent.deadline),
            State::Closed(_) => None,
        }
    }

    /// Whether messages can be sent.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// How the connection ended, once it has.
    #[must_use]
    pub const fn report(&self) -> Option<&CloseReport> {
        self.state.report()
    }

    /// The time between our latest answered ping and its pong.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.keepalive.latency()
    }

    /// Whether a ping of the keepalive is not yet answered.
    #[must_use]
    pub const fn awaits_pong(&self) -> bool {
        self.keepalive.awaits_pong()
    }

    /// What is to be written to the byte stream.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        self.outbox.as_deref().unwrap_or(&NOTHING)
    }

    /// As [`Transmitter::outbox`], for who puts more there.
    pub fn outbox_mut(&mut self) -> &mut Outbox {
        self.outbox.get_or_insert_default()
    }

    /// Whether there is an outbox, be it empty.
    #[must_use]
    pub const fn has_outbox(&self) -> bool {
        self.outbox.is_some()
    }

    /// Lends an outbox, so that none need be allocated. It comes back if there is one.
    #[must_use]
    pub fn lend_outbox(&mut self, outbox: Box<Outbox>) -> Option<Box<Outbox>> {
        if self.outbox.is_some() {
            return Some(outbox);
        }
        self.outbox = Some(outbox);
        None
    }

    /// Takes the outbox if nothing waits in it, to be lent to another connection.
    #[must_use]
    pub fn reclaim_outbox(&mut self) -> Option<Box<Outbox>> {
        self.outbox.take_if(|outbox| outbox.is_empty())
    }

    /// Drops everything that waits.
    pub fn clear_outbox(&mut self) {
        self.outbox = None;
    }

    /// `count` bytes of the outbox were written.
    pub fn handle_written(&mut self, count: usize) {
        if let Some(outbox) = &mut self.outbox {
            outbox.advance(count);
        }
        if self.blocked {
            self.handle_progress(count);
        }
    }

    /// The byte stream takes no more for now.
    pub const fn handle_blocked(&mut self) {
        self.blocked = true;
    }

    /// Whether the byte stream took less than the outbox has.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.blocked
    }

    fn poll_keepalive(&mut self, now: Instant, mut heard: Heard) -> Due {
        // Nobody takes bytes from a full stream but a peer that lives.
        heard.bytes |= std::mem::take(&mut self.progress);
        self.keepalive.handle_timeout(now, heard, &self.config)
    }

    /// A stream that was blocked took `count` bytes.
    fn handle_progress(&mut self, count: usize) {
        self.progress |= count > 0;
        self.blocked = !self.outbox().is_empty();
        // The pong does not wait until the outbox is empty: whoever always has more to send would never answer.
        if let Some(pong) = &mut self.pong {
            pong.behind = pong.behind.saturating_sub(count);
            if pong.behind == 0 {
                self.flush_pong();
            }
        }
    }

    /// Queues the pong that waits, if one does.
    fn flush_pong(&mut self) {
        let Some(payload) = self.pong.take().and_then(|pong| pong.pending) else { return };
        self.frame(Opcode::Pong, &payload);
        if self.blocked {
            self.pong = Some(Box::new(Pong { pending: None, behind: self.outbox().len() }));
        }
    }

    fn fail(&mut self, failure: Failure, frame: Option<CloseFrame>) {
        self.pong = None;
        if self.state.is_open()
            && let Some(frame) = &frame
        {
            self.frame(Opcode::Close, &frame.payload());
        }
        self.state.failed(failure, frame);
    }

    /// Queues messages compressed where that is of use.
    fn send_deflated(&mut self, outgoing: Outgoing<'_>) {
        let is_done = match outgoing {
            Outgoing::Message(message, compress) => {
                self.deflate(message.opcode(), message.as_bytes(), compress)
            }
            Outgoing::Text(text) => self.deflate(Opcode::Text, text.as_bytes(), Compress::Auto),
            Outgoing::Binary(bytes) => self.deflate(Opcode::Binary, bytes, Compress::Auto),
            Outgoing::Payload(payload) => {
                self.deflate(payload.opcode(), payload.as_bytes(), Compress::Auto)
            }
            Outgoing::Prepared(all) => return all.iter().for_each(|one| self.send_prepared(one)),
            Outgoing::Ping(_) => false,
        };
        if !is_done {
            self.framing.put(self.outbox.get_or_insert_default(), outgoing);
        }
    }

    fn send_prepared(&mut self, prepared: &Prepared) {
        let (message, compress) = (prepared.message(), prepared.compression());
        let is_done = match self.framing.role() {
            Role::Server => self.deflate_prepared(prepared),
            Role::Client => self.deflate(message.opcode(), message.as_bytes(), compress),
        };
        if !is_done {
            self.framing.prepared(self.outbox.get_or_insert_default(), prepared);
        }
    }

    /// Queues a message compressed, unless it is not to be or does not become shorter.
    fn deflate(&mut self, opcode: Opcode, payload: &[u8], compress: Compress) -> bool {
        let Some(deflater) = &mut self.deflater else { return false };
        if !deflater.takes(payload.len(), compress) {
            return false;
        }
        let mask = self.framing.mask();
        let mut is_deflated = false;
        self.outbox.get_or_insert_default().extend_with(|buffer| {
            is_deflated = deflater.frame(opcode, mask, payload, buffer);
        });
        is_deflated
    }

    /// As [`Transmitter::deflate`], by a frame that is made once for all receivers that can share it.
    fn deflate_prepared(&mut self, prepared: &Prepared) -> bool {
        let (message, compress) = (prepared.message(), prepared.compression());
        let Some(deflater) = &mut self.deflater else { return false };
        if !deflater.takes(message.len(), compress) {
            return false;
        }
        match prepared.deflated().get(message, deflater) {
            Share::Frame(frame) => framing::share(self.outbox.get_or_insert_default(), frame),
            Share::Plain => return false,
            Share::Own => return self.deflate(message.opcode(), message.as_bytes(), compress),
        }
        true
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        self.framing.frame(self.outbox.get_or_insert_default(), opcode, payload);
    }
}
