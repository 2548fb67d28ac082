//! Why a client's socket was disconnected (rule 20).

use std::fmt;

use crate::engine::CloseReason;

/// Why a client's socket was disconnected. `Display` gives the words of the reference client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server has put this client out of the namespace.
    IoServerDisconnect,
    /// [`Socket::disconnect`](super::Socket::disconnect) was called.
    IoClientDisconnect,
    /// The server does not let this client in again (CONNECT_ERROR).
    Refused,
    /// There was no further try to connect again.
    ReconnectFailed,
    /// The server has not pinged in time.
    PingTimeout,
    /// The connection ended.
    TransportClose,
    /// The server broke the rules of WebSocket.
    TransportError,
    /// The server sent something that is no packet.
    ParseError,
}

impl DisconnectReason {
    /// The words of the reference client.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IoServerDisconnect => "io server disconnect",
            Self::IoClientDisconnect => "io client disconnect",
            Self::Refused => "connect error",
            Self::ReconnectFailed => "reconnect failed",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<CloseReason> for DisconnectReason {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::TransportError => Self::TransportError,
            CloseReason::TransportClose => Self::TransportClose,
            CloseReason::ForcedClose => Self::IoClientDisconnect,
            CloseReason::PingTimeout => Self::PingTimeout,
            CloseReason::ParseError => Self::ParseError,
        }
    }
}
