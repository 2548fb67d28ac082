//! Close codes, close frames, and the report of how a connection ended (RFC 6455 §5.5.1, §7).

use std::fmt;

use super::error::ProtocolError;
use super::frame::MAX_CONTROL_PAYLOAD;
use super::text::Text;

/// Why a connection is closed (RFC 6455 §7.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server goes down, a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: a protocol error.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a type of data that can't be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: never on the wire; stands for a close frame without a code.
    pub const NO_STATUS: Self = Self(1005);
    /// 1007: data that does not fit the type of its message, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message that violates a policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message that is too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1010: a client expected an extension that the server did not negotiate.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// A code that may be sent in a close frame: 1000-1003, 1007-1014 and 3000-4999; otherwise `None` (§7.4.1, §7.4.2).
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The payload of a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code; [`CloseCode::NO_STATUS`] if the frame has no payload.
    pub code: CloseCode,
    /// The reason, at most 123 bytes on the wire.
    pub reason: Text,
}

impl CloseFrame {
    /// A frame with a code and a reason. A reason of more than 123 bytes is cut at a character boundary, and one without
    /// a code ([`CloseCode::NO_STATUS`]) is dropped: the wire has no place for it (§5.5.1).
    #[must_use]
    pub fn new(code: CloseCode, reason: &str) -> Self {
        if code == CloseCode::NO_STATUS {
            return Self::empty();
        }
        let mut end = reason.len().min(MAX_CONTROL_PAYLOAD - 2);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self { code, reason: Text::from(&reason[..end]) }
    }

    /// A frame without payload.
    #[must_use]
    pub const fn empty() -> Self {
        Self { code: CloseCode::NO_STATUS, reason: Text::from_static("") }
    }

    pub(super) fn parse(payload: &[u8]) -> Result<Self, ProtocolError> {
        match payload {
            [] => Ok(Self::empty()),
            // §5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
            [_] => Err(ProtocolError::CloseTooShort),
            &[high, low, ref reason @ ..] => {
                let code = CloseCode::new(u16::from_be_bytes([high, low]))
                    .ok_or(ProtocolError::CloseCodeInvalid)?;
                let reason =
                    std::str::from_utf8(reason).map_err(|_| ProtocolError::CloseReasonNotUtf8)?;
                Ok(Self { code, reason: Text::from(reason) })
            }
        }
    }

    /// What of this frame fits on the wire: its fields are public, so that it may not have been made by [`CloseFrame::new`].
    pub(super) fn bounded(self) -> Self {
        let fits = self.reason.len() <= MAX_CONTROL_PAYLOAD - 2;
        let has_place = self.code != CloseCode::NO_STATUS || self.reason.is_empty();
        if fits && has_place { self } else { Self::new(self.code, &self.reason) }
    }

    /// The payload on the wire.
    pub(super) fn payload(&self) -> Vec<u8> {
        if self.code == CloseCode::NO_STATUS {
            return Vec::new();
        }
        let mut payload = self.code.get().to_be_bytes().to_vec();
        payload.extend_from_slice(self.reason.as_bytes());
        payload
    }
}

/// Who began to close a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// This side.
    Local,
    /// The peer.
    Peer,
}

/// Why a connection ended without a complete closing handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The peer broke the protocol or a limit.
    Protocol(ProtocolError),
    /// The peer ended the byte stream without a close frame.
    Eof,
    /// The byte stream failed.
    Io(std::io::ErrorKind),
    /// No answer to a ping within [`Config::pong_timeout`](super::Config::pong_timeout).
    PongTimeout,
    /// Nothing was received for [`Config::idle_timeout`](super::Config::idle_timeout).
    IdleTimeout,
    /// The peer did not answer the close frame within [`Config::close_timeout`](super::Config::close_timeout).
    CloseTimeout,
    /// More than [`Config::max_buffered_bytes`](super::Config::max_buffered_bytes) waited for a peer that does not read,
    /// under [`OverflowPolicy::Disconnect`](super::OverflowPolicy::Disconnect).
    Overflow,
    /// This side let go of the connection without closing it.
    Dropped,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => write!(f, "protocol error: {error}"),
            Self::Eof => f.write_str("the peer ended the stream without a close frame"),
            Self::Io(kind) => write!(f, "I/O error: {kind}"),
            Self::PongTimeout => f.write_str("no answer to a ping"),
            Self::IdleTimeout => f.write_str("nothing received for too long"),
            Self::CloseTimeout => f.write_str("no answer to a close frame"),
            Self::Overflow => f.write_str("the peer does not read"),
            Self::Dropped => f.write_str("dropped without a close"),
        }
    }
}

/// How a connection ended. Every connection has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReport {
    /// The close frame that was sent, if one was.
    pub sent: Option<CloseFrame>,
    /// The close frame that was received, if one was.
    pub received: Option<CloseFrame>,
    /// Who began.
    pub initiator: Initiator,
    /// What cut the closing handshake short, if anything did.
    pub failure: Option<Failure>,
}

impl CloseReport {
    /// Whether the closing handshake was completed (RFC 6455 §7.1.4).
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.failure.is_none() && self.sent.is_some() && self.received.is_some()
    }

    /// _The WebSocket Connection Close Code_ (RFC 6455 §7.1.5): what the peer sent, `None` (1006 in a browser) if nothing.
    #[must_use]
    pub fn code(&self) -> Option<CloseCode> {
        self.received.as_ref().map(|frame| frame.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_must_not_be_sent_are_refused() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert_eq!(CloseCode::new(code), None, "{code}");
            let payload = code.to_be_bytes();
            assert_eq!(CloseFrame::parse(&payload), Err(ProtocolError::CloseCodeInvalid));
        }
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(CloseCode::new(code).map(CloseCode::get), Some(code));
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let frame = CloseFrame::new(CloseCode::NORMAL, &"é".repeat(100));
        assert_eq!(frame.reason.len(), 122);
        assert_eq!(CloseFrame::parse(&frame.payload()), Ok(frame));
    }

    #[test]
    fn payloads_are_parsed_strictly() {
        assert_eq!(CloseFrame::parse(&[]), Ok(CloseFrame::empty()));
        assert_eq!(CloseFrame::parse(&[3]), Err(ProtocolError::CloseTooShort));
        let bad = CloseFrame::parse(&[3, 0xE8, 0xFF]);
        assert_eq!(bad, Err(ProtocolError::CloseReasonNotUtf8));
    }
}
