//! Without the feature `axum`: nobody but the application knows where a request comes from.

use http::Extensions;

use crate::engine::server::Remote;

pub(in crate::server) const fn of(_: &Extensions) -> Option<Remote> {
    None
}
