//! The server's side: is this request a WebSocket handshake, and what is the answer (RFC 6455
//! §4.2).

use std::fmt;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};

use super::extension;
use super::host::Host;
use super::key::Key;
use super::origin::Origins;
use super::rejection::Rejection;
use super::subprotocol::Subprotocols;
use super::token::{at_most_one, has_element};
use crate::proto::{Deflate, DeflateConfig};

/// Checks the client's opening handshake; pages of other hosts are refused, see
/// [`Origins::SameHost`].
///
/// # Errors
///
/// The [`Rejection`] to answer with:
///
/// | status | when |
/// |---|---|
/// | 400 | target, `Host`, key, subprotocols or `Origin` are malformed, or there is a body |
/// | 403 | the origin may not connect |
/// | 405 | the method isn't GET |
/// | 426 | `Upgrade: websocket`, `Connection: Upgrade` or `Sec-WebSocket-Version: 13` isn't there |
/// | 505 | the version of HTTP isn't 1.1 |
pub fn check<B>(request: &Request<B>) -> Result<Upgrade, Rejection> {
    check_with_origins(request, &Origins::SameHost)
}

/// Checks the client's opening handshake with an origin policy of your own.
///
/// # Errors
///
/// As [`check`].
pub fn check_with_origins<B>(
    request: &Request<B>,
    origins: &Origins,
) -> Result<Upgrade, Rejection> {
    let headers = request.headers();
    check_request_line(request.method(), request.uri(), request.version())?;
    let host = check_host(request.uri(), headers)?;
    check_no_body(headers)?;
    check_upgrade(headers)?;
    let key = Key::from_headers(headers).map_err(|error| bad_request(error.to_string()))?;
    let subprotocols =
        Subprotocols::from_headers(headers).map_err(|error| bad_request(error.to_string()))?;
    let origin = check_origin(headers, &host, origins)?;
    let extensions =
        headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).into_iter().cloned().collect();
    Ok(Upgrade { key, host, origin, subprotocols, extensions, deflate: None })
}

/// A valid handshake of a client, not yet answered.
#[derive(Clone, Debug)]
pub struct Upgrade {
    key: Key,
    host: Box<str>,
    origin: Option<Box<str>>,
    subprotocols: Subprotocols,
    extensions: Vec<HeaderValue>,
    deflate: Option<Deflate>,
}

impl Upgrade {
    /// What the client offers in `Sec-WebSocket-Protocol`.
    pub fn subprotocols(&self) -> &Subprotocols {
        &self.subprotocols
    }

    /// The host, with its port if there is one, that the request is for.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The `Origin`, if a browser sent one; it has passed the policy.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The lines of `Sec-WebSocket-Extensions` as they came. None is accepted but by
    /// [`Upgrade::negotiate_deflate`].
    pub fn extensions(&self) -> &[HeaderValue] {
        &self.extensions
    }

    /// Accepts the first offer of permessage-deflate (RFC 7692) that is valid. [`Upgrade::accept`]
    /// tells the client; the connection has to be made with what is returned.
    pub fn negotiate_deflate(&mut self, config: &DeflateConfig) -> Option<&Deflate> {
        // What is malformed is declined, as is what we don't know.
        self.deflate = config.accept(extension::parse_all(&self.extensions).flatten());
        self.deflate.as_ref()
    }

    /// How messages are compressed, if [`Upgrade::negotiate_deflate`] accepted an offer.
    pub fn deflate(&self) -> Option<&Deflate> {
        self.deflate.as_ref()
    }

    /// The client's key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The response that makes the connection a WebSocket: 101 (§4.2.2 step 5), with a subprotocol
    /// and headers of yours.
    ///
    /// # Errors
    ///
    /// The caller's mistakes: a subprotocol that the client didn't offer, or a header that is the
    /// handshake's own.
    pub fn accept(
        &self,
        subprotocol: Option<&str>,
        extra: HeaderMap,
    ) -> Result<Response<()>, AcceptError> {
        if let Some(name) = extra.keys().find(|name| is_reserved(name)) {
            return Err(AcceptError::ReservedHeader(name.clone()));
        }
        let mut headers = HeaderMap::with_capacity(4 + extra.len());
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.key.accept_header());
        if let Some(name) = subprotocol {
            // §4.2.2: "The value chosen MUST be derived from the client's handshake".
            let chosen = Some(name).filter(|name| self.subprotocols.contains(name));
            let value = chosen.and_then(|name| HeaderValue::from_str(name).ok());
            headers.insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                value.ok_or(AcceptError::SubprotocolNotOffered)?,
            );
        }
        if let Some(deflate) = &self.deflate {
            let value = HeaderValue::try_from(deflate.to_string());
            let value = value.expect("names and numbers are visible ASCII");
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, value);
        }
        headers.extend(extra);
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Why a handshake can't be accepted this way. Nothing was sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptError {
    /// The client didn't offer the chosen subprotocol and would have to drop the connection (RFC
    /// 6455 §4.1).
    SubprotocolNotOffered,
    /// This header belongs to the handshake, or to a body that a 101 can't have.
    ReservedHeader(HeaderName),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubprotocolNotOffered => {
                f.write_str("the client did not offer the chosen subprotocol")
            }
            Self::ReservedHeader(name) => {
                write!(f, "the header {name} belongs to the handshake itself")
            }
        }
    }
}

impl std::error::Error for AcceptError {}

/// Whether a header of the handshake may not be set from outside, on either side.
///
/// The last two would announce a body, which neither the request nor a 101 has (RFC 9110 §8.6, RFC
/// 9112 §6.1).
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    name.as_str().starts_with("sec-websocket-")
        || [header::UPGRADE, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .contains(name)
}

fn bad_request(why: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, why)
}

/// §4.2.1 item 1: "An HTTP/1.1 or higher GET request, including a "Request-URI"".
fn check_request_line(method: &Method, target: &Uri, version: Version) -> Result<(), Rejection> {
    // There is nothing higher that could be meant: HTTP/2 and 3 have no Upgrade (RFC 9113 §8.6) but
    // RFC 8441.
    if version != Version::HTTP_11 {
        return Err(Rejection::new(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "WebSocket needs HTTP/1.1",
        ));
    }
    if method != Method::GET {
        let refused = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "WebSocket needs GET");
        // RFC 9110 §15.5.6: Allow must be there.
        return Err(refused.header(header::ALLOW, HeaderValue::from_static("GET")));
    }
    // RFC 9112 §3.2: origin form or absolute form; the others are for CONNECT and OPTIONS.
    if target.path().starts_with('/') {
        Ok(())
    } else {
        Err(bad_request("the request target has no path"))
    }
}

/// §4.2.1 item 2: "A |Host| header field containing the server's authority".
fn check_host(target: &Uri, headers: &HeaderMap) -> Result<Box<str>, Rejection> {
    // RFC 9112 §3.2: 400 if it is missing, repeated or invalid.
    let value = at_most_one(headers, &header::HOST)
        .map_err(|_| bad_request("Host appears more than once"))?;
    let value = value.ok_or_else(|| bad_request("Host is missing"))?;
    let host = value.to_str().ok().filter(|host| Host::parse(host).is_some());
    let host = host.ok_or_else(|| bad_request("Host is malformed"))?;
    // RFC 9112 §3.2.2: an absolute form counts, whatever Host says.
    Ok(target.authority().map_or(host, |authority| authority.as_str()).into())
}

/// What follows the head are frames. A body would have to be told apart from them, and a GET has no
/// use for one (RFC 9110 §9.3.1).
fn check_no_body(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).into_iter();
    if headers.contains_key(header::TRANSFER_ENCODING) || lengths.any(|length| length != "0") {
        return Err(bad_request("a WebSocket handshake has no body"));
    }
    Ok(())
}

/// §4.2.1 items 3, 4 and 6.
///
/// A request without these is well-formed HTTP that only doesn't ask for what we do, which is what
/// 426 is for (RFC 9110 §15.5.22); for the version it is RFC 6455 §4.4 that names 426. Everything
/// else that is missing is a 400.
fn check_upgrade(headers: &HeaderMap) -> Result<(), Rejection> {
    if !has_element(headers, &header::UPGRADE, "websocket") {
        return Err(Rejection::upgrade_required(
            "this is a WebSocket server: Upgrade: websocket is missing",
        ));
    }
    // RFC 9110 §7.8: an Upgrade that Connection doesn't name was not meant for us.
    if !has_element(headers, &header::CONNECTION, "upgrade") {
        return Err(Rejection::upgrade_required(
            "this is a WebSocket server: Connection: Upgrade is missing",
        ));
    }
    // §11.3.5: the header must not appear more than once in a request.
    match at_most_one(headers, &header::SEC_WEBSOCKET_VERSION) {
        Ok(Some(version)) if version == "13" => Ok(()),
        _ => {
            let refused = Rejection::upgrade_required("this server speaks version 13 of WebSocket");
            Err(refused.header(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")))
        }
    }
}

fn check_origin(
    headers: &HeaderMap,
    host: &str,
    origins: &Origins,
) -> Result<Option<Box<str>>, Rejection> {
    // RFC 6454 §7.3: not more than one.
    let value = at_most_one(headers, &header::ORIGIN)
        .map_err(|_| bad_request("Origin appears more than once"))?;
    let origin = value
        .map(HeaderValue::to_str)
        .transpose()
        .map_err(|_| bad_request("Origin is malformed"))?;
    // RFC 6455 §4.2.2 step 4: "it MUST send [...] (e.g., 403 Forbidden)".
    match origins.allow(origin, host) {
        true => Ok(origin.map(Into::into)),
        false => Err(Rejection::new(StatusCode::FORBIDDEN, "pages of this origin may not connect")),
    }
}
