//! Why a session could not be opened.

use std::fmt;

use http::StatusCode;

use crate::engine::{ConfigError, Transport};

/// Why a session could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no WebSocket, or not even a connection for HTTP: a bad URL, nobody listens, TLS failed, or the server refused.
    WebSocket(ws::ConnectError),
    /// The server answered a polling request with this status; the text is its body, which often says why (rule 3).
    Refused(StatusCode, Box<str>),
    /// An HTTP request failed.
    Http(HttpError),
    /// What the server sent first is no open packet (rule 11).
    NoOpenPacket,
    /// The connection ended before the session was open.
    Closed,
    /// It took longer than [`Config::open_timeout`](super::Config::open_timeout).
    Timeout(Transport),
    /// The configuration can't work.
    Config(ConfigError),
}

/// Why an HTTP request failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL, or a header, has no form in HTTP.
    Request(http::Error),
    /// The connection broke, or what came is no HTTP.
    Io(hyper::Error),
    /// The response is larger than [`Config::max_message_size`](super::Config::max_message_size) allows, or broke off.
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than [`Config::request_timeout`](super::Config::request_timeout).
    Timeout,
}

impl ConnectError {
    /// Whether another transport may do better: the server is there, but this one did not open.
    pub(super) fn is_of_transport(&self) -> bool {
        use ws::ConnectError as E;
        match self {
            Self::WebSocket(error) => {
                matches!(error, E::Io(_) | E::Timeout | E::Head(_) | E::Refused(_) | E::Invalid(_))
            }
            // It speaks, but something else.
            Self::NoOpenPacket | Self::Config(_) => false,
            _ => true,
        }
    }

    /// Whether trying again, with nothing changed, can't help: the caller's mistake.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        use ws::ConnectError as E;
        match self {
            Self::WebSocket(error) => {
                matches!(
                    error,
                    E::Url(_)
                        | E::Header(_)
                        | E::Subprotocol(_)
                        | E::TlsUnavailable
                        | E::Proxy(ws::client::ProxyError::Url(_))
                )
            }
            Self::Config(_) | Self::Http(HttpError::Request(_)) => true,
            _ => false,
        }
    }
}

impl From<ws::ConnectError> for ConnectError {
    fn from(error: ws::ConnectError) -> Self {
        Self::WebSocket(error)
    }
}

impl From<HttpError> for ConnectError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket(error) => error.fmt(f),
            Self::Refused(status, text) => write!(f, "the server answered {status}: {text}"),
            Self::Http(error) => error.fmt(f),
            Self::NoOpenPacket => {
                f.write_str("the server did not begin with an Engine.IO open packet")
            }
            Self::Closed => f.write_str("the connection ended before the session was open"),
            Self::Timeout(transport) => write!(f, "{} took too long to open", transport.name()),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::WebSocket(error) => Some(error),
            Self::Http(error) => Some(error),
            Self::Config(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "bad request: {error}"),
            Self::Io(error) => write!(f, "HTTP failed: {error}"),
            Self::Body(error) => write!(f, "the response can't be read: {error}"),
            Self::Timeout => f.write_str("the server did not answer in time"),
        }
    }
}

impl std::error::Error for HttpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Body(error) => Some(&**error),
            Self::Timeout => None,
        }
    }
}
