//! `wss`, by rustls.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::Client;
use super::error::ConnectError;
use crate::net::{Stream, crypto_provider};

impl Client {
    /// Trusts, authenticates and negotiates as this configuration says, instead of trusting the
    /// roots of Mozilla.
    pub fn tls(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls = Tls(Some(config.into()));
        self
    }
}

/// The configuration that the application gave, or none for the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls(Option<Arc<ClientConfig>>);

impl Tls {
    /// Speaks TLS over a stream. The certificate must be for `host`.
    pub(super) async fn wrap(&self, stream: Stream, host: &str) -> Result<Stream, ConnectError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| {
            ConnectError::Tls(io::Error::new(io::ErrorKind::InvalidInput, error))
        })?;
        let connector = TlsConnector::from(self.0.clone().unwrap_or_else(default_config));
        connector.connect(name, stream).await.map(Stream::new).map_err(ConnectError::Tls)
    }
}

/// The roots are parsed once, and sessions are resumed from one connection to the next.
fn default_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let mut config = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS 1.2 and 1.3 need")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // The upgrade is one of HTTP/1.1; a server that would rather speak HTTP/2 must know (RFC
        // 7301).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    };
    CONFIG.get_or_init(make).clone()
}
