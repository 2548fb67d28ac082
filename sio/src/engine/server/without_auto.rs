//! In the place of `auto` when the crate is built without the feature `axum`: nobody serves that way.

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use ws::net::Stream;

pub(super) const fn into_tcp(upgraded: Upgraded) -> Result<(Stream, Bytes), Upgraded> {
    Err(upgraded)
}
