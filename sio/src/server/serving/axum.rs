//! Where a request comes from, as axum tells it (feature `axum`).

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::Extensions;

use crate::engine::server::Remote;

pub(in crate::server) fn of(extensions: &Extensions) -> Option<Remote> {
    let ConnectInfo(addr) = *extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(Remote { addr: Some(addr), secure: false })
}
