//! The stream under hyper-util's `auto` server, which is what axum serves with (feature `axum`).

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use ws::net::Stream;

pub(super) fn into_tcp(upgraded: Upgraded) -> Result<(Stream, Bytes), Upgraded> {
    let parts = downcast::<TokioIo<TcpStream>>(upgraded)?;
    Ok((parts.io.into_inner().into(), Bytes::copy_from_slice(&parts.read_buf)))
}
