//! The answer to a handshake that doesn't become a WebSocket (RFC 6455 §4.2.2 step 5, RFC 9110
//! §15).

use std::borrow::Cow;
use std::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::head::{HeadError, encode_response};

/// A response that refuses the handshake: status, headers and a line of text. The connection ends
/// with it.
///
/// The checks of this module make it, and the application may:
/// `Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")`.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejection(Box<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    status: StatusCode,
    headers: HeaderMap,
    body: Cow<'static, str>,
}

impl Rejection {
    /// A rejection with this status and a plain text for people. It should quote nothing that the
    /// peer sent.
    pub fn new(status: StatusCode, body: impl Into<Cow<'static, str>>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        Self(Box::new(Parts { status, headers, body: body.into() }))
    }

    /// With one more header, or another value for one that is there. `Content-Length` is always
    /// that of the body.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// 408: the head didn't arrive in time (RFC 9110 §15.5.9).
    pub fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the request took too long")
    }

    /// 503: the server has all the connections it wants, or shuts down (RFC 9110 §15.6.4).
    pub fn service_unavailable(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, why)
    }

    /// 426: this resource speaks WebSocket only.
    ///
    /// RFC 9110 §15.5.22 wants `Upgrade` in it, and §7.8 wants it named in `Connection` then.
    pub(super) fn upgrade_required(why: &'static str) -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, why)
            .header(header::UPGRADE, HeaderValue::from_static("websocket"))
            .header(header::CONNECTION, HeaderValue::from_static("Upgrade, close"))
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The headers, without `Content-Length`.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The text.
    pub fn body(&self) -> &str {
        &self.0.body
    }

    /// The response for a framework; `B` may be `String`, `Bytes`, `Vec<u8>` or a body made of one.
    pub fn into_response<B: From<String>>(self) -> Response<B> {
        self.response().map(|()| B::from(self.0.body.into_owned()))
    }

    /// The response for a byte stream: head and body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = encode_response(&self.response());
        bytes.extend_from_slice(self.0.body.as_bytes());
        bytes
    }

    fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.0.status;
        *response.headers_mut() = self.0.headers.clone();
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(self.0.body.len()));
        response
    }
}

impl From<HeadError> for Rejection {
    fn from(error: HeadError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handshake refused with {}: {}", self.0.status, self.0.body)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { status, headers, body } = &*self.0;
        f.debug_struct("Rejection")
            .field("status", status)
            .field("headers", headers)
            .field("body", body)
            .finish()
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_complete_response_that_closes() {
        let rejection = Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))
            .header(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
        let expected = "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\
            Www-Authenticate: Basic\r\nContent-Length: 12\r\n\r\nwho are you?";
        assert_eq!(String::from_utf8(rejection.to_bytes()).unwrap(), expected);
        let response: Response<String> = rejection.into_response();
        assert_eq!((response.status().as_u16(), response.body().as_str()), (401, "who are you?"));
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "12");
    }

    #[test]
    fn it_is_small_enough_for_the_error_side_of_a_result() {
        assert_eq!(size_of::<Rejection>(), size_of::<usize>());
    }

    #[test]
    fn timeout_and_overload_have_their_statuses() {
        assert_eq!(Rejection::request_timeout().status(), 408);
        assert_eq!(Rejection::service_unavailable("shutting down").status(), 503);
    }
}
