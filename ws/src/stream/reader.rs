//! The receiving half of a connection, with the reading half of the byte stream. Both ways to use a WebSocket stand on it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::buffers::{self, Ahead};
use super::cork::Cork;
use super::link::Link;
use crate::net::{ReadHalf, Stream, Wheel};
use crate::proto::frame::MAX_HEADER;
use crate::proto::{
    CloseCode, CloseFrame, CloseReport, Config, Deflate, Failure, Message, Payload, Received,
    Receiver, Role, Transmitter,
};

/// After so many bytes others have their turn, be they as much as one read can give;
const TURN: usize = buffers::READ_SIZE;
/// or more, while a message is arriving that is bigger than that.
const BIG_TURN: usize = 8 * TURN;
/// From this length on a message lets another of its kind be expected.
const EXPECT_FROM: usize = 16 * 1024;

/// Reads, and tells a visitor what came.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) link: Arc<Link>,
    /// Gone once the connection has ended.
    io: Option<ReadHalf>,
    receiver: Receiver,
    /// Input that a read delivered and the visitor did not want yet, from `rest_at` on: there is some unless it is empty.
    rest: BytesMut,
    rest_at: u32,
    /// The length of the frame that the last message came in, if it was a big one that came alone: the next may be like it.
    expected: u32,
    /// The frame under way began with a read, and nothing else had come when that was done.
    is_alone: bool,
    ahead: Option<Ahead>,
    /// Messages were shown that are slices of a read buffer.
    has_shared: bool,
    lingers: bool,
    ended: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// What a visitor is told.
pub(super) enum Incoming<'a> {
    Message(Payload<'a>),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
}

/// Who is shown what arrives.
pub(super) trait Visitor {
    /// What it has sent so far, if it collects that.
    fn cork(&mut self) -> Option<&mut Cork>;

    /// Something arrived.
    fn visit(&mut self, link: &Arc<Link>, incoming: Incoming<'_>) -> Flow;
}

/// What a visitor wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    /// Nothing more for now. What was read already is kept.
    Stop,
}

/// Why a turn of reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The visitor wanted no more.
    Stopped,
    /// There is more, but others should have their turn.
    Yield,
    /// The connection has ended; [`Link::report`] says how.
    Closed,
}

impl Reader {
    pub(super) fn new(stream: Stream, leftover: Bytes, role: Role, config: Arc<Config>) -> Self {
        let peer_addr = stream.peer_addr();
        let (io, write_half) = stream.into_split();
        let receiver = Receiver::new(role, config.clone());
        let link = Link::new(write_half, peer_addr, role, config);
        Self {
            link,
            io: Some(io),
            receiver,
            rest: leftover.into(),
            rest_at: 0,
            expected: 0,
            is_alone: false,
            ahead: None,
            has_shared: false,
            lingers: false,
            ended: false,
        }
    }

    /// Has messages compressed as client and server agreed. To be called before anything was read or sent.
    pub(super) fn set_deflate(&mut self, deflate: &Deflate) {
        self.receiver.set_deflate(deflate);
        self.link.set_deflate(deflate);
    }

    /// Whether input that was read waits to be looked at.
    pub(super) fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The next message of what was read already, if it lies there whole.
    pub(super) fn next_waiting(&mut self) -> Option<Message> {
        if self.rest.is_empty() || self.link.is_closed() {
            return None;
        }
        let mut input = &mut self.rest[self.rest_at as usize..];
        let message = match self.receiver.handle_whole(&mut input)? {
            Ok(payload) => payload.into_message(),
            Err(error) => {
                self.link.transmit(|t| t.handle_violation(error));
                return None;
            }
        };
        match input.len() {
            0 => drop(self.take_rest()),
            left => self.rest_at = (self.rest.len() - left) as u32, // it is what one read gave
        }
        self.link.heard(true);
        Some(message)
    }

    fn take_rest(&mut self) -> BytesMut {
        let mut rest = std::mem::take(&mut self.rest);
        rest.advance(std::mem::take(&mut self.rest_at) as usize);
        rest
    }

    /// Shows `visitor` what arrives until it stops, the byte stream has no more, or the connection ends.
    pub(super) fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        visitor: &mut impl Visitor,
    ) -> Poll<Turn> {
        let mut read_bytes = 0;
        loop {
            if self.link.is_closed() {
                return Poll::Ready(Turn::Closed);
            }
            if self.has_rest() {
                if self.visit_rest(visitor) == Flow::Stop {
                    return Poll::Ready(Turn::Stopped);
                }
                continue;
            }
            let read = match self.receiver.is_direct() {
                true => self.poll_direct(cx, visitor),
                false => self.poll_shared(cx, visitor),
            };
            match ready!(read) {
                Ok((0, _)) => {
                    let eof = |t: &mut Transmitter| t.handle_failure(Failure::Eof);
                    self.link.transmit_corked(visitor.cork(), eof);
                }
                Ok((_, Flow::Stop)) => return Poll::Ready(Turn::Stopped),
                Ok((count, Flow::Continue)) => {
                    read_bytes += count;
                    // To give way in the middle of a big message would have more of them grow at a time.
                    let limit = if self.receiver.is_direct() { BIG_TURN } else { TURN };
                    if read_bytes >= limit {
                        return Poll::Ready(Turn::Yield);
                    }
                }
                Err(error) => {
                    let failure = Failure::Io(error.kind());
                    self.link.transmit_corked(visitor.cork(), |t| t.handle_failure(failure));
                }
            }
        }
    }

    /// To be called after what was sent meanwhile was flushed: what could not be written may be part of a read buffer, which
    /// it should not keep.
    pub(super) fn unshare(&mut self) {
        if std::mem::take(&mut self.has_shared) {
            self.link.unshare();
        }
    }

    /// Whether [`Reader::poll_end`] is done.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Lets go of a connection that nobody reads any more. The peer is told so if that is possible without waiting.
    pub(super) fn abandon(&mut self) {
        if !self.ended {
            self.link.transmit(|t| {
                if std::thread::panicking() {
                    // RFC 6455 §7.4.1: "it encountered an unexpected condition".
                    t.close(CloseFrame::new(CloseCode::INTERNAL_ERROR, ""), Wheel::now());
                }
                t.handle_drop();
            });
            self.end();
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.io = None;
        self.link.release();
    }

    /// Ends the byte stream of a closed connection in the right order: what is queued leaves, a server ends its side, and
    /// what the peer still sends is read and discarded until it ends its side, or its time is over. To close with unread
    /// input would make the kernel reset the connection, and the peer might never see our close frame.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<CloseReport> {
        let Some(report) = self.link.report() else { return Poll::Pending };
        let said_something =
            matches!(report.failure, None | Some(Failure::Protocol(_) | Failure::IdleTimeout));
        if said_something && !self.ended {
            if !self.lingers {
                self.lingers = true;
                self.link.linger(self.receiver.role());
            }
            while !self.link.is_expired() {
                let mut buffer = buffers::take_read_buffer();
                let read = poll_read(&mut self.io, cx, &mut buffer);
                buffers::give_read_buffer(buffer);
                if matches!(ready!(read), Ok(0) | Err(_)) {
                    break;
                }
            }
        }
        if !self.ended {
            self.end();
        }
        Poll::Ready(report)
    }

    fn poll_shared(
        &mut self,
        cx: &mut Context<'_>,
        visitor: &mut impl Visitor,
    ) -> Poll<io::Result<(usize, Flow)>> {
        if self.expected > 0 {
            return self.poll_expected(cx, visitor);
        }
        let mut buffer = buffers::take_read_buffer();
        let read = poll_read(&mut self.io, cx, &mut buffer);
        let flow = if let Poll::Ready(Ok(1..)) = read {
            self.link.heard(false);
            if !self.receiver.is_mid_message() {
                self.is_alone = Receiver::is_big_and_more(&buffer);
            }
            self.visit_input(&mut buffer, false, visitor)
        } else {
            Flow::Continue
        };
        if buffer.len() >= buffers::READ_SIZE / 8 {
            self.rest = buffer.split();
        } else if !buffer.is_empty() {
            self.rest = BytesMut::from(&buffer[..]);
        }
        buffers::give_read_buffer(buffer);
        read.map_ok(|count| (count, flow))
    }

    /// Reads to where a message like the last one may stay.
    fn poll_expected(
        &mut self,
        cx: &mut Context<'_>,
        visitor: &mut impl Visitor,
    ) -> Poll<io::Result<(usize, Flow)>> {
        let mut buffer = buffers::take_expected_buffer(self.expected as usize);
        let read = poll_read(&mut self.io, cx, &mut buffer);
        let Poll::Ready(Ok(count @ 1..)) = read else {
            buffers::give_expected_buffer(buffer);
            return read.map_ok(|count| (count, Flow::Continue));
        };
        self.link.heard(false);
        self.is_alone = buffer.len() < buffer.capacity();
        self.ahead = Ahead::reserve(std::mem::take(&mut self.expected));
        let flow = self.visit_input(&mut buffer, self.ahead.is_some(), visitor);
        if !self.receiver.is_mid_message() {
            self.ahead = None;
        }
        if !buffer.is_empty() {
            self.rest = buffer;
        }
        Poll::Ready(Ok((count, flow)))
    }

    /// Reads the rest of a big message to where it belongs.
    fn poll_direct(
        &mut self,
        cx: &mut Context<'_>,
        visitor: &mut impl Visitor,
    ) -> Poll<io::Result<(usize, Flow)>> {
        let Some(mut spare) = self.receiver.direct() else { return Poll::Pending };
        let Some(io) = &mut self.io else { return Poll::Ready(Ok((0, Flow::Stop))) };
        let read = std::pin::pin!(io.read_buf(&mut spare));
        let count = ready!(read.poll(cx))?;
        self.link.heard(false);
        let flow = match self.receiver.handle_direct(count) {
            Some(received) => self.dispatch(received, visitor),
            None => Flow::Continue,
        };
        Poll::Ready(Ok((count, flow)))
    }

    fn visit_rest(&mut self, visitor: &mut impl Visitor) -> Flow {
        let mut rest = self.take_rest();
        let flow = self.visit_input(&mut rest, false, visitor);
        if !rest.is_empty() {
            self.rest = rest;
        }
        flow
    }

    /// Shows `visitor` what is in `buffer`. What is left there, after `Stop`, is what it has not seen. With `take_over` a message
    /// may take the buffer with it.
    fn visit_input(
        &mut self,
        buffer: &mut BytesMut,
        take_over: bool,
        visitor: &mut impl Visitor,
    ) -> Flow {
        loop {
            let received = match Receiver::is_big(buffer) {
                true => self.receiver.handle_big(buffer, take_over),
                false => None,
            };
            if let Some(received) = received {
                self.has_shared = true;
                if self.dispatch(received, visitor) == Flow::Stop {
                    return Flow::Stop;
                }
                continue;
            }
            let before = buffer.len();
            let mut input = &mut buffer[..];
            let flow = self.visit_small(&mut input, visitor);
            let left = input.len();
            match left {
                // Unlike `advance`, this gives the room back.
                0 => buffer.clear(),
                _ => buffer.advance(before - left),
            }
            if let Some(flow) = flow {
                return flow;
            }
        }
    }

    /// As [`Reader::visit_input`], until it finds a big message behind others.
    fn visit_small(&mut self, input: &mut &mut [u8], visitor: &mut impl Visitor) -> Option<Flow> {
        loop {
            let flow = match self.receiver.handle_whole(input) {
                Some(Ok(payload)) => {
                    self.link.heard(true);
                    visitor.visit(&self.link, Incoming::Message(payload))
                }
                Some(Err(error)) => self.dispatch(Received::Violation(error), visitor),
                None => match self.receiver.handle_input(input) {
                    Some(received) => self.dispatch(received, visitor),
                    None => return Some(Flow::Continue),
                },
            };
            if flow == Flow::Stop {
                return Some(Flow::Stop);
            }
            if Receiver::is_big(input) {
                return None;
            }
        }
    }

    fn dispatch(&mut self, received: Received<'_>, visitor: &mut impl Visitor) -> Flow {
        let link = &self.link;
        match received {
            Received::Message(payload) => {
                let len = payload.as_bytes().len();
                if self.is_alone && len >= EXPECT_FROM {
                    self.expected = buffers::expectation(len + MAX_HEADER);
                }
                self.ahead = None;
                link.heard(true);
                visitor.visit(link, Incoming::Message(payload))
            }
            Received::Ping(payload) => {
                link.transmit_corked(visitor.cork(), |t| t.handle_ping(&payload));
                visitor.visit(link, Incoming::Ping(&payload))
            }
            Received::Pong(payload) => {
                link.transmit_corked(visitor.cork(), |t| t.handle_pong(Wheel::now(), &payload));
                visitor.visit(link, Incoming::Pong(&payload))
            }
            Received::Close(frame) => {
                link.transmit_corked(visitor.cork(), |t| t.handle_close(frame));
                Flow::Continue
            }
            Received::Violation(error) => {
                link.transmit_corked(visitor.cork(), |t| t.handle_violation(error));
                Flow::Continue
            }
        }
    }
}

/// Reads into the room that `buffer` has.
fn poll_read(
    io: &mut Option<ReadHalf>,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let Some(io) = io else { return Poll::Ready(Ok(0)) };
    // Not more than that: a `BytesMut` would grow.
    let mut room = buffer.limit(buffer.capacity() - buffer.len());
    std::pin::pin!(io.read_buf(&mut room)).poll(cx)
}
