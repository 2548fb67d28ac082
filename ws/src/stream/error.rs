//! What can go wrong on an open connection, by operation.

use std::fmt;

use crate::proto::{CloseReport, Failure, Message};

/// A connection that did not end by a closing handshake.
///
/// A normal close is not an error: [`WebSocket::recv`](super::WebSocket::recv) then returns `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<CloseReport>);

impl Error {
    pub(super) fn new(report: CloseReport) -> Self {
        Self(Box::new(report))
    }

    /// How the connection ended.
    #[must_use]
    pub const fn report(&self) -> &CloseReport {
        &self.0
    }

    /// What cut the connection short.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.0.failure.unwrap_or(Failure::Dropped)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the WebSocket connection failed: {}", self.failure())
    }
}

impl std::error::Error for Error {}

/// A message was not sent at once; it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrySendError<T = Message> {
    /// [`Config::max_buffered_bytes`](crate::Config::max_buffered_bytes) wait already.
    Full(T),
    /// The connection is closing or has ended.
    Closed(T),
}

impl<T> TrySendError<T> {
    /// The message that was not sent.
    pub fn into_message(self) -> T {
        match self {
            Self::Full(message) | Self::Closed(message) => message,
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "too many bytes wait to be sent on this WebSocket connection",
            Self::Closed(_) => "the WebSocket connection is closed",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for TrySendError<T> {}

/// A message was not sent although the caller was willing to wait; it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError<T = Message> {
    /// The connection is closing or has ended.
    Closed(T),
    /// There was no room in time.
    Timeout(T),
}

impl<T> SendError<T> {
    /// The message that was not sent.
    pub fn into_message(self) -> T {
        match self {
            Self::Closed(message) | Self::Timeout(message) => message,
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "the WebSocket connection is closed",
            Self::Timeout(_) => "no room to send on this WebSocket connection in time",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for SendError<T> {}
