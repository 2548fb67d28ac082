//! The knobs of permessage-deflate.

use std::sync::Arc;

use super::pool::Pool;

/// Compression of messages by permessage-deflate (RFC 7692). Off unless a server's or a client's configuration has one of
/// these. A server grants at most what it says here; a client offers it.
///
/// Compression costs processor time on both sides, ten microseconds and more for the shortest message, and saves bytes on slow
/// or expensive networks. Turn it on for text of some hundred bytes and more that goes over the Internet, not between machines
/// of one room.
///
/// # Memory
///
/// With the defaults an idle connection has no codec: one is borrowed for as long as a message takes, from a pool that all
/// connections of one configuration share. *Context takeover* lets each message refer back to those before, which shrinks
/// short, similar messages to a fraction. Its price is a codec state for each connection that has used it, in bytes:
///
/// | window bits | 8, 9 | 10 | 11 | 12 | 13 | 14 | 15 |
/// |---|---|---|---|---|---|---|---|
/// | to send | 245 Ki | 247 Ki | 251 Ki | 259 Ki | 275 Ki | 307 Ki | 371 Ki |
/// | to receive | 47 Ki | 47 Ki | 47 Ki | 47 Ki | 47 Ki | 47 Ki | 47 Ki |
///
/// # Security
///
/// The length of what is compressed tells something about its content, also through TLS. Where a message, or the context
/// before it, holds a secret together with text of an attacker's choice, the secret can be guessed bit by bit (CRIME,
/// BREACH). Send such messages with [`Compress::Never`](crate::Compress::Never), and don't turn context takeover on.
///
/// What a peer sends may inflate to a thousand times its length. [`Config::max_message_size`](crate::Config::max_message_size)
/// is the limit for the inflated message and acts while it is inflated.
///
/// ```
/// let mut server = ws::ServerConfig::default();
/// server.deflate = Some(ws::DeflateConfig::default());
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeflateConfig {
    /// Whether what the server sends is compressed message by message, without reference to those before. `false` saves bytes
    /// and costs memory on both sides; a [`Prepared`](crate::Prepared) message then is compressed for each receiver anew.
    /// Default: `true`.
    pub server_no_context_takeover: bool,
    /// As `server_no_context_takeover`, for what the client sends. Default: `true`.
    pub client_no_context_takeover: bool,
    /// How far back what the server sends may refer, as a power of two of bytes: 8 to 15; what is beyond counts as the nearest
    /// of them. Less saves the server memory where contexts are taken over, and compresses less. Some clients, those on zlib
    /// among them, have no window of 8 and fail. Default: 15.
    pub server_max_window_bits: u8,
    /// As `server_max_window_bits`, for what the client sends. A client that does not say that it can limit its window is
    /// accepted by a server with 15. Default: 15.
    pub client_max_window_bits: u8,
    /// How hard this side tries: 0 (not at all) to 9 (slow); more counts as 9. Default: 3, which makes long JSON hardly longer
    /// than 6, zlib's own default, does in about three times the time.
    pub level: u8,
    /// From how many bytes on this side compresses a message, unless [`Compress`](crate::Compress) says otherwise. Default:
    /// 256, where JSON that stands alone becomes less than half as long; at 64 bytes it hardly gains anything. With context
    /// takeover 64 is a good value.
    pub threshold: usize,
    /// Shared by the clones of this configuration.
    pub(crate) pool: Arc<Pool>,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
            level: 3,
            threshold: 256,
            pool: Arc::default(),
        }
    }
}
