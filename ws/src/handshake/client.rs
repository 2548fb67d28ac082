//! The client's side: the request, and whether the answer makes a WebSocket (RFC 6455 §4.1).

use std::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode, Uri, Version};

use super::extension;
use super::key::Key;
use super::server::is_reserved;
use super::subprotocol::Subprotocols;
use super::target::Target;
use super::token::{Repeated, at_most_one, elements, has_element};
use crate::proto::{Deflate, DeflateConfig};

/// One opening handshake of a client: makes the request and judges the response to it.
///
/// ```
/// use ws::handshake::{self, Opening, Subprotocols};
///
/// let target = "ws://example.com/chat".parse()?;
/// let nonce = *b"the sample nonce"; // sixteen random bytes, new for every connection
/// let opening = Opening::new(target, nonce).subprotocols(Subprotocols::new(["v1.chat"])?);
/// let request = opening.request();
///
/// // Any HTTP client may carry it; a server of ours is asked directly here.
/// let response = handshake::check(&request)?.accept(Some("v1.chat"), http::HeaderMap::new())?;
/// let accepted = opening.verify(&response)?;
/// assert_eq!(accepted.subprotocol(), Some("v1.chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Opening {
    target: Target,
    key: Key,
    subprotocols: Subprotocols,
    /// Offers of extensions and what the application adds.
    headers: HeaderMap,
    deflate: Vec<DeflateConfig>,
}

impl Opening {
    /// A handshake with a server. The nonce must be random for every connection (§4.1 item 7).
    pub fn new(target: Target, nonce: [u8; 16]) -> Self {
        let key = Key::from_nonce(nonce);
        let (subprotocols, headers) = (Subprotocols::default(), HeaderMap::new());
        Self { target, key, subprotocols, headers, deflate: Vec::new() }
    }

    /// Offers these subprotocols, the preferred one first. A server may still choose none.
    #[must_use]
    pub fn subprotocols(mut self, subprotocols: Subprotocols) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Offers permessage-deflate (RFC 7692) with these parameters; called again, with others for a
    /// server that can't accept those. See [`Accepted::deflate`].
    #[must_use]
    pub fn deflate(mut self, offer: DeflateConfig) -> Self {
        let value = HeaderValue::try_from(offer.offer());
        let value = value.expect("names and numbers are visible ASCII");
        self.headers.append(header::SEC_WEBSOCKET_EXTENSIONS, value);
        self.deflate.push(offer);
        self
    }

    /// Offers an extension with its parameters, as it stands in `Sec-WebSocket-Extensions`.
    ///
    /// Whoever offers one must be able to speak it: see [`Accepted::extensions`].
    #[must_use]
    pub fn extension(mut self, offer: HeaderValue) -> Self {
        self.headers.append(header::SEC_WEBSOCKET_EXTENSIONS, offer);
        self
    }

    /// Sends one more header, say `Authorization`, `Cookie` or `Origin`. The same name may be added
    /// several times.
    ///
    /// # Errors
    ///
    /// [`OpeningError::ReservedHeader`] for those that the handshake sets itself, `Host` among
    /// them.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Result<Self, OpeningError> {
        if name == header::HOST || is_reserved(&name) {
            return Err(OpeningError::ReservedHeader(name));
        }
        self.headers.append(name, value);
        Ok(self)
    }

    /// Where to connect before the request is written.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The request. Its URI is the resource name alone (origin form), as it goes over the wire.
    pub fn request(&self) -> Request<()> {
        let mut headers = HeaderMap::with_capacity(6 + self.headers.len());
        let host = HeaderValue::try_from(self.target.host_header())
            .expect("a host has visible ASCII only");
        headers.insert(header::HOST, host);
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_KEY, self.key.to_header());
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if let Some(offered) = self.subprotocols.to_header() {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        headers.extend(self.headers.clone());
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from(self.target.resource().clone());
        *request.headers_mut() = headers;
        request
    }

    /// Whether the server's response makes this connection a WebSocket (§4.1, the second list).
    ///
    /// # Errors
    ///
    /// [`VerifyError::Refused`] for any status but 101, the others for a 101 that isn't an answer
    /// to this request: the connection must be dropped then.
    pub fn verify<B>(&self, response: &Response<B>) -> Result<Accepted, VerifyError> {
        let headers = response.headers();
        // 1. Not 101: "handles the response per HTTP procedures", which is the caller's to choose.
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(VerifyError::Refused {
                status: response.status(),
                headers: Box::new(headers.clone()),
            });
        }
        if response.version() != Version::HTTP_11 {
            return Err(VerifyError::Version);
        }
        // 2. A 101 may name several protocols for layers (RFC 9110 §7.8); nothing but WebSocket can
        // be one here.
        let mut protocols = elements(headers, &header::UPGRADE).peekable();
        if protocols.peek().is_none()
            || !protocols.all(|name| name.eq_ignore_ascii_case(b"websocket"))
        {
            return Err(VerifyError::Upgrade);
        }
        // 3.
        if !has_element(headers, &header::CONNECTION, "upgrade") {
            return Err(VerifyError::Connection);
        }
        // 4. Compared with case: base64 has both. §11.3.3: it must not appear more than once.
        match at_most_one(headers, &header::SEC_WEBSOCKET_ACCEPT) {
            Ok(Some(accept)) if *accept == self.key.accept() => {}
            _ => return Err(VerifyError::Accept),
        }
        let extensions = self.verify_extensions(headers)?;
        let deflate = self.verify_deflate(&extensions)?;
        Ok(Accepted { subprotocol: self.verify_subprotocol(headers)?, extensions, deflate })
    }

    /// 5. Nothing that wasn't offered.
    fn verify_extensions(&self, headers: &HeaderMap) -> Result<Vec<HeaderValue>, VerifyError> {
        for name in extension::names(headers) {
            let name = name.map_err(|_| VerifyError::Extension)?;
            if !extension::names(&self.headers).flatten().any(|offered| offered == name) {
                return Err(VerifyError::Extension);
            }
        }
        Ok(headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).into_iter().cloned().collect())
    }

    /// RFC 7692 §7.1: a response that answers none of our offers fails the connection.
    fn verify_deflate(&self, lines: &[HeaderValue]) -> Result<Option<Deflate>, VerifyError> {
        if self.deflate.is_empty() {
            return Ok(None);
        }
        let response: Result<Vec<_>, _> = extension::parse_all(lines).collect();
        let response = response.map_err(|_| VerifyError::Extension)?;
        DeflateConfig::verify(&self.deflate, response).map_err(|_| VerifyError::Extension)
    }

    /// 6. One that was offered; §11.3.4: the header must not appear more than once in a response.
    fn verify_subprotocol(&self, headers: &HeaderMap) -> Result<Option<Box<str>>, VerifyError> {
        match at_most_one(headers, &header::SEC_WEBSOCKET_PROTOCOL) {
            Ok(None) => Ok(None),
            Ok(Some(value)) => {
                let chosen = self.subprotocols.iter().find(|offered| value == offered);
                chosen.map(|name| Some(name.into())).ok_or(VerifyError::Subprotocol)
            }
            Err(Repeated) => Err(VerifyError::Subprotocol),
        }
    }
}

/// What a server agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    subprotocol: Option<Box<str>>,
    extensions: Vec<HeaderValue>,
    deflate: Option<Deflate>,
}

impl Accepted {
    /// How messages are compressed, if the server accepted an offer of [`Opening::deflate`].
    pub fn deflate(&self) -> Option<&Deflate> {
        self.deflate.as_ref()
    }

    /// The subprotocol that the server chose, if it chose one; always one that was offered.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The lines of `Sec-WebSocket-Extensions`. Each name was offered; the parameters are the
    /// extension's to check.
    pub fn extensions(&self) -> &[HeaderValue] {
        &self.extensions
    }
}

/// Why a request can't be made this way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpeningError {
    /// This header belongs to the handshake, or to a body that the request doesn't have.
    ReservedHeader(HeaderName),
}

impl fmt::Display for OpeningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::ReservedHeader(name) = self;
        write!(f, "the header {name} belongs to the handshake itself")
    }
}

impl std::error::Error for OpeningError {}

/// Why a response doesn't make a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The server answered with something else than 101: a redirect, a demand for credentials, an
    /// error.
    Refused {
        /// The status.
        status: StatusCode,
        /// All headers, `Location` and `Retry-After` perhaps among them.
        headers: Box<HeaderMap>,
    },
    /// The response is not HTTP/1.1.
    Version,
    /// `Upgrade` is missing, or is something else than `websocket`.
    Upgrade,
    /// `Connection` doesn't name `Upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated, or doesn't belong to our key: something else
    /// answered, perhaps a cache.
    Accept,
    /// A subprotocol was chosen that was not offered, or more than one.
    Subprotocol,
    /// An extension was accepted that was not offered, or with parameters that answer no offer.
    Extension,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, .. } => write!(f, "the server answered {status}"),
            Self::Version => f.write_str("the server did not answer in HTTP/1.1"),
            Self::Upgrade => f.write_str("the server's Upgrade is not websocket"),
            Self::Connection => f.write_str("the server's Connection lacks Upgrade"),
            Self::Accept => {
                f.write_str("the server's Sec-WebSocket-Accept does not answer our key")
            }
            Self::Subprotocol => f.write_str("the server chose a subprotocol that was not offered"),
            Self::Extension => f.write_str("the server accepted an extension that was not offered"),
        }
    }
}

impl std::error::Error for VerifyError {}
