//! Settings of a Socket.IO server, each with its reason.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::RateLimit;
use crate::{engine, packet};

/// Settings of a Socket.IO server.
///
/// The struct grows with the library: start from [`Config::default`] and assign fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The session below: path, heartbeat, transports, limits of messages and buffers. Default as the engine's, with the
    /// path `/socket.io/`.
    pub engine: engine::Config,
    /// TCP connections at a time; further ones wait in the system's backlog. Default 1,000,000, so that the limit is that of
    /// the system on file descriptors.
    pub max_connections: usize,
    /// How packets are written, for all of its namespaces; the other end must do the same. Default `None`: as every Socket.IO
    /// implementation does that is told nothing else. [`Msgpack`](packet::Msgpack) is another.
    pub parser: Option<Arc<dyn packet::Parser>>,
    /// What one packet may announce and bring, and when. Default 10 attachments of 10 MB together, 60 s for each.
    pub limits: packet::Limits,
    /// Time in which a client must have been let into a namespace, before its connection is closed; what middleware take is part of
    /// it. Default 45 s.
    pub connect_timeout: Duration,
    /// Time that an `emit_with_ack` waits for the answer if nothing else is said. Default 10 s.
    pub ack_timeout: Duration,
    /// Namespaces that one client may be in at a time: each costs a socket, and the client chooses. As many sockets more may be about
    /// that it has left, because their handlers have not returned. Default 32.
    pub max_namespaces: usize,
    /// Rooms that one socket may be in, its own not counted: rooms are often chosen by the client. That a client of Socket.IO 2.x has
    /// by the id that it knows is one of them. Default 1,024.
    pub max_rooms: usize,
    /// Answers that one socket may be waited on for: a client that never answers costs memory until the timeout.
    /// Default 1,024.
    pub max_pending_acks: usize,
    /// Events of one socket that are handled at a time. Default 1: one after the other, in order. An ack never waits for its turn.
    pub handler_concurrency: usize,
    /// What happens to a socket whose handler panics. Default: it is kept; the panic is reported like an error.
    pub on_panic: OnPanic,
    /// How many events a client may send to one namespace. Default `None`: as many as are handled, since reading stops while too many
    /// wait. See [`Socket::limit_event`](super::Socket::limit_event) for a limit on one event.
    pub rate_limit: Option<RateLimit>,
    /// What happens to a client for which too many bytes wait ([`engine::Config::max_buffered_bytes`]) when a broadcast is for it.
    /// Default: it is disconnected, since it would miss the event and never know. An `emit` to it alone is refused instead, and the
    /// caller told.
    pub slow_receiver: SlowReceiver,
    /// Connection state recovery: a client whose connection was lost may come back and get what it has missed. Default `None`, since
    /// it keeps what is sent in memory, and adds an argument to each event.
    pub recovery: Option<Recovery>,
    /// Events of one socket that wait while its handler is busy. Beyond it nothing more is read from that client until half
    /// of them are handled. Default 128.
    pub max_queued_events: usize,
    /// The same limit in bytes. Default 1 MiB; the event that passes it is still taken.
    pub max_queued_bytes: usize,
}

/// What happens to a socket whose handler panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnPanic {
    /// It goes on.
    #[default]
    Keep,
    /// Its connection is closed.
    Disconnect,
}

/// What happens to a client that does not keep up when a broadcast is for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SlowReceiver {
    /// Its connection is closed.
    #[default]
    Disconnect,
    /// It misses the event.
    Skip,
    /// It misses the oldest events that wait for it, so that it gets what is new; an `emit` to it alone is not refused either. So many
    /// bytes as wait in its transport wait in another queue behind that, from which events are dropped that ask for no answer. What
    /// it must not miss (answers, the protocol's own packets) stays; if only such packets wait it is as if nothing was said, and for
    /// another of those it is disconnected. Not together with an [`engine::Config::overflow`] that disconnects. [`Socket::dropped_events`](super::Socket::dropped_events) tells how many there were.
    DropOldest,
}

/// Connection state recovery (rule 29), in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// How long a client may be away. Default 120 s, as in the reference implementation.
    pub max_disconnection: Duration,
    /// Whether one that comes back passes the middleware unasked. Default false: it may have been banned meanwhile.
    pub skip_middlewares: bool,
    /// Bytes of events that are kept per namespace. Default 16 MiB; a client that has missed one that had to go is not recovered.
    pub max_bytes: usize,
    /// Sockets that are kept per namespace while they are away; the first to have gone makes room. Default 10,000.
    pub max_sessions: usize,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            max_disconnection: Duration::from_secs(120),
            skip_middlewares: false,
            max_bytes: 16 << 20,
            max_sessions: 10_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: engine::Config { path: "/socket.io/".to_owned(), ..engine::Config::default() },
            max_connections: 1_000_000,
            parser: None,
            limits: packet::Limits::default(),
            connect_timeout: Duration::from_secs(45),
            ack_timeout: Duration::from_secs(10),
            max_namespaces: 32,
            max_rooms: 1024,
            max_pending_acks: 1024,
            handler_concurrency: 1,
            on_panic: OnPanic::Keep,
            rate_limit: None,
            slow_receiver: SlowReceiver::Disconnect,
            recovery: None,
            max_queued_events: 128,
            max_queued_bytes: 1 << 20,
        }
    }
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first field that can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.engine.validate().map_err(ConfigError::Engine)?;
        for (field, value) in [
            ("max_connections", self.max_connections),
            ("max_namespaces", self.max_namespaces),
            ("max_pending_acks", self.max_pending_acks),
            ("handler_concurrency", self.handler_concurrency),
            ("max_queued_events", self.max_queued_events),
            ("max_queued_bytes", self.max_queued_bytes),
        ] {
            if value == 0 {
                return Err(ConfigError::Zero(field));
            }
        }
        if let Some(recovery) = &self.recovery
            && (recovery.max_bytes == 0 || recovery.max_sessions == 0)
        {
            return Err(ConfigError::Zero("recovery"));
        }
        let recovery = self.recovery.as_ref().map(|recovery| recovery.max_disconnection);
        for (field, time) in [
            ("recovery.max_disconnection", recovery.unwrap_or(self.connect_timeout)),
            ("rate_limit.per", self.rate_limit.map_or(self.connect_timeout, |limit| limit.per)),
            ("connect_timeout", self.connect_timeout),
            ("ack_timeout", self.ack_timeout),
            ("limits.attachment_timeout", self.limits.attachment_timeout),
        ] {
            if time.is_zero() {
                return Err(ConfigError::Zero(field));
            }
            // Keeps deadlines within what a clock can hold.
            if time > Duration::from_secs(366 * 24 * 3600) {
                return Err(ConfigError::TooLong(field));
            }
        }
        Ok(())
    }
}

/// A setting that can't work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// One of the engine's.
    Engine(engine::ConfigError),
    /// This field must not be zero.
    Zero(&'static str),
    /// This field is a time of more than a year.
    TooLong(&'static str),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Zero(field) => write!(f, "configuration: {field} must not be zero"),
            Self::TooLong(field) => write!(f, "configuration: {field} must be at most a year"),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_bad_settings_are_named() {
        let good = Config::default;
        assert_eq!(good().validate(), Ok(()));
        let zero = Config { max_queued_events: 0, ..good() };
        assert_eq!(zero.validate(), Err(ConfigError::Zero("max_queued_events")));
        let endless = Config { ack_timeout: Duration::MAX, ..good() };
        assert_eq!(endless.validate(), Err(ConfigError::TooLong("ack_timeout")));
        let engine = engine::Config { path: String::new(), ..engine::Config::default() };
        let pathless = Config { engine, ..good() };
        assert!(matches!(pathless.validate(), Err(ConfigError::Engine(_))));
    }
}
