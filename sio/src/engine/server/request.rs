//! What is remembered of the HTTP request that opened a session.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::SystemTime;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri};

use super::Remote;
use crate::engine::Config;

/// The HTTP request that opened a session.
#[derive(Clone)]
#[non_exhaustive]
pub struct RequestInfo {
    /// Always GET.
    pub method: Method,
    /// Path and query as they came.
    pub uri: Uri,
    /// Address of the client, or of the proxy in between.
    pub peer_addr: Option<SocketAddr>,
    /// Address of the client: `peer_addr`'s, or what a proxy says that is trusted
    /// ([`AddressLimits::trusted_proxies`](crate::engine::AddressLimits::trusted_proxies)).
    pub client_ip: Option<IpAddr>,
    /// Did it come over TLS?
    pub secure: bool,
    /// When it came.
    pub issued: SystemTime,
    /// `name:value\n` for each header; `;` instead of `:` marks a sensitive value. Neither can be part of a name, nor can a
    /// line feed of a value.
    written: Bytes,
    headers: OnceLock<Box<HeaderMap>>,
}

impl RequestInfo {
    pub(super) fn new(head: &Parts, remote: Remote, config: &Config) -> Self {
        let forwarded = head.headers.get_all("x-forwarded-for").into_iter();
        let forwarded = forwarded.filter_map(|value| value.to_str().ok());
        let peer_ip = remote.addr.map(|addr| addr.ip());
        Self {
            method: head.method.clone(),
            uri: own_uri(&head.uri),
            peer_addr: remote.addr,
            client_ip: peer_ip.map(|peer| config.addresses.client(peer, forwarded)),
            secure: remote.secure,
            issued: SystemTime::now(),
            written: write_headers(&head.headers),
            headers: OnceLock::new(),
        }
    }

    /// The headers.
    ///
    /// They are kept as they came over the wire and put into a map when they are first asked for: most sessions never do, and
    /// the map takes five times as much memory for as long as the session lives.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| Box::new(read_headers(&self.written)))
    }
}

impl fmt::Debug for RequestInfo {
    // Without the headers, which carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestInfo")
            .field("uri", &self.uri)
            .field("peer_addr", &self.peer_addr)
            .field("secure", &self.secure)
            .field("issued", &self.issued)
            .finish_non_exhaustive()
    }
}

/// A URI of its own memory: the request's one shares the read buffer of its connection and would keep all of it.
fn own_uri(uri: &Uri) -> Uri {
    uri.to_string().parse().unwrap_or_else(|_| uri.clone())
}

/// The headers in one piece of memory of their own, for the same reason.
fn write_headers(headers: &HeaderMap) -> Bytes {
    let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 2;
    let mut written = BytesMut::with_capacity(headers.iter().map(length).sum());
    for (name, value) in headers {
        written.put_slice(name.as_str().as_bytes());
        written.put_u8(if value.is_sensitive() { b';' } else { b':' });
        written.put_slice(value.as_bytes());
        written.put_u8(b'\n');
    }
    written.freeze()
}

/// The headers that [`write_headers`] has written. Their values share its memory.
fn read_headers(written: &Bytes) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in written.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| matches!(byte, b':' | b';')) else { continue };
        let value = HeaderValue::from_maybe_shared(written.slice_ref(&line[at + 1..]));
        if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(&line[..at]), value) {
            value.set_sensitive(line[at] == b';');
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(request: &http::Request<()>, secure: bool) -> RequestInfo {
        let (head, ()) = request.clone().into_parts();
        RequestInfo::new(&head, Remote { addr: None, secure }, &Config::default())
    }

    #[test]
    fn what_is_remembered_equals_the_request_and_shares_nothing_with_it() {
        let mut secret = HeaderValue::from_static("a: b; c");
        secret.set_sensitive(true);
        let request = http::Request::get("/engine.io/?EIO=4&transport=polling&name=%C3%A9")
            .header("cookie", "a=b")
            .header("x-empty", "")
            .header("x-secret", secret)
            .header("x-bytes", HeaderValue::from_bytes(b"\xff\t:;").unwrap())
            .header("cookie", "c=d")
            .body(())
            .unwrap();
        let info = info(&request, true);
        assert_eq!(info.uri, *request.uri());
        assert_eq!(info.headers(), request.headers());
        assert!(info.headers()["x-secret"].is_sensitive());
        assert!(!info.headers()["cookie"].is_sensitive());
        assert!(info.secure);
        let pointers =
            |headers: &HeaderMap| headers.get("cookie").map(|value| value.as_bytes().as_ptr());
        assert_ne!(pointers(info.headers()), pointers(request.headers()));
    }

    #[test]
    fn a_request_without_headers_has_none() {
        let info = info(&http::Request::new(()), false);
        assert!(info.headers().is_empty());
    }

    #[test]
    fn debug_tells_no_cookie() {
        let request = http::Request::get("/").header("cookie", "secret").body(()).unwrap();
        let info = info(&request, false);
        assert!(!info.headers().is_empty() && !format!("{info:?}").contains("secret"));
    }
}
