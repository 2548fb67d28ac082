//! TLS of `https` and `wss`.

use std::sync::Arc;

use super::Builder;

impl Builder {
    /// Trusts, authenticates and negotiates as this configuration says, instead of trusting the roots of Mozilla. If it names protocols
    /// (ALPN), `http/1.1` must be the only one.
    pub fn tls(mut self, config: impl Into<Arc<ws::rustls::ClientConfig>>) -> Self {
        self.websocket = self.websocket.tls(config);
        self
    }
}
