//! From a name to a byte stream: TCP, a proxy's tunnel, TLS.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};

use super::error::ConnectError;
use super::proxy::{Proxy, ProxyError};
use super::tls::Tls;
use crate::handshake::Target;
use crate::net::Stream;

/// A byte stream to the server, on which HTTP may be spoken.
pub(super) async fn dial(
    target: &Target,
    proxy: Option<&Proxy>,
    tls: &Tls,
) -> Result<Stream, ConnectError> {
    let stream = match proxy {
        Some(proxy) => through(proxy, target, tls).await?,
        None => connect(target.host(), target.port()).await?,
    };
    secured(stream, target, tls).await
}

/// The same over a stream that leads to the server already.
pub(super) async fn secured(
    stream: Stream,
    target: &Target,
    tls: &Tls,
) -> Result<Stream, ConnectError> {
    if target.is_secure() { tls.wrap(stream, target.host()).await } else { Ok(stream) }
}

async fn through(proxy: &Proxy, target: &Target, tls: &Tls) -> Result<Stream, ConnectError> {
    let stream = connect(proxy.host(), proxy.port()).await.map_err(|error| match error {
        ConnectError::Resolve(error) | ConnectError::Connect(error) => {
            ConnectError::Proxy(ProxyError::Io(error))
        }
        error => error,
    })?;
    let stream = if proxy.is_secure() { tls.wrap(stream, proxy.host()).await? } else { stream };
    proxy.tunnel(stream, target).await
}

/// Tries the addresses of a host one after the other.
async fn connect(host: &str, port: u16) -> Result<Stream, ConnectError> {
    let addresses = lookup_host((host, port)).await.map_err(ConnectError::Resolve)?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let stream = TcpStream::connect(&*addresses).await.map_err(ConnectError::Connect)?;
    // We collect what belongs together ourselves; Nagle's algorithm would hold back the last small
    // frame of a burst until the peer acknowledges the one before.
    stream.set_nodelay(true).map_err(ConnectError::Connect)?;
    Ok(stream.into())
}
