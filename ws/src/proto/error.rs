//! What a peer can do wrong, and the close code that it gets for it.

use std::fmt;

use super::close::CloseCode;

/// A violation of RFC 6455, or of a limit, by the peer. The connection fails with [`ProtocolError::close_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// An opcode that RFC 6455 §5.2 reserves.
    ReservedOpcode,
    /// A reserved bit without an extension that defines it (§5.2), or in a frame where it is not defined (RFC 7692 §6).
    ReservedBits,
    /// A control frame without FIN (§5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (§5.5).
    LongControl,
    /// A length that is not encoded in the fewest bytes (§5.2).
    NonMinimalLength,
    /// A 64-bit length with its highest bit set (§5.2).
    LengthHighBit,
    /// A frame from a client without a mask (§5.1).
    MaskMissing,
    /// A frame from a server with a mask (§5.1).
    MaskUnexpected,
    /// A continuation frame with no message under way (§5.4).
    ContinuationWithoutMessage,
    /// A new message before the one under way has ended (§5.4).
    MessageInterrupted,
    /// A close frame whose payload is a single byte (§5.5.1).
    CloseTooShort,
    /// A close code that must not be sent (§7.4).
    CloseCodeInvalid,
    /// A close reason that is not UTF-8 (§5.5.1).
    CloseReasonNotUtf8,
    /// A text message that is not UTF-8 (§8.1).
    TextNotUtf8,
    /// A compressed message that is not DEFLATE (RFC 7692 §7.2.2).
    DeflateCorrupt,
    /// A frame longer than [`Config::max_frame_size`](super::Config::max_frame_size).
    FrameTooBig,
    /// A message longer than [`Config::max_message_size`](super::Config::max_message_size).
    MessageTooBig,
}

impl ProtocolError {
    /// The code of the close frame with which the connection is failed (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            // The framing is right, but the payload is not what its frame says it is. RFC 7692 names no code for this.
            Self::TextNotUtf8 | Self::CloseReasonNotUtf8 | Self::DeflateCorrupt => {
                CloseCode::INVALID_PAYLOAD
            }
            Self::FrameTooBig | Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }

    /// The reason that goes with the code; at most 123 bytes.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ReservedOpcode => "reserved opcode",
            Self::ReservedBits => "reserved bits without an extension",
            Self::FragmentedControl => "fragmented control frame",
            Self::LongControl => "control frame longer than 125 bytes",
            Self::NonMinimalLength => "payload length not minimally encoded",
            Self::LengthHighBit => "payload length with its highest bit set",
            Self::MaskMissing => "frame from a client without a mask",
            Self::MaskUnexpected => "frame from a server with a mask",
            Self::ContinuationWithoutMessage => "continuation without a message",
            Self::MessageInterrupted => "new message before the last one ended",
            Self::CloseTooShort => "close frame with one byte of payload",
            Self::CloseCodeInvalid => "close code that must not be sent",
            Self::CloseReasonNotUtf8 => "close reason is not UTF-8",
            Self::TextNotUtf8 => "text is not UTF-8",
            Self::DeflateCorrupt => "compressed message is corrupt",
            Self::FrameTooBig => "frame too big",
            Self::MessageTooBig => "message too big",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for ProtocolError {}
