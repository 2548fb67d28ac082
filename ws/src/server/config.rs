//! The settings of a server.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::handshake::{Limits, Origins};
use crate::net::{Secure, Threads};
use crate::proto::{Config, DeflateConfig};

/// The settings of a [`Server`](super::Server). Everything is finite by default.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Limits and deadlines of each connection.
    pub websocket: Arc<Config>,
    /// What the head of an opening handshake may cost; more is refused with 431.
    pub limits: Limits,
    /// How long an opening handshake may take, from the accepted connection to the answer; then 408. Default: 10 s.
    pub handshake_timeout: Duration,
    /// The least bytes per second at which the head of a handshake must arrive, after two seconds of grace; then 408. Default:
    /// 500, with which a head of 4 KiB may take ten seconds. Set it to 1 to leave it to `handshake_timeout` alone.
    pub min_head_rate: NonZeroU32,
    /// Pages of which origins may connect; others are refused with 403. Default: [`Origins::SameHost`].
    pub origins: Origins,
    /// The subprotocols that the server speaks, best first. The first one that a client offers is chosen. Default: none.
    pub subprotocols: Vec<String>,
    /// TLS: a [`TlsAcceptor`](crate::net::TlsAcceptor) (feature `tls`). Its handshake counts towards `handshake_timeout`.
    /// Default: none.
    pub secure: Option<Arc<dyn Secure>>,
    /// Compression of messages by permessage-deflate (feature `deflate`), for clients that offer it. Default: none; see
    /// [`DeflateConfig`] on what it costs and what it may give away.
    pub deflate: Option<DeflateConfig>,
    /// How many connections there may be at a time, on all threads together; further ones wait in the system's backlog. Default: 1,000,000, so that the
    /// limit is that of the system on file descriptors.
    pub max_connections: usize,
    /// On which threads the connections live: those of the runtime that serves, or one for each core. Default:
    /// [`Threads::Shared`]; see [`Threads`] for what was measured.
    pub threads: Threads,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            websocket: Arc::default(),
            limits: Limits::default(),
            handshake_timeout: Duration::from_secs(10),
            min_head_rate: const { NonZeroU32::new(500).expect("it is not zero") },
            origins: Origins::SameHost,
            subprotocols: Vec::new(),
            secure: None,
            deflate: None,
            max_connections: 1_000_000,
            threads: Threads::Shared,
        }
    }
}
