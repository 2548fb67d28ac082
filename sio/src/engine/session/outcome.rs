//! What comes out of a session.

use std::fmt;

use crate::engine::Outgoing;

/// What the owner of a [`super::Session`] has to do, in this order.
#[derive(Debug)]
pub enum Output {
    /// Answer the waiting GET with these packets.
    AnswerGet(Vec<Outgoing>),
    /// Send this on the WebSocket that is being tried.
    Probe(Outgoing),
    /// Close the WebSocket that is being tried and forget it.
    CloseProbe,
    /// The WebSocket that was being tried is the session's transport from now on, and these go first on it.
    Upgraded(Vec<Outgoing>),
    /// Send these on the session's WebSocket.
    Send(Vec<Outgoing>),
    /// Close the session's WebSocket once all that was sent has left.
    CloseSocket,
    /// Tell the application. Comes exactly once, and last.
    Closed(CloseReason),
}

/// Why a session ended (rule 20). `Display` gives the words that Socket.IO users know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The transport broke, or the client broke the rules of the transport.
    TransportError,
    /// The client closed the transport or the session.
    TransportClose,
    /// This server closed the session.
    ForcedClose,
    /// No pong came in time.
    PingTimeout,
    /// The client sent something that is no packet.
    ParseError,
}

/// Why messages were not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// Too many bytes wait already; try again once some have left.
    Full,
    /// The message is larger than the peer takes. Only a client knows such a limit.
    TooLarge,
    /// The session is closing or closed.
    Closed,
}

/// Tells the WebSockets of one session apart, so that the late end of one that failed does not touch the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketId(u32);

impl SocketId {
    pub(super) const FIRST: Self = Self(0);

    pub(super) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl CloseReason {
    /// The words of the reference implementation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportError => "transport error",
            Self::TransportClose => "transport close",
            Self::ForcedClose => "forced close",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too many bytes wait for this session",
            Self::TooLarge => "the peer does not take so large a message",
            Self::Closed => "the session is closed",
        })
    }
}

impl std::error::Error for SendError {}
