//! The receiving half of a connection, with the reading half of the byte stream. Both ways to use a WebSocket stand on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::buffers;
use super::link::Link;
use crate::net::{ReadHalf, Stream, Wheel};
use crate::proto::{
    CloseCode, CloseFrame, CloseReport, Config, Deflate, Failure, Message, Payload, Received,
    Receiver, Role,
};

/// After so many bytes others have their turn, be they as much as one read can give;
const TURN: usize = buffers::READ_SIZE;
/// or more, while a message is arriving that is bigger than that.
const BIG_TURN: usize = 8 * TURN;

/// Reads, and tells a visitor what came.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) link: Arc<Link>,
    pub(super) role: Role,
    /// Gone once the connection has ended.
    io: Option<ReadHalf>,
    receiver: Receiver,
    /// Input from `rest_at` on that a read delivered and the visitor did not want yet.
    rest: Vec<u8>,
    rest_at: usize,
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
            role,
            io: Some(io),
            receiver,
            rest: leftover.into(),
            rest_at: 0,
            lingers: false,
            ended: false,
        }
    }

    /// Has messages compressed as client and server agreed. To be called before anything was read or sent.
    pub(super) fn set_deflate(&mut self, deflate: &Deflate) {
        self.receiver.set_deflate(deflate);
        self.link.transmit(|t| t.set_deflate(deflate));
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
        let mut input = &mut self.rest[self.rest_at..];
        let message = match self.receiver.handle_whole(&mut input)? {
            Ok(payload) => payload.into_message(),
            Err(error) => {
                self.link.transmit(|t| t.handle_violation(error));
                return None;
            }
        };
        let left = input.len();
        self.rest_at = self.rest.len() - left;
        if left == 0 {
            self.rest = Vec::new();
            self.rest_at = 0;
        }
        self.link.heard(true);
        Some(message)
    }

    /// Shows `visit` what arrives until it stops, the byte stream has no more, or the connection ends.
    pub(super) fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        visit: &mut impl FnMut(&Arc<Link>, Incoming<'_>) -> Flow,
    ) -> Poll<Turn> {
        let mut read_bytes = 0;
        loop {
            if self.link.is_closed() {
                return Poll::Ready(Turn::Closed);
            }
            if self.has_rest() {
                if self.visit_rest(visit) == Flow::Stop {
                    return Poll::Ready(Turn::Stopped);
                }
                continue;
            }
            let read = match self.receiver.direct() {
                Some(_) => self.poll_direct(cx, visit),
                None => self.poll_shared(cx, visit),
            };
            match ready!(read) {
                Ok((0, _)) => self.link.transmit(|t| t.handle_failure(Failure::Eof)),
                Ok((_, Flow::Stop)) => return Poll::Ready(Turn::Stopped),
                Ok((count, Flow::Continue)) => {
                    read_bytes += count;
                    // To give way in the middle of a big message would have more of them grow at a time.
                    let limit = if self.receiver.is_mid_message() { BIG_TURN } else { TURN };
                    if read_bytes >= limit {
                        return Poll::Ready(Turn::Yield);
                    }
                }
                Err(error) => {
                    let failure = Failure::Io(error.kind());
                    self.link.transmit(|t| t.handle_failure(failure));
                }
            }
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
                self.link.linger(self.role);
            }
            while !self.link.is_expired() {
                let read = buffers::with_read_buffer(|buffer| poll_read(&mut self.io, cx, buffer));
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
        visit: &mut impl FnMut(&Arc<Link>, Incoming<'_>) -> Flow,
    ) -> Poll<io::Result<(usize, Flow)>> {
        buffers::with_read_buffer(|buffer| {
            let count = ready!(poll_read(&mut self.io, cx, buffer))?;
            if count > 0 {
                self.link.heard(false);
            }
            let mut input = &mut buffer[..count];
            let flow = self.visit_input(&mut input, visit);
            self.rest.extend_from_slice(input);
            Poll::Ready(Ok((count, flow)))
        })
    }

    /// Reads the rest of a big message to where it belongs.
    fn poll_direct(
        &mut self,
        cx: &mut Context<'_>,
        visit: &mut impl FnMut(&Arc<Link>, Incoming<'_>) -> Flow,
    ) -> Poll<io::Result<(usize, Flow)>> {
        let Some(mut spare) = self.receiver.direct() else { return Poll::Pending };
        let Some(io) = &mut self.io else { return Poll::Ready(Ok((0, Flow::Stop))) };
        let read = std::pin::pin!(io.read_buf(&mut spare));
        let count = ready!(read.poll(cx))?;
        self.link.heard(false);
        let flow = match self.receiver.handle_direct(count) {
            Some(received) => self.dispatch(received, visit),
            None => Flow::Continue,
        };
        Poll::Ready(Ok((count, flow)))
    }

    fn visit_rest(&mut self, visit: &mut impl FnMut(&Arc<Link>, Incoming<'_>) -> Flow) -> Flow {
        let mut rest = std::mem::take(&mut self.rest);
        let mut input = &mut rest[self.rest_at..];
        let flow = self.visit_input(&mut input, visit);
        let left = input.len();
        if left > 0 {
            self.rest_at = rest.len() - left;
            self.rest = rest;
        } else {
            self.rest_at = 0;
        }
        flow
    }

    fn visit_input(
        &mut self,
        input: &mut &mut [u8],
        visit: &mut impl FnMut(&Arc<Link>, Incoming<'_>) -> Flow,
    ) -> Flow {
        // `Stop` comes only from the visitor: what is left of the input then is what it has not seen.
        loop {
            let flow = match self.receiver.handle_whole(input) {
                Some(Ok(payload)) => {
                    self.link.heard(true);
                    visit(&self.link, Incoming::Message(payload))
                }
                Some(Err(error)) => self.dispatch(Received::Violation(error), visit),
                None => match self.receiver.handle_input(input) {
                    Some(received) => self.dispatch(received, visit),
                    None => return Flow::Continue,
                },
            };
            if flow == Flow::Stop {
                return Flow::Stop;
            }
        }
    }

    fn dispatch(
        &self,
        received: Received<'_>,
        visit: &mut impl FnMut(&Arc<Link>, Incoming<'_>) -> Flow,
    ) -> Flow {
        let link = &self.link;
        match received {
            Received::Message(payload) => {
                link.heard(true);
                visit(link, Incoming::Message(payload))
            }
            Received::Ping(payload) => {
                link.transmit(|t| t.handle_ping(&payload));
                visit(link, Incoming::Ping(&payload))
            }
            Received::Pong(payload) => {
                link.transmit(|t| t.handle_pong(Wheel::now(), &payload));
                visit(link, Incoming::Pong(&payload))
            }
            Received::Close(frame) => {
                link.transmit(|t| t.handle_close(frame));
                Flow::Continue
            }
            Received::Violation(error) => {
                link.transmit(|t| t.handle_violation(error));
                Flow::Continue
            }
        }
    }
}

fn poll_read(
    io: &mut Option<ReadHalf>,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let Some(io) = io else { return Poll::Ready(Ok(0)) };
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
