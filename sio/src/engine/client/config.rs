//! Settings of an Engine.IO client, each with its reason.

use std::time::Duration;

use crate::engine::{ConfigError, Transport};

/// Settings of an Engine.IO client.
///
/// The struct grows with the library: start from [`Config::default`] and assign fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Transports in the order in which they are tried. Default WebSocket, then polling: one connection instead of many requests
    /// where nothing is in the way. The other order, which is that of browsers, passes every proxy at once and moves to a WebSocket
    /// later ([`upgrade`](Self::upgrade)).
    pub transports: Vec<Transport>,
    /// Is the next transport tried if one can't be opened, though the server is there? Default true.
    pub try_all_transports: bool,
    /// May a session over polling move to a WebSocket, if that is among the [`transports`](Self::transports) and the server offers
    /// it? Default true.
    pub upgrade: bool,
    /// Begin with the WebSocket once a session has moved to one, whatever the order. Default false: the network may be another by
    /// then.
    pub remember_upgrade: bool,
    /// Time for one connection: name, proxy, TCP, TLS, and for a WebSocket its handshake. Default 10 s.
    pub connect_timeout: Duration,
    /// Time for one transport to bring the open packet, connecting included. Default 15 s.
    pub open_timeout: Duration,
    /// Time for a session over polling to move to a WebSocket; then it stays where it is. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Time for the server to take a POST. Default 20 s: a large one on a slow line. A GET waits for as long as the heartbeat lets it.
    pub request_timeout: Duration,
    /// Time for a session that is closed to send what waits, and its goodbye. Default 5 s.
    pub close_timeout: Duration,
    /// Largest message that is taken from the server, in bytes; a larger one ends the connection. Default 16 MiB: a server is trusted
    /// more than a client, but not without end. Polling takes four times as much in one response, which may hold several messages.
    pub max_message_size: usize,
    /// Bytes that may wait for the server before sending fails; the last message that is taken may pass the limit. Default 4 MiB.
    pub max_buffered_bytes: usize,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first field that can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = ConfigError::check;
        check(!self.transports.is_empty(), "transports", "must name a transport")?;
        let mut seen = self.transports.clone();
        seen.dedup();
        check(
            seen.len() == self.transports.len() && seen.len() <= 2,
            "transports",
            "must not name one twice",
        )?;
        check(self.max_message_size > 0, "max_message_size", "must not be zero")?;
        check(self.max_buffered_bytes > 0, "max_buffered_bytes", "must not be zero")?;
        for (field, time) in [
            ("connect_timeout", self.connect_timeout),
            ("open_timeout", self.open_timeout),
            ("upgrade_timeout", self.upgrade_timeout),
            ("request_timeout", self.request_timeout),
            ("close_timeout", self.close_timeout),
        ] {
            check(!time.is_zero(), field, "must not be zero")?;
        }
        Ok(())
    }

    /// Bytes of one response to a GET.
    pub(super) const fn max_response(&self) -> usize {
        self.max_message_size.saturating_mul(4)
    }

    /// The limits of a WebSocket.
    pub(super) fn websocket(&self) -> ws::Config {
        let mut limits = ws::Config::default();
        limits.max_message_size = self.max_message_size;
        limits.max_frame_size = self.max_message_size;
        limits.max_buffered_bytes = self.max_buffered_bytes;
        // Engine.IO has a heartbeat of its own.
        limits.ping_interval = None;
        limits
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transports: vec![Transport::WebSocket, Transport::Polling],
            try_all_transports: true,
            upgrade: true,
            remember_upgrade: false,
            connect_timeout: Duration::from_secs(10),
            open_timeout: Duration::from_secs(15),
            upgrade_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
            max_message_size: 16 << 20,
            max_buffered_bytes: 4 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_named() {
        assert_eq!(Config::default().validate(), Ok(()));
        let good = Config::default;
        for (field, config) in [
            ("transports", Config { transports: vec![], ..good() }),
            ("transports", Config { transports: vec![Transport::Polling; 2], ..good() }),
            ("max_message_size", Config { max_message_size: 0, ..good() }),
            ("max_buffered_bytes", Config { max_buffered_bytes: 0, ..good() }),
            ("open_timeout", Config { open_timeout: Duration::ZERO, ..good() }),
            ("close_timeout", Config { close_timeout: Duration::ZERO, ..good() }),
        ] {
            assert_eq!(config.validate().map_err(|error| error.field()), Err(field));
        }
    }
}
