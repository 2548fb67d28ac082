//! What a client said when it connected.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;

use crate::engine::server::RequestInfo;

/// The HTTP request that opened the session, and the auth payload of the namespace's CONNECT.
#[derive(Clone)]
pub struct Handshake {
    request: Arc<RequestInfo>,
    /// A valid JSON object.
    auth: Option<Arc<str>>,
}

impl Handshake {
    pub(in crate::server) fn new(request: Arc<RequestInfo>, auth: Option<&str>) -> Self {
        Self { request, auth: auth.map(Arc::from) }
    }

    /// The headers of the request. The first call makes a map of them, which stays as long as the session.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The URI of the request, with the query.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.request.uri
    }

    /// The first query parameter of this name, decoded. `None` if there is none, or it is not UTF-8.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        let pairs = self.request.uri.query()?.split('&');
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(key, _)| decode(key).as_deref() == Some(name))
            .and_then(|(_, value)| decode(value))
    }

    /// The address that the connection came from: the client, or a proxy in front of it.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.request.peer_addr
    }

    /// The address of the client, also behind proxies that are trusted
    /// ([`AddressLimits::trusted_proxies`](crate::engine::AddressLimits::trusted_proxies)).
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.request.client_ip
    }

    /// Whether a page of another site may have opened it: the request has an `Origin`.
    #[must_use]
    pub fn xdomain(&self) -> bool {
        self.headers().contains_key(http::header::ORIGIN)
    }

    /// Whether it came over TLS.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.request.secure
    }

    /// When the session was opened.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        self.request.issued
    }

    /// Reads the auth payload; `null` if the client sent none.
    ///
    /// # Errors
    /// Those of `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.auth.as_deref().unwrap_or("null"))
    }
}

impl fmt::Debug for Handshake {
    // Without the auth payload and the headers: both carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("uri", self.uri())
            .field("address", &self.address())
            .finish()
    }
}

/// Percent-decoding of `application/x-www-form-urlencoded`.
pub(in crate::server) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                // Two hexadecimal digits are at most 255.
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn query_values_are_decoded_and_broken_ones_are_none() {
        for (text, want) in [
            ("plain", Some("plain")),
            ("a+b%20c", Some("a b c")),
            ("%C3%a9", Some("é")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(text).as_deref(), want, "{text}");
        }
    }
}
