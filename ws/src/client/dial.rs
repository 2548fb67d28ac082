//! From a name to a TCP socket.

use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};

use super::error::ConnectError;
use crate::handshake::Target;

/// Tries the addresses of a host one after the other.
pub(super) async fn connect(target: &Target) -> Result<TcpStream, ConnectError> {
    let addresses =
        lookup_host((target.host(), target.port())).await.map_err(ConnectError::Resolve)?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let stream = TcpStream::connect(&*addresses).await.map_err(ConnectError::Connect)?;
    // We collect what belongs together ourselves; Nagle's algorithm would hold back the last small
    // frame of a burst until the peer acknowledges the one before.
    stream.set_nodelay(true).map_err(ConnectError::Connect)?;
    Ok(stream)
}
