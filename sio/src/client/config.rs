//! Settings of a client, each with its reason.

use std::sync::Arc;
use std::time::Duration;

use crate::packet;

/// Settings of a client.
///
/// The struct grows with the library: start from [`Config::default`] and assign fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Time for everything until the namespace has answered: name, TCP, TLS, handshakes. Default 20 s.
    pub timeout: Duration,
    /// Time that an `emit_with_ack` waits for the answer if nothing else is said. Default 10 s.
    pub ack_timeout: Duration,
    /// Largest message that is taken from the server, in bytes; a larger one ends the connection. Default 16 MiB: a server is trusted
    /// more than a client, but not without end.
    pub max_message_size: usize,
    /// Bytes that may wait for the server before sending fails. Default 4 MiB.
    pub max_buffered_bytes: usize,
    /// How packets are written, for all of its namespaces; the other end must do the same. Default `None`: as every Socket.IO
    /// implementation does that is told nothing else. [`Msgpack`](packet::Msgpack) is another.
    pub parser: Option<Arc<dyn packet::Parser>>,
    /// What one packet may announce and bring, and when. Default 10 attachments of 10 MB together, 60 s for each.
    pub limits: packet::Limits,
    /// Answers that one socket may wait for: a server that never answers costs memory until the timeout. Default 1,024.
    pub max_pending_acks: usize,
    /// Events of one socket that may wait for its handlers; then the connection is not read until half of them are handled.
    /// Default 1,024.
    pub max_queued_events: usize,
    /// The same limit in bytes, also for events that nobody listens to yet. Default 16 MiB; the event that passes it is still taken.
    pub max_queued_bytes: usize,
    /// An event that comes before anybody listens to it is kept for this long, for the first who does: a server may greet before
    /// `connect().await` has returned and handlers are registered. At most 64 are kept. Default 1 s; zero keeps none.
    pub early_events: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            ack_timeout: Duration::from_secs(10),
            max_message_size: 16 << 20,
            max_buffered_bytes: 4 << 20,
            parser: None,
            limits: packet::Limits::default(),
            max_pending_acks: 1024,
            max_queued_events: 1024,
            max_queued_bytes: 16 << 20,
            early_events: Duration::from_secs(1),
        }
    }
}
