//! Answers of the HTTP surface: of bytes, and refusals (rules 3-4).

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::engine::Refusal;

/// The body of a response.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A body of these bytes.
#[must_use]
pub fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// 404, for requests that are nobody's.
#[must_use]
pub fn not_found() -> Response<Body> {
    answer(StatusCode::NOT_FOUND, "text/plain; charset=UTF-8", "not found")
}

pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    bytes: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(body(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Rule 3.
pub(super) fn refuse(refusal: &Refusal) -> Response<Body> {
    let mut response = answer(status(refusal), "application/json", refusal.body());
    if matches!(refusal, Refusal::Unavailable | Refusal::TooMany) {
        // The client may find a better server, or none.
        close_after(&mut response);
    }
    response
}

/// Rule 4: plain, always 400 where rule 3 knows the reason, and the connection ends.
pub(super) fn refuse_upgrade(refusal: &Refusal) -> Response<Body> {
    let status = match refusal {
        Refusal::Forbidden(_) => StatusCode::BAD_REQUEST,
        other => status(other),
    };
    let mut response = answer(status, "text/html", refusal.message().to_owned());
    close_after(&mut response);
    response
}

pub(super) fn close_after(response: &mut Response<Body>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST)
}
