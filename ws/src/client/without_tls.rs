//! What takes the place of `tls.rs` in a build without TLS.

use super::error::ConnectError;
use crate::net::Stream;

/// Nothing to configure.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls(());

impl Tls {
    /// Always an error: what was asked for encrypted is never sent in the clear.
    pub(super) async fn wrap(&self, _stream: Stream, _host: &str) -> Result<Stream, ConnectError> {
        Err(ConnectError::TlsUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    #[tokio::test]
    async fn wss_is_an_error_that_names_the_feature() {
        let client = Client::builder("wss://a.test");
        let error = client.handshake_over(Stream::new(tokio::io::empty())).await.unwrap_err();
        assert!(matches!(error, ConnectError::TlsUnavailable), "{error}");
        assert!(error.to_string().contains("`tls`"));
    }
}
