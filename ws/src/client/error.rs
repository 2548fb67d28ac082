//! Why a client could not connect.

use std::fmt;
use std::io;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::proxy::ProxyError;
use crate::handshake::{HeadError, SubprotocolError, TargetError, VerifyError};

/// Why a client could not connect.
///
/// The first four are the caller's mistakes and will not pass by trying again; the rest is the
/// network's or the server's.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL leads to no WebSocket.
    Url(TargetError),
    /// A header that can't be sent, and why.
    Header(Box<str>),
    /// The subprotocols can't be offered.
    Subprotocol(SubprotocolError),
    /// The URL says `wss`, but the crate was built without its feature `tls`.
    TlsUnavailable,
    /// The name has no address.
    Resolve(io::Error),
    /// None of the addresses takes a TCP connection; the error is that of the last.
    Connect(io::Error),
    /// There is no way through the proxy.
    Proxy(ProxyError),
    /// TLS failed: no trust in the certificate, the wrong name, or no TLS at all.
    Tls(io::Error),
    /// The connection broke before the server had answered.
    Io(io::Error),
    /// The server took longer than [`Client::handshake_timeout`](super::Client::handshake_timeout).
    Timeout,
    /// What the server answered is no HTTP.
    Head(HeadError),
    /// The server answered, but with something else than 101.
    Refused(Box<Refused>),
    /// The server answered 101, but not to our request. [`VerifyError::Refused`] is never in here.
    Invalid(VerifyError),
}

/// An answer that isn't 101.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The status: a redirect, a demand for credentials, an error.
    pub status: StatusCode,
    /// All headers, `Location` and `Retry-After` perhaps among them.
    pub headers: HeaderMap,
    /// The body, at most 64 KiB of it and what came within two seconds.
    pub body: Bytes,
}

impl Refused {
    /// The body as text, with U+FFFD for what isn't UTF-8.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "bad URL: {error}"),
            Self::Header(what) => write!(f, "bad header: {what}"),
            Self::Subprotocol(error) => write!(f, "bad subprotocols: {error}"),
            Self::TlsUnavailable => f.write_str("wss:// needs the feature `tls` of the crate `ws`"),
            Self::Resolve(error) => write!(f, "no address for this name: {error}"),
            Self::Connect(error) => write!(f, "can't connect: {error}"),
            Self::Proxy(error) => error.fmt(f),
            Self::Tls(error) => write!(f, "TLS failed: {error}"),
            Self::Io(error) => write!(f, "the connection broke during the handshake: {error}"),
            Self::Timeout => f.write_str("the handshake took too long"),
            Self::Head(error) => write!(f, "the server did not answer in HTTP: {error}"),
            Self::Refused(refused) => write!(f, "the server answered {}", refused.status),
            Self::Invalid(error) => write!(f, "the server's handshake is invalid: {error}"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Subprotocol(error) => Some(error),
            Self::Resolve(error) | Self::Connect(error) | Self::Tls(error) | Self::Io(error) => {
                Some(error)
            }
            Self::Proxy(error) => Some(error),
            Self::Head(error) => Some(error),
            Self::Invalid(error) => Some(error),
            Self::Header(_) | Self::TlsUnavailable | Self::Timeout | Self::Refused(_) => None,
        }
    }
}
