//! The byte stream under hyper, once it has become something else.

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::auto;
use super::connection::Wire;

/// The byte stream itself where its kind is known, and what hyper had read of it: copied, because even nothing would keep all of
/// hyper's buffer. Anything else stays under hyper.
pub(super) fn into_stream(upgraded: Upgraded) -> (ws::net::Stream, Bytes) {
    let upgraded = match upgraded.downcast::<TokioIo<Wire>>() {
        Ok(parts) => return parts.io.into_inner().into_parts(&parts.read_buf),
        Err(upgraded) => upgraded,
    };
    // Of a hyper that somebody else set up.
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => {
            return (parts.io.into_inner().into(), Bytes::copy_from_slice(&parts.read_buf));
        }
        Err(upgraded) => upgraded,
    };
    match auto::into_tcp(upgraded) {
        Ok(parts) => parts,
        Err(upgraded) => (ws::net::Stream::new(TokioIo::new(upgraded)), Bytes::new()),
    }
}
