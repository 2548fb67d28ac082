//! What happens to a connection, for who wants to know.

use std::time::Duration;

use super::super::{ConnectError, DisconnectReason};

/// What happens to a connection with a server. See [`Builder::on_manager`](crate::client::Builder::on_manager).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ManagerEvent<'a> {
    /// A session is open; its namespaces are joined next.
    Open,
    /// The session has ended, by itself or because nobody wanted it any more.
    Close(DisconnectReason),
    /// The next try to connect comes after this time.
    ReconnectDelay(Duration),
    /// A try to connect again begins; this is its number since the connection was lost, from 1 on.
    ReconnectAttempt(u32),
    /// The try with this number was successful.
    Reconnect(u32),
    /// A try has failed.
    ReconnectError(&'a ConnectError),
    /// There is no further try: all sockets end.
    ReconnectFailed,
    /// A namespace was not joined (rule 26), or what it was to be joined with could not be had.
    ConnectError {
        /// The namespace.
        namespace: &'a str,
        /// Why.
        error: &'a ConnectError,
    },
}

/// Called with what happens.
pub(in crate::client) type OnManager = std::sync::Arc<dyn Fn(ManagerEvent<'_>) + Send + Sync>;
