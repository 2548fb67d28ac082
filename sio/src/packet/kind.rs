//! The seven packet types and the event names that nobody may send.

/// A packet's type: the first digit of its text, and the number of the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `0`: asks to join a namespace, or grants it.
    Connect,
    /// `1`: leaves a namespace.
    Disconnect,
    /// `2`: an event without binary arguments.
    Event,
    /// `3`: the answer to an event, without binary arguments.
    Ack,
    /// `4`: refuses a namespace.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: the answer to an event, with attachments.
    BinaryAck,
}

impl Kind {
    /// The type that this ASCII digit stands for, `None` for anything but `0` to `6`.
    pub fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// The ASCII digit on the wire.
    pub fn digit(self) -> char {
        match self {
            Self::Connect => '0',
            Self::Disconnect => '1',
            Self::Event => '2',
            Self::Ack => '3',
            Self::ConnectError => '4',
            Self::BinaryEvent => '5',
            Self::BinaryAck => '6',
        }
    }

    /// Whether the text is followed by attachments (types 5 and 6).
    pub fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }

    /// The same packet once it carries attachments.
    pub(super) fn with_attachments(self) -> Self {
        match self {
            Self::Event => Self::BinaryEvent,
            Self::Ack => Self::BinaryAck,
            other => other,
        }
    }
}

/// Whether `event` is a name that Socket.IO keeps for itself: a packet that carries it is invalid, and sending it fails.
///
/// The names are `connect`, `connect_error`, `disconnect`, `disconnecting`, `newListener` and `removeListener`.
pub fn is_reserved(event: &str) -> bool {
    matches!(
        event,
        "connect"
            | "connect_error"
            | "disconnect"
            | "disconnecting"
            | "newListener"
            | "removeListener"
    )
}
