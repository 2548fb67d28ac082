//! Settings of a client, each with its reason.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{self, ConfigError};
use crate::packet;

/// Settings of a client.
///
/// The struct grows with the library: start from [`Config::default`] and assign fields.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The Engine.IO session below: transports, their deadlines, sizes.
    pub engine: engine::client::Config,
    /// What happens when the connection is lost.
    pub reconnection: Reconnection,
    /// What is emitted while there is no connection.
    pub offline: Offline,
    /// What to do when a server does not let the client in again. Default [`OnRefusal::Stop`], as in the reference client.
    pub on_refusal: OnRefusal,
    /// Time for everything until the namespace has answered, in one try: asking for URL and auth, name, TCP, TLS, handshakes. Default
    /// 20 s.
    pub timeout: Duration,
    /// Time that an `emit_with_ack` waits for the answer if nothing else is said; with [`retries`](Self::retries), that each try
    /// waits. Default 10 s.
    pub ack_timeout: Duration,
    /// Deliver each event at least once, in order: it waits for its answer before the next is sent, is sent again after each
    /// reconnection and up to so many times when no answer has come within [`ack_timeout`](Self::ack_timeout). The server's handlers
    /// must answer every event, and may see one twice. Default `None`: each event is sent once, and lost if the connection is.
    ///
    /// A connection that is lost is no try: the event may never have left. [`resends`](Self::resends) says how often that may happen.
    /// (The reference client with an `ackTimeout` counts both alike, and drops what was on its way in `retries + 1` connections.)
    pub retries: Option<u32>,
    /// With [`retries`](Self::retries), how often an event is sent again because the connection was lost while it was on its way; then
    /// it is given up, since it may be the event that the server does not survive. Who waits for the answer gets
    /// [`EmitError::Disconnected`](super::EmitError::Disconnected). Default 100.
    pub resends: u32,
    /// With [`retries`](Self::retries), the time after which an event is given up that was not answered, connected or not, so that no
    /// answer is waited for without end. Who waits for it gets [`EmitError::Timeout`](super::EmitError::Timeout). Default 24 hours.
    pub retry_for: Duration,
    /// How packets are written and read. The server must do it the same way. `None` is the default: JSON text and attachments.
    /// [`packet::Msgpack`] is another way.
    pub parser: Option<Arc<dyn packet::Parser>>,
    /// What one packet may announce and bring, and when. Default 10 attachments of 10 MB together, 60 s for each.
    pub limits: packet::Limits,
    /// Events of one socket that are handled at a time. Default 1: one after the other, in order.
    pub handler_concurrency: usize,
    /// Answers that one socket may wait for: a server that never answers costs memory until the timeout. Default 1,024.
    pub max_pending_acks: usize,
    /// Events of one socket that may wait for its handlers, or for [`Socket::next`](super::Socket::next); then the connection is not
    /// read until half of them are handled. Default 1,024.
    pub max_queued_events: usize,
    /// The same limit in bytes. Default 16 MiB; the event that passes it is still taken.
    pub max_queued_bytes: usize,
    /// An event that nobody listens to is kept for this long after the namespace was joined, for the first who does: a server may
    /// greet before `connect().await` has returned and handlers are registered. The limits above hold. Default 1 s; zero keeps none.
    /// Handlers of the [`Builder`](super::Builder), and a builder that [keeps events](super::Builder::keep_events), miss none.
    pub early_events: Duration,
}

/// How a lost connection is made again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reconnection {
    /// Default true.
    pub enabled: bool,
    /// Whether the first connection is tried again, too, instead of being reported by `connect().await` at once. Default false.
    pub first: bool,
    /// Whether a server that has put the client out of a namespace is asked to let it in again. Default false, as in the reference
    /// client: it has been said goodbye to.
    pub after_server_disconnect: bool,
    /// Tries after one loss. Default `None`: no end of them.
    pub attempts: Option<u32>,
    /// Time before the first try. Default 1 s.
    pub delay: Duration,
    /// Longest time between tries, before the spread. Default 5 s.
    pub max_delay: Duration,
    /// How much longer each delay is than the one before. Default 2.
    pub factor: f64,
    /// The part of each delay by which it is shortened or lengthened at random, so that many clients do not come back at the same
    /// moment. Default 0.5, at most 1.
    pub jitter: f64,
}

/// What is emitted while there is no connection: it waits, and is sent in order once the namespace is joined again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Offline {
    /// Events that may wait, of one socket; zero lets none wait. Default 1,024. With [`Config::retries`] it is the queue's limit.
    pub max_events: usize,
    /// Bytes that may wait. Default 4 MiB; the event that passes it is still taken.
    pub max_bytes: usize,
    /// What is done when that is too little. Default [`OnOverflow::Refuse`]: `emit` fails.
    pub policy: OnOverflow,
}

/// What is done with one event too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnOverflow {
    /// It is not taken, and its sender is told.
    #[default]
    Refuse,
    /// The oldest that waits is dropped for it; an answer to that is waited for no longer.
    DropOldest,
    /// It is dropped itself, without a word.
    DropNewest,
}

/// What to do when a server that has let the client in before refuses it (CONNECT_ERROR) after a reconnection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnRefusal {
    /// The socket ends.
    #[default]
    Stop,
    /// It asks again, with a new auth payload, after delays as for [`Reconnection`].
    Retry,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ConfigError`] names the first field that can't work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.engine.validate()?;
        let check = ConfigError::check;
        let Reconnection { factor, jitter, .. } = self.reconnection;
        check(factor.is_finite() && factor >= 1.0, "factor", "must be at least 1")?;
        check((0.0..=1.0).contains(&jitter), "jitter", "must be from 0 to 1")?;
        check(!self.timeout.is_zero(), "timeout", "must not be zero")?;
        check(!self.ack_timeout.is_zero(), "ack_timeout", "must not be zero")?;
        check(!self.retry_for.is_zero(), "retry_for", "must not be zero")?;
        check(self.max_queued_events > 0, "max_queued_events", "must not be zero")?;
        check(self.handler_concurrency > 0, "handler_concurrency", "must not be zero")?;
        check(self.max_queued_bytes > 0, "max_queued_bytes", "must not be zero")?;
        let queue = self.retries.is_none() || self.offline.max_events > 0;
        check(queue, "offline.max_events", "must not be zero with retries")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: engine::client::Config::default(),
            reconnection: Reconnection::default(),
            offline: Offline::default(),
            on_refusal: OnRefusal::default(),
            timeout: Duration::from_secs(20),
            ack_timeout: Duration::from_secs(10),
            retries: None,
            resends: 100,
            retry_for: Duration::from_secs(24 * 3600),
            parser: None,
            limits: packet::Limits::default(),
            handler_concurrency: 1,
            max_pending_acks: 1024,
            max_queued_events: 1024,
            max_queued_bytes: 16 << 20,
            early_events: Duration::from_secs(1),
        }
    }
}

impl Default for Reconnection {
    fn default() -> Self {
        Self {
            enabled: true,
            first: false,
            after_server_disconnect: false,
            attempts: None,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(5),
            factor: 2.0,
            jitter: 0.5,
        }
    }
}

impl Default for Offline {
    fn default() -> Self {
        Self { max_events: 1024, max_bytes: 4 << 20, policy: OnOverflow::Refuse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_named() {
        type Change = fn(&mut Config);
        let bad: [(&str, Change); 7] = [
            ("transports", |c| c.engine.transports.clear()),
            ("factor", |c| c.reconnection.factor = 0.5),
            ("factor", |c| c.reconnection.factor = f64::NAN),
            ("jitter", |c| c.reconnection.jitter = 1.1),
            ("timeout", |c| c.timeout = Duration::ZERO),
            ("max_queued_events", |c| c.max_queued_events = 0),
            ("offline.max_events", |c| (c.retries, c.offline.max_events) = (Some(1), 0)),
        ];
        assert_eq!(Config::default().validate(), Ok(()));
        for (field, change) in bad {
            let mut config = Config::default();
            change(&mut config);
            assert_eq!(config.validate().map_err(|error| error.field()), Err(field));
        }
    }
}
