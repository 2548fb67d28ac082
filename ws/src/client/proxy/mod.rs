//! Through a proxy: a tunnel by HTTP's CONNECT (RFC 9110 §9.3.6) or SOCKS 5 (RFC 1928, RFC 1929).
//!
//! Called by `dial`, which has a byte stream to the proxy and gets one to the server. TLS with the server is spoken inside of the
//! tunnel, so that the proxy sees its name and nothing else; the name is resolved by the proxy.

mod environment;
mod http;
mod socks;

use std::fmt;
use std::io;
use std::sync::Arc;

use ::http::Uri;

pub(super) use self::environment::Environment;
use super::error::ConnectError;
use crate::handshake::Target;
use crate::net::Stream;

/// A proxy that connections go through; for [`Client::proxy`](super::Client::proxy).
///
/// ```
/// let proxy = ws::client::Proxy::new("socks5://user:pass%20word@127.0.0.1:1080")?;
/// assert_eq!(proxy.to_string(), "socks5://127.0.0.1:1080"); // without the secret
/// # Ok::<(), ws::client::ProxyError>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    kind: Kind,
    host: Box<str>,
    port: u16,
    /// Name and password, not encoded.
    credentials: Option<(Box<str>, Box<str>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    /// HTTP, over TLS.
    Https,
    Socks5,
}

impl Proxy {
    /// A proxy by its URL: `http://`, `https://` (TLS to the proxy itself), `socks5://` or `socks5h://`, with a name and password
    /// if it wants them. Ports, if the URL names none: 80, 443, 1080.
    ///
    /// # Errors
    ///
    /// [`ProxyError::Url`].
    pub fn new(url: &str) -> Result<Self, ProxyError> {
        let uri: Uri = url.parse().map_err(|_| ProxyError::Url("it is no URL"))?;
        let (kind, port) = match uri.scheme_str() {
            Some("http") => (Kind::Http, 80),
            Some("https") => (Kind::Https, 443),
            Some("socks5" | "socks5h") => (Kind::Socks5, 1080),
            _ => return Err(ProxyError::Url("its scheme is none of http, https, socks5, socks5h")),
        };
        let authority = uri.authority().ok_or(ProxyError::Url("it has no host"))?;
        let credentials = match authority.as_str().rsplit_once('@') {
            Some((user, _)) => Some(credentials(user)?),
            None => None,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(ProxyError::Url("it has no host"));
        }
        Ok(Self {
            kind,
            host: host.into(),
            port: authority.port_u16().unwrap_or(port),
            credentials,
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is spoken with the proxy.
    pub(super) fn is_secure(&self) -> bool {
        self.kind == Kind::Https
    }

    /// Makes the tunnel on a stream that leads to the proxy.
    pub(super) async fn tunnel(
        &self,
        stream: Stream,
        target: &Target,
    ) -> Result<Stream, ConnectError> {
        let credentials = self.credentials.as_ref().map(|(name, word)| (&**name, &**word));
        match self.kind {
            Kind::Http | Kind::Https => http::tunnel(stream, target, credentials).await,
            Kind::Socks5 => socks::tunnel(stream, target, credentials).await,
        }
    }
}

impl fmt::Display for Proxy {
    /// Without name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Socks5 => "socks5",
        };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `name[:password]`, percent-decoded (RFC 3986 §3.2.1).
fn credentials(user: &str) -> Result<(Box<str>, Box<str>), ProxyError> {
    let (name, word) = user.split_once(':').unwrap_or((user, ""));
    Ok((decode(name)?, decode(word)?))
}

fn decode(text: &str) -> Result<Box<str>, ProxyError> {
    const BAD: ProxyError = ProxyError::Url("its name or password is badly encoded");
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(BAD);
        let code = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(code).expect("two hexadecimal digits are a byte"));
    }
    let decoded = String::from_utf8(decoded).map_err(|_| BAD)?;
    Ok(decoded.into())
}

/// How a server is reached.
#[derive(Clone, Debug, Default)]
pub(super) enum Route {
    #[default]
    Direct,
    Through(Proxy),
    /// As the environment says; or it says something wrong, which is told when connecting.
    Environment(Result<Arc<Environment>, &'static str>),
}

impl Route {
    /// The proxy for this server.
    pub(super) fn proxy(&self, target: &Target) -> Result<Option<&Proxy>, ProxyError> {
        Ok(match self {
            Self::Direct => None,
            Self::Through(proxy) => Some(proxy),
            Self::Environment(Ok(environment)) => {
                environment.proxy(target.is_secure(), target.host(), target.port())
            }
            Self::Environment(Err(problem)) => return Err(ProxyError::Url(problem)),
        })
    }

    pub(super) fn from_env() -> Self {
        Self::Environment(match Environment::of_process() {
            Ok(environment) => Ok(Arc::new(environment)),
            Err(ProxyError::Url(problem)) => Err(problem),
            Err(_) => Err("the environment names none"),
        })
    }
}

/// Why there is no tunnel.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The proxy's URL can't be used: the caller's mistake.
    Url(&'static str),
    /// The proxy can't be reached, or broke the connection off.
    Io(io::Error),
    /// An HTTP proxy answered with this status: 407 if it wants to know who asks.
    Status(u16),
    /// A SOCKS proxy wants no way of authentication that we have, or did not take name and password.
    Authentication,
    /// A SOCKS proxy could not, or would not, connect: the code of RFC 1928 §6.
    Socks(u8),
    /// What answered is no such proxy.
    Protocol,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(problem) => write!(f, "bad URL of a proxy: {problem}"),
            Self::Io(error) => write!(f, "the proxy can't be reached: {error}"),
            Self::Status(status) => write!(f, "the proxy answered {status}"),
            Self::Authentication => f.write_str("the proxy did not take our credentials"),
            Self::Socks(code) => write!(f, "the proxy refused to connect: {}", meaning(*code)),
            Self::Protocol => f.write_str("what answered is no such proxy"),
        }
    }
}

/// RFC 1928 §6.
const fn meaning(code: u8) -> &'static str {
    match code {
        2 => "not allowed",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "it took too long",
        7 | 8 => "it can't do that",
        _ => "general failure",
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ProxyError> for ConnectError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies() {
        let proxy = Proxy::new("http://a.test").unwrap();
        assert_eq!((proxy.kind, proxy.host(), proxy.port()), (Kind::Http, "a.test", 80));
        let proxy = Proxy::new("https://u@a.test:8443/").unwrap();
        assert!(proxy.is_secure() && proxy.port() == 8443);
        assert_eq!(proxy.credentials, Some(("u".into(), "".into())));
        let proxy = Proxy::new("socks5h://u%40x:p%3Aw@[::1]").unwrap();
        assert_eq!((proxy.kind, proxy.host(), proxy.port()), (Kind::Socks5, "::1", 1080));
        assert_eq!(proxy.credentials, Some(("u@x".into(), "p:w".into())));
        assert_eq!(format!("{proxy:?}"), "socks5://[::1]:1080");
    }

    #[test]
    fn bad_urls_of_proxies() {
        for url in ["", "a.test", "ftp://a.test", "http://", "socks5://a%zz@b", "socks5://%ff@b"] {
            assert!(matches!(Proxy::new(url), Err(ProxyError::Url(_))), "{url}");
        }
    }
}
