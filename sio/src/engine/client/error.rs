//! Why a session could not be opened.

use std::fmt;

/// Why a session could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no WebSocket: a bad URL, nobody listens, TLS failed, or the server refused.
    WebSocket(ws::ConnectError),
    /// What the server sent first is no open packet (rule 11).
    NoOpenPacket,
    /// The connection ended before the session was open.
    Closed,
}

impl From<ws::ConnectError> for ConnectError {
    fn from(error: ws::ConnectError) -> Self {
        Self::WebSocket(error)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket(error) => error.fmt(f),
            Self::NoOpenPacket => {
                f.write_str("the server did not begin with an Engine.IO open packet")
            }
            Self::Closed => f.write_str("the connection ended before the session was open"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::WebSocket(error) => Some(error),
            _ => None,
        }
    }
}
