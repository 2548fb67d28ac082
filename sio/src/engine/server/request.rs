//! What is remembered of the HTTP request that opened a session.

use std::net::SocketAddr;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Uri};

/// The HTTP request that opened a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestInfo {
    /// Always GET.
    pub method: Method,
    /// Path and query as they came.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// Address of the client, or of the proxy in between.
    pub peer_addr: Option<SocketAddr>,
    /// Did it come over TLS?
    pub secure: bool,
    /// When it came.
    pub issued: SystemTime,
}

impl RequestInfo {
    pub(super) fn new<B>(
        request: &http::Request<B>,
        peer_addr: Option<SocketAddr>,
        secure: bool,
    ) -> Self {
        Self {
            method: request.method().clone(),
            uri: own_uri(request.uri()),
            headers: own_headers(request.headers()),
            peer_addr,
            secure,
            issued: SystemTime::now(),
        }
    }
}

/// A URI of its own memory: the request's one shares the read buffer of its connection and would keep all of it.
fn own_uri(uri: &Uri) -> Uri {
    uri.to_string().parse().unwrap_or_else(|_| uri.clone())
}

/// Headers whose values lie in one piece of memory of their own, for the same reason.
fn own_headers(headers: &HeaderMap) -> HeaderMap {
    let length = headers.values().map(HeaderValue::len).sum();
    let mut values = BytesMut::with_capacity(length);
    for value in headers.values() {
        values.extend_from_slice(value.as_bytes());
    }
    let values: Bytes = values.freeze();
    let mut owned = HeaderMap::with_capacity(headers.keys_len());
    let mut start = 0;
    for (name, value) in headers {
        let end = start + value.len();
        if let Ok(mut copy) = HeaderValue::from_maybe_shared(values.slice(start..end)) {
            copy.set_sensitive(value.is_sensitive());
            owned.append(name.clone(), copy);
        }
        start = end;
    }
    owned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_equals_the_request_and_shares_nothing_with_it() {
        let request = http::Request::get("/engine.io/?EIO=4&transport=polling&name=%C3%A9")
            .header("cookie", "a=b")
            .header("x-empty", "")
            .header("cookie", "c=d")
            .body(())
            .unwrap();
        let info = RequestInfo::new(&request, None, true);
        assert_eq!(info.uri, *request.uri());
        assert_eq!(info.headers, *request.headers());
        assert!(info.secure);
        let pointers =
            |headers: &HeaderMap| headers.get("cookie").map(|value| value.as_bytes().as_ptr());
        assert_ne!(pointers(&info.headers), pointers(request.headers()));
    }
}
