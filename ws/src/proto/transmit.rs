//! The sending half: frames into the outbox, the closing handshake, pongs and keepalive (RFC 6455 §5.3, §5.5, §6.1, §7).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};

use super::close::{CloseCode, CloseFrame, CloseReport, Failure};
use super::config::{Compress, Config, Role};
use super::deflate::{Deflate, Deflater, Share};
use super::error::ProtocolError;
use super::frame::{Header, MAX_CONTROL_PAYLOAD, Opcode};
use super::keepalive::{Due, Heard, Keepalive, deadline};
use super::mask;
use super::message::{Message, Payload, Prepared};
use super::state::State;
use crate::outbox::Outbox;

/// Payloads from this size on leave without a copy, if they need no mask.
const SHARE_FROM: usize = 2 * 1024;

/// Makes the masking key of a frame. It must come from a strong source of entropy (RFC 6455 §10.3), which the pure floors
/// don't have; it is handed to them.
pub type MaskSource = fn() -> [u8; 4];

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
    role: Role,
    config: Arc<Config>,
    mask_source: MaskSource,
    state: State,
    outbox: Outbox,
    /// Set while the byte stream takes no more.
    blocked: bool,
    /// Set when a blocked stream took some bytes after all: the peer reads.
    progress: bool,
    /// The latest ping that came while the stream was blocked or another pong waited (§5.5.3: only that "may" be answered).
    pending_pong: Option<Vec<u8>>,
    /// Bytes in the outbox up to the end of the pong that was queued when the stream was blocked; 0 if there is none.
    pong_behind: usize,
    keepalive: Keepalive,
    /// Only where permessage-deflate was negotiated.
    deflater: Option<Box<Deflater>>,
}

impl Transmitter {
    /// The sending half of a connection on which this side plays `role`.
    #[must_use]
    pub fn new(role: Role, config: Arc<Config>, mask_source: MaskSource, now: Instant) -> Self {
        let keepalive = Keepalive::new(now, &config);
        Self {
            role,
            config,
            mask_source,
            state: State::Open,
            outbox: Outbox::new(),
            blocked: false,
            progress: false,
            pending_pong: None,
            pong_behind: 0,
            keepalive,
            deflater: None,
        }
    }

    /// Has messages compressed from now on.
    pub fn set_deflate(&mut self, deflate: &Deflate) {
        self.deflater = Some(Deflater::boxed(deflate, self.role));
    }

    /// Queues a message.
    ///
    /// # Errors
    ///
    /// [`NotOpen`] once a close frame was sent or the connection has ended (§5.5.1).
    #[inline]
    pub fn send(&mut self, message: &Message) -> Result<(), NotOpen> {
        self.send_with(message, Compress::Auto)
    }

    /// Queues a message, compressed or not.
    ///
    /// # Errors
    ///
    /// As [`Transmitter::send`].
    #[inline]
    pub fn send_with(&mut self, message: &Message, compress: Compress) -> Result<(), NotOpen> {
        self.check_open()?;
        let payload = message.as_bytes();
        if self.deflater.is_some() && self.deflate(message.opcode(), payload, compress) {
            return Ok(());
        }
        if payload.len() < SHARE_FROM || self.role == Role::Client {
            self.frame(message.opcode(), payload);
        } else {
            let (header, used) = Header::new(message.opcode(), payload.len() as u64).encode();
            self.outbox.extend(&header[..used]);
            self.outbox.push(message.clone().into_bytes());
        }
        Ok(())
    }

    /// Queues a text message, copied.
    ///
    /// # Errors
    ///
    /// As [`Transmitter::send`].
    #[inline]
    pub fn send_text(&mut self, text: &str) -> Result<(), NotOpen> {
        self.check_open()?;
        self.data(Opcode::Text, text.as_bytes());
        Ok(())
    }

    /// Queues a binary message, copied.
    ///
    /// # Errors
    ///
    /// As [`Transmitter::send`].
    #[inline]
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), NotOpen> {
        self.check_open()?;
        self.data(Opcode::Binary, bytes);
        Ok(())
    }

    /// Queues a received message: copied if it is borrowed, shared if it owns its bytes and they are many.
    ///
    /// # Errors
    ///
    /// As [`Transmitter::send`].
    #[inline]
    pub fn send_payload(&mut self, payload: &Payload<'_>) -> Result<(), NotOpen> {
        match (payload.as_message(), payload.as_text()) {
            (Some(message), _) => self.send(message),
            (None, Some(text)) => self.send_text(text),
            (None, None) => self.send_binary(payload.as_bytes()),
        }
    }

    /// Queues a message that was framed before. Its bytes are shared if they are many; also when it is compressed, unless a
    /// context is taken over.
    ///
    /// # Errors
    ///
    /// As [`Transmitter::send`].
    #[inline]
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), NotOpen> {
        if self.role == Role::Client {
            // §5.1: a client masks each frame anew.
            return self.send_with(prepared.message(), prepared.compression());
        }
        self.check_open()?;
        if self.deflater.is_none() || !self.deflate_prepared(prepared) {
            self.share(prepared.as_frame());
        }
        Ok(())
    }

    /// Queues a whole frame, shared if it is long.
    #[inline]
    fn share(&mut self, frame: &Bytes) {
        if frame.len() < SHARE_FROM {
            self.outbox.extend(frame);
        } else {
            self.outbox.push(frame.clone());
        }
    }

    /// Queues a ping with at most 125 bytes of payload; more are cut off.
    ///
    /// # Errors
    ///
    /// As [`Transmitter::send`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), NotOpen> {
        self.check_open()?;
        self.frame(Opcode::Ping, &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)]);
        Ok(())
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
            let pending = self.pending_pong.get_or_insert_default();
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
        self.pending_pong = None;
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
            State::CloseSent { deadline, .. } if deadline <= now => {
                self.fail(Failure::CloseTimeout, None);
            }
            State::CloseSent { .. } | State::Closed(_) => {}
        }
    }

    /// When [`Transmitter::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Open => self.keepalive.poll_timeout(),
            State::CloseSent { deadline, .. } => Some(deadline),
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
    pub const fn latency(&self) -> Option<Duration> {
        self.keepalive.latency()
    }

    /// Whether a ping of the keepalive is not yet answered.
    #[must_use]
    pub const fn awaits_pong(&self) -> bool {
        self.keepalive.awaits_pong()
    }

    /// What is to be written to the byte stream.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// For lending and reclaiming buffers.
    pub const fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// `count` bytes of the outbox were written.
    pub fn handle_written(&mut self, count: usize) {
        self.outbox.advance(count);
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

    #[inline]
    const fn check_open(&self) -> Result<(), NotOpen> {
        if self.state.is_open() { Ok(()) } else { Err(NotOpen) }
    }

    fn poll_keepalive(&mut self, now: Instant, mut heard: Heard) -> Due {
        // Nobody takes bytes from a full stream but a peer that lives.
        heard.bytes |= std::mem::take(&mut self.progress);
        self.keepalive.handle_timeout(now, heard, &self.config)
    }

    /// A stream that was blocked took `count` bytes.
    fn handle_progress(&mut self, count: usize) {
        self.progress |= count > 0;
        self.blocked = !self.outbox.is_empty();
        // The pong does not wait until the outbox is empty: whoever always has more to send would never answer.
        self.pong_behind = self.pong_behind.saturating_sub(count);
        if self.pong_behind == 0 {
            self.flush_pong();
        }
    }

    /// Queues the pong that waits, if one does.
    fn flush_pong(&mut self) {
        if let Some(payload) = self.pending_pong.take() {
            self.frame(Opcode::Pong, &payload);
            self.pong_behind = if self.blocked { self.outbox.len() } else { 0 };
        }
    }

    fn fail(&mut self, failure: Failure, frame: Option<CloseFrame>) {
        self.pending_pong = None;
        if self.state.is_open()
            && let Some(frame) = &frame
        {
            self.frame(Opcode::Close, &frame.payload());
        }
        self.state.failed(failure, frame);
    }

    /// Queues a message, compressed if it is long enough, else copied.
    #[inline]
    fn data(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.deflater.is_none() || !self.deflate(opcode, payload, Compress::Auto) {
            self.frame(opcode, payload);
        }
    }

    /// Queues a message compressed, unless it is not to be or does not become shorter.
    fn deflate(&mut self, opcode: Opcode, payload: &[u8], compress: Compress) -> bool {
        let Some(deflater) = &mut self.deflater else { return false };
        if !deflater.takes(payload.len(), compress) {
            return false;
        }
        let mask = (self.role == Role::Client).then(self.mask_source);
        let mut is_deflated = false;
        self.outbox.extend_with(|buffer| {
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
            Share::Frame(frame) => self.share(frame),
            Share::Plain => return false,
            Share::Own => return self.deflate(message.opcode(), message.as_bytes(), compress),
        }
        true
    }

    /// Copies a frame into the outbox, masked if this is a client.
    #[inline]
    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut header = Header::new(opcode, payload.len() as u64);
        if self.role == Role::Client {
            header.mask = Some((self.mask_source)());
        }
        let (bytes, used) = header.encode();
        self.outbox.extend_with(|buffer| {
            buffer.reserve(used + payload.len());
            buffer.extend_from_slice(&bytes[..used]);
            buffer.extend_from_slice(payload);
            if let Some(key) = header.mask {
                let start = buffer.len() - payload.len();
                mask::apply(key, 0, &mut buffer[start..]);
            }
        });
    }
}
