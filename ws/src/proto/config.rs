//! The limits and deadlines of a connection.

use std::time::Duration;

/// Limits, deadlines and keepalive of one connection. What a peer can make this side keep is finite by default.
///
/// ```
/// use std::time::Duration;
///
/// let mut config = ws::Config::default();
/// config.max_message_size = 16 << 20;
/// config.ping_interval = Some(Duration::from_secs(20));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The longest message that is received, in bytes of payload; a longer one fails the connection with 1009.
    /// Default: 1 MiB. Raise it for uploads; memory follows what arrives, not what is declared.
    pub max_message_size: usize,
    /// The longest single frame that is received, in bytes of payload; a longer one fails the connection with 1009.
    /// Default: `usize::MAX`, so that `max_message_size` alone decides; a lower limit makes the peer fragment.
    pub max_frame_size: usize,
    /// How many bytes may wait to be written before a message is refused (see [`OverflowPolicy`]). A message is taken while
    /// less than this waits, or nothing, so that the last one may pass the limit. Default: 1 MiB.
    pub max_buffered_bytes: usize,
    /// What happens to a message once `max_buffered_bytes` wait. Default: [`OverflowPolicy::Refuse`].
    pub overflow: OverflowPolicy,
    /// A peer that was silent for one such interval is pinged; `None` never. Looked at once per interval, so that the ping
    /// comes after one to two of them. Default: 30 s.
    pub ping_interval: Option<Duration>,
    /// A ping that is followed by no sign of life for this long fails the connection: neither bytes from the peer, nor a
    /// full stream to it that takes some again. Default: 20 s.
    pub pong_timeout: Duration,
    /// A connection on which no whole message was received for this long is closed with 1001; `None` never. Looked at once
    /// per timeout, so that it may last up to two of them. Pings and pongs don't count. Default: `None`, because
    /// `ping_interval` finds dead peers.
    pub idle_timeout: Option<Duration>,
    /// How long the peer may take to answer a close frame, and then to end its side of the byte stream. Default: 5 s.
    pub close_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_size: 1 << 20,
            max_frame_size: usize::MAX,
            max_buffered_bytes: 1 << 20,
            overflow: OverflowPolicy::Refuse,
            ping_interval: Some(Duration::from_secs(30)),
            pong_timeout: Duration::from_secs(20),
            idle_timeout: None,
            close_timeout: Duration::from_secs(5),
        }
    }
}

/// What happens to a message for a peer that reads too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverflowPolicy {
    /// The message is handed back to the caller, who may wait, drop it or close.
    Refuse,
    /// The connection is dropped: a peer that far behind is better off with a new one.
    Disconnect,
}

/// Which side of a connection this is. Clients mask what they send, servers do not (RFC 6455 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The side that was connected to.
    Server,
    /// The side that connected.
    Client,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }
}

/// Whether a message is compressed, on a connection with permessage-deflate; on others it makes no difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compress {
    /// If it is long enough, see [`DeflateConfig`](super::DeflateConfig).
    #[default]
    Auto,
    /// However short it is, unless it is empty.
    Always,
    /// Not at all: what is compressed already (images, video), and secrets next to text of somebody else's choice, which can
    /// be guessed from the compressed length (BREACH).
    Never,
}
