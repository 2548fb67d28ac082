//! Settings of an Engine.IO server, each with its reason.

use std::fmt;
use std::time::Duration;

use ws::{DeflateConfig, OverflowPolicy};

use super::{AddressLimits, Cookie, Cors, HttpCompression, Origins, RateLimit};

/// A way to move packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP long-polling: a GET waits for packets, a POST brings them.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// The value of the `transport` query parameter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }

    /// Reads the value of the `transport` query parameter.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "polling" => Some(Self::Polling),
            "websocket" => Some(Self::WebSocket),
            _ => None,
        }
    }
}

/// Settings of an Engine.IO server. The defaults are those of the reference server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Path of the HTTP requests, with a slash at both ends; requests without the last slash are served as well.
    /// Default `/engine.io/`.
    pub path: String,
    /// Does the path end with a slash? Clients with `addTrailingSlash: false` leave it out, and are served all the same. With false
    /// here only they are: `/engine.io/` is not the engine's then, but `/engine.io` is. Default true.
    pub add_trailing_slash: bool,
    /// Time between the answer to a ping and the next ping. Shorter finds dead peers sooner and keeps proxies from closing
    /// an idle connection, longer lets phones sleep. Default 25 s.
    pub ping_interval: Duration,
    /// Time in which a client must answer a ping before its session ends. Default 20 s: a phone that changes networks.
    pub ping_timeout: Duration,
    /// Time in which a WebSocket that was opened for an upgrade must take over. Default 10 s.
    pub upgrade_timeout: Duration,
    /// Time for which a closed polling session waits for the GET that takes its last packets. Default 30 s.
    pub close_timeout: Duration,
    /// Largest POST body and WebSocket message that is accepted, in bytes. Default 1,000,000; tells clients how to batch.
    pub max_payload: usize,
    /// Most packets in one POST body. Default 131,072, more than the smallest Socket.IO events that fit into the default
    /// `max_payload`, so that it stops floods of empty packets and no honest client.
    pub max_packets: usize,
    /// Bytes that may wait for one session's client before messages are refused; the last one that is taken may pass the limit.
    /// Default 4 MiB.
    pub max_buffered_bytes: usize,
    /// What happens to a message once `max_buffered_bytes` wait. Default [`OverflowPolicy::Refuse`]; with
    /// [`OverflowPolicy::Disconnect`] the session ends with [`CloseReason::ForcedClose`](super::CloseReason::ForcedClose).
    pub overflow: OverflowPolicy,
    /// Most sessions at a time; a handshake beyond them is answered with 503. Default 1,000,000, since each costs a few KiB even if
    /// its client is gone, until its heartbeat finds out.
    pub max_sessions: usize,
    /// Time in which the head of an HTTP request must arrive, and for which an idle HTTP connection is kept. Default 30 s.
    pub header_timeout: Duration,
    /// About as many bytes may be in the head of an HTTP request, at least 8 KiB; more is answered with 431. Default 32 KiB.
    pub max_header_bytes: usize,
    /// Most headers of an HTTP request; more is answered with 431. Default 100.
    pub max_headers: usize,
    /// Time in which an upgrade request to another path must be answered by whoever is responsible for that; then the connection ends.
    /// Default 1 s.
    pub destroy_upgrade_timeout: Duration,
    /// What may come from one address. Default 1,000 connections and sessions, of the Internet only.
    pub addresses: AddressLimits,
    /// How many packets a client may send; one that sends more loses its session. Default no limit, because reading only as fast as
    /// messages are handled keeps a fast client from doing harm.
    pub packet_rate: Option<RateLimit>,
    /// Transports that may be used. Default both.
    pub transports: Vec<Transport>,
    /// May a polling session move to a WebSocket? Default true.
    pub allow_upgrades: bool,
    /// Which pages of browsers may open a WebSocket. Default those of the same host: browsers send cookies along with a
    /// WebSocket from any page. Clients that are no browsers send no `Origin` and are not concerned.
    pub origins: Origins,
    /// Which pages of other hosts may use polling (and WebSocket). Default none.
    pub cors: Option<Cors>,
    /// Compression of what long-polling sends, for clients that accept it. Needs the feature `deflate`. Default from 1,024 bytes on.
    /// What is secret and must not be guessed from compressed lengths is sent with
    /// [`Outgoing::compress`](super::Outgoing::compress)`(false)`.
    pub http_compression: Option<HttpCompression>,
    /// Compression of WebSocket messages, for clients that offer it. Needs the feature `deflate`. Default none; see
    /// [`DeflateConfig`] on what it costs and what it may give away.
    pub per_message_deflate: Option<DeflateConfig>,
    /// Serve clients of Engine.IO version 3, such as `socket.io-client` 2.x? They are recognised by their requests. Default false.
    pub allow_eio3: bool,
    /// Cookie for load balancers that keep a client on one server. Default none.
    pub cookie: Option<Cookie>,
}

/// A setting that can't work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    field: &'static str,
    problem: &'static str,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first field that can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = ConfigError::check;
        let path = self.path.as_bytes();
        check(
            path.first() == Some(&b'/') && path.last() == Some(&b'/'),
            "path",
            "must start and end with a slash",
        )?;
        check(
            !path.iter().any(|byte| b"?# ".contains(byte) || !byte.is_ascii_graphic()),
            "path",
            "must be the path of a URI",
        )?;
        check(self.max_payload > 0, "max_payload", "must not be zero")?;
        check(self.max_packets > 0, "max_packets", "must not be zero")?;
        check(!self.transports.is_empty(), "transports", "must name a transport")?;
        check(self.max_header_bytes >= 8 << 10, "max_header_bytes", "must be at least 8 KiB")?;
        check(self.max_headers > 0, "max_headers", "must not be zero")?;
        for (field, time) in [
            ("header_timeout", self.header_timeout),
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
            ("upgrade_timeout", self.upgrade_timeout),
            ("close_timeout", self.close_timeout),
            ("destroy_upgrade_timeout", self.destroy_upgrade_timeout),
        ] {
            // Milliseconds are the unit on the wire; the upper limit keeps deadlines within what a clock can hold.
            check(time >= Duration::from_millis(1), field, "must be at least a millisecond")?;
            check(time <= Duration::from_secs(366 * 24 * 3600), field, "must be at most a year")?;
        }
        check(self.addresses.max_connections > 0, "addresses.max_connections", "must not be zero")?;
        check(self.addresses.max_sessions > 0, "addresses.max_sessions", "must not be zero")?;
        self.cookie.as_ref().map_or(Ok(()), |cookie| {
            check(cookie.has_legal_name(), "cookie.name", "must be a token")?;
            check(
                cookie.has_legal_path(),
                "cookie.path",
                "must start with a slash and hold no semicolon or control character",
            )
        })
    }

    /// Does an open packet offer the WebSocket?
    #[must_use]
    pub fn may_upgrade(&self) -> bool {
        self.allow_upgrades && self.transports.contains(&Transport::WebSocket)
    }

    /// Is a request path ours? The last slash may be missing (rule 1).
    #[must_use]
    pub fn is_path(&self, path: &str) -> bool {
        (self.add_trailing_slash && path == self.path) || Some(path) == self.path.strip_suffix('/')
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/engine.io/".to_owned(),
            add_trailing_slash: true,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(30),
            max_payload: 1_000_000,
            max_packets: 1 << 17,
            max_buffered_bytes: 4 << 20,
            overflow: OverflowPolicy::Refuse,
            max_sessions: 1_000_000,
            header_timeout: Duration::from_secs(30),
            max_header_bytes: 32 << 10,
            max_headers: 100,
            destroy_upgrade_timeout: Duration::from_secs(1),
            addresses: AddressLimits::default(),
            packet_rate: None,
            transports: vec![Transport::Polling, Transport::WebSocket],
            allow_upgrades: true,
            origins: Origins::SameHost,
            cors: None,
            http_compression: Some(HttpCompression::default()),
            per_message_deflate: None,
            allow_eio3: false,
            cookie: None,
        }
    }
}

impl ConfigError {
    /// The setting that can't work.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    pub(crate) const fn check(
        good: bool,
        field: &'static str,
        problem: &'static str,
    ) -> Result<(), Self> {
        if good { Ok(()) } else { Err(Self { field, problem }) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration: {} {}", self.field, self.problem)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
        let config = Config { cookie: Some(Cookie::default()), ..Config::default() };
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn bad_settings_are_named() {
        let good = Config::default;
        let cookie = |name: &str, path: &str| {
            Some(Cookie { name: name.into(), path: path.into(), ..Cookie::default() })
        };
        for (field, config) in [
            ("path", Config { path: "engine.io/".into(), ..good() }),
            ("path", Config { path: "/engine.io".into(), ..good() }),
            ("path", Config { path: "/a?b/".into(), ..good() }),
            ("path", Config { path: String::new(), ..good() }),
            ("ping_interval", Config { ping_interval: Duration::ZERO, ..good() }),
            ("ping_timeout", Config { ping_timeout: Duration::MAX, ..good() }),
            ("upgrade_timeout", Config { upgrade_timeout: Duration::from_micros(1), ..good() }),
            ("close_timeout", Config { close_timeout: Duration::ZERO, ..good() }),
            ("max_payload", Config { max_payload: 0, ..good() }),
            ("max_packets", Config { max_packets: 0, ..good() }),
            ("transports", Config { transports: vec![], ..good() }),
            ("cookie.name", Config { cookie: cookie("", "/"), ..good() }),
            ("cookie.name", Config { cookie: cookie("a=b", "/"), ..good() }),
            ("cookie.path", Config { cookie: cookie("io", "/; Secure"), ..good() }),
            ("cookie.path", Config { cookie: cookie("io", "/\r\n"), ..good() }),
        ] {
            assert_eq!(config.validate().map_err(|error| error.field), Err(field));
        }
    }

    #[test]
    fn rule_1_the_last_slash_may_be_missing() {
        let config = Config::default();
        assert!(config.is_path("/engine.io/") && config.is_path("/engine.io"));
        assert!(
            !config.is_path("/engine.io/x")
                && !config.is_path("/engine.iox")
                && !config.is_path("/")
        );
        let config = Config { add_trailing_slash: false, ..config };
        assert!(config.is_path("/engine.io") && !config.is_path("/engine.io/"));
    }
}
