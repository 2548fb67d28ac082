//! WebSocket URLs (RFC 6455 §3).

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::PathAndQuery;

use super::host::Host;

/// Where a `ws:` or `wss:` URL leads.
///
/// ```
/// use ws::handshake::Target;
///
/// let target: Target = "wss://[::1]/feed?topic=news".parse()?;
/// assert!(target.is_secure());
/// assert_eq!((target.host(), target.port()), ("::1", 443));
/// assert_eq!(target.resource_name(), "/feed?topic=news");
/// assert_eq!("ws://example.com:8080".parse::<Target>()?.host_header(), "example.com:8080");
/// # Ok::<(), ws::handshake::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    secure: bool,
    /// With brackets, if it is an IPv6 address.
    name: Box<str>,
    port: u16,
    resource: PathAndQuery,
}

impl Target {
    /// Reads a URL of scheme `ws` or `wss`; `http` and `https` mean the same, as in a browser.
    ///
    /// # Errors
    ///
    /// See [`TargetError`].
    pub fn new(uri: &Uri) -> Result<Self, TargetError> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let is_one_of =
            |names: [&str; 2]| names.iter().any(|name| scheme.eq_ignore_ascii_case(name));
        let secure = is_one_of(["wss", "https"]);
        if !secure && !is_one_of(["ws", "http"]) {
            return Err(TargetError::Scheme);
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(TargetError::UserInfo);
        }
        let Host { name, port } = Host::parse(authority).ok_or(TargetError::Host)?;
        let port = port.unwrap_or(default_port(secure));
        let resource = resource_name(uri).ok_or(TargetError::Syntax)?;
        Ok(Self { secure, name: name.into(), port, resource })
    }

    /// Whether it is `wss`: TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The name or address to connect to, without brackets; for TLS also the name that the
    /// certificate must have.
    pub fn host(&self) -> &str {
        let literal = self.name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        literal.unwrap_or(&self.name)
    }

    /// The port to connect to: 80 and 443 unless the URL names another.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Host`: with the port only if it isn't the default (RFC 6455 §4.1 item 4).
    pub fn host_header(&self) -> String {
        match self.port == default_port(self.secure) {
            true => self.name.to_string(),
            false => format!("{}:{}", self.name, self.port),
        }
    }

    /// Path and query: RFC 6455 calls it the resource name.
    pub fn resource_name(&self) -> &str {
        self.resource.as_str()
    }

    pub(super) fn resource(&self) -> &PathAndQuery {
        &self.resource
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        // §3: a fragment must not be used. `http::Uri` would drop it without a word.
        if url.contains('#') {
            return Err(TargetError::Fragment);
        }
        Self::new(&url.parse().map_err(|_| TargetError::Syntax)?)
    }
}

impl TryFrom<&Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: &Uri) -> Result<Self, TargetError> {
        Self::new(uri)
    }
}

/// §3: an empty path is "/", also before a query, where `http` leaves it away.
fn resource_name(uri: &Uri) -> Option<PathAndQuery> {
    match uri.path_and_query() {
        Some(resource) if resource.as_str().starts_with('/') => Some(resource.clone()),
        Some(query) => PathAndQuery::try_from(format!("/{}", query.as_str())).ok(),
        None => Some(PathAndQuery::from_static("/")),
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Why a URL leads to no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no URL at all.
    Syntax,
    /// The scheme is none of `ws`, `wss`, `http` and `https`.
    Scheme,
    /// The host is missing, or host or port are malformed.
    Host,
    /// It has `user:password@`, which the grammar of RFC 6455 §3 doesn't know. Set an
    /// `Authorization` header.
    UserInfo,
    /// It has a fragment, `#`, which RFC 6455 §3 forbids.
    Fragment,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not a URL",
            Self::Scheme => "the URL must begin with ws:// or wss://",
            Self::Host => "the host or port of the URL is missing or malformed",
            Self::UserInfo => "the URL has credentials; send them in an Authorization header",
            Self::Fragment => "a WebSocket URL can't have a fragment (#)",
        })
    }
}

impl std::error::Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_hosts_of_all_schemes() {
        for (url, secure, host, port, header, resource) in [
            ("ws://a.test", false, "a.test", 80, "a.test", "/"),
            ("wss://a.test/", true, "a.test", 443, "a.test", "/"),
            ("http://a.test:80/x", false, "a.test", 80, "a.test", "/x"),
            ("https://a.test:80/x?y=z", true, "a.test", 80, "a.test:80", "/x?y=z"),
            ("ws://a.test?y", false, "a.test", 80, "a.test", "/?y"),
            ("WS://A.test:9001", false, "A.test", 9001, "A.test:9001", "/"),
            ("ws://[::1]:9001/", false, "::1", 9001, "[::1]:9001", "/"),
            ("wss://[2001:db8::1]", true, "2001:db8::1", 443, "[2001:db8::1]", "/"),
        ] {
            let target: Target = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(
                (target.is_secure(), target.host(), target.port()),
                (secure, host, port),
                "{url}"
            );
            assert_eq!(
                (&*target.host_header(), target.resource_name()),
                (header, resource),
                "{url}"
            );
        }
    }

    #[test]
    fn urls_that_lead_nowhere_say_why() {
        for (url, error) in [
            ("", TargetError::Syntax),
            ("ws://", TargetError::Syntax),
            ("ws://a b/", TargetError::Syntax),
            ("/chat", TargetError::Scheme),
            ("a.test:80", TargetError::Scheme),
            ("ftp://a.test/", TargetError::Scheme),
            ("ws://a.test:99999/", TargetError::Host),
            ("ws://:80/", TargetError::Host),
            ("ws://[fe80::1", TargetError::Syntax),
            ("ws://user:secret@a.test/", TargetError::UserInfo),
            ("ws://a.test/x#part", TargetError::Fragment),
        ] {
            assert_eq!(url.parse::<Target>(), Err(error), "{url:?}");
        }
    }
}
