//! Why a socket was disconnected (rule 20).

use std::fmt;

use crate::engine::CloseReason;

/// Why a socket was disconnected. `Display` gives the words of the reference implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The transport broke, or the client broke the rules of the transport.
    TransportError,
    /// The client closed the connection.
    TransportClose,
    /// The session was closed from below this layer.
    ForcedClose,
    /// No pong came in time.
    PingTimeout,
    /// The client sent something that is no packet.
    ParseError,
    /// The server stops.
    ServerShuttingDown,
    /// The server closed the connection, because the client broke the protocol or did not keep up.
    ForcedServerClose,
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server put the client out of the namespace.
    ServerNamespaceDisconnect,
}

impl DisconnectReason {
    /// The words of the reference implementation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportError => "transport error",
            Self::TransportClose => "transport close",
            Self::ForcedClose => "forced close",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ServerShuttingDown => "server shutting down",
            Self::ForcedServerClose => "forced server close",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
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
            CloseReason::ForcedClose => Self::ForcedClose,
            CloseReason::PingTimeout => Self::PingTimeout,
            CloseReason::ParseError => Self::ParseError,
        }
    }
}
