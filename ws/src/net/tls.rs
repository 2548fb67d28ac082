//! TLS for servers, by rustls, and the crypto provider of both sides.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::stream::{Secure, Securing, Stream};

/// Speaks TLS on connections that were accepted. Cheap to clone.
///
/// ```no_run
/// # async fn example(tcp: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ws::net::TlsAcceptor::from_pem_files("cert.pem", "key.pem")?;
/// let stream: ws::net::Stream = tls.accept(tcp).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsAcceptor(tokio_rustls::TlsAcceptor);

impl TlsAcceptor {
    /// With a configuration of your own. If it names protocols (ALPN), `http/1.1` must be among
    /// them.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self(config.into().into())
    }

    /// With a chain of certificates, the server's own first, and its private key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if there is no certificate or key in it, or they don't belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| TlsError::new("certificate", error))?;
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::new("key", error))?;
        let mut config = ServerConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS 1.2 and 1.3 need")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::new("certificate", error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self::new(config))
    }

    /// As [`from_pem`](Self::from_pem), from files.
    ///
    /// # Errors
    ///
    /// [`TlsError`], also if a file can't be read.
    pub fn from_pem_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        let certificates =
            std::fs::read(certificates).map_err(|error| TlsError::new("certificate", error))?;
        let key = std::fs::read(key).map_err(|error| TlsError::new("key", error))?;
        Self::from_pem(&certificates, &key)
    }

    /// The server's side of the TLS handshake. Without a deadline: that is the caller's.
    ///
    /// # Errors
    ///
    /// Whatever the client does wrong; the connection is of no more use then.
    pub async fn accept(&self, stream: impl Into<Stream>) -> io::Result<Stream> {
        let stream = stream.into();
        let peer_addr = stream.peer_addr();
        let stream = self.0.accept(stream).await?;
        Ok(Stream::Other(Box::new(stream), peer_addr))
    }
}

impl Secure for TlsAcceptor {
    fn secure(&self, stream: Stream) -> Securing<'_> {
        Box::pin(self.accept(stream))
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsAcceptor").field(self.0.config()).finish()
    }
}

/// A certificate or key can't be used.
#[derive(Debug)]
pub struct TlsError {
    what: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl TlsError {
    fn new(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { what, source: source.into() }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the TLS {} can't be used: {}", self.what, self.source)
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// Named wherever a configuration is made: rustls panics when it has to choose between providers
/// that other crates of the program have switched on.
pub(crate) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
