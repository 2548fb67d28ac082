//! Which pages may connect: the `Origin` header (RFC 6454 §7) and the check of RFC 6455 §10.2.
//!
//! A browser sends the user's cookies along with a handshake that *any* page starts, and no CORS
//! stands between them. Without this check a foreign page can speak in the user's name (cross-site
//! WebSocket hijacking).

use std::fmt;
use std::str::FromStr;

use super::host::Host;

/// Which origins a server takes. The default is [`Origins::SameHost`].
///
/// A request without an `Origin` always passes: it doesn't come from a page in a browser, and
/// anybody else can write into that header whatever they like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// Pages that were served from the host and port that the request is for.
    ///
    /// A reverse proxy must hand on the `Host` of the browser for this to work; otherwise list the
    /// origins.
    #[default]
    SameHost,
    /// Any page of any site. For public data that doesn't depend on who asks.
    Any,
    /// Origins that match one of these; the same host isn't among them unless it is listed.
    Listed(Vec<OriginPattern>),
}

impl Origins {
    /// Only these origins, see [`OriginPattern`] for what can stand there.
    ///
    /// # Errors
    ///
    /// The first entry that is no pattern.
    ///
    /// ```
    /// use ws::handshake::Origins;
    ///
    /// let origins = Origins::listed(["https://example.com", "https://*.example.com"])?;
    /// assert!(origins.allow(Some("https://chat.example.com"), "10.0.0.7:9001"));
    /// assert!(!origins.allow(Some("https://example.org"), "10.0.0.7:9001"));
    /// # Ok::<(), ws::handshake::OriginPatternError>(())
    /// ```
    pub fn listed<I>(patterns: I) -> Result<Self, OriginPatternError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let patterns = patterns.into_iter().map(|pattern| pattern.as_ref().parse());
        patterns.collect::<Result<_, _>>().map(Self::Listed)
    }

    /// Whether a page of this origin may connect to this host (the value of `Host`).
    pub fn allow(&self, origin: Option<&str>, host: &str) -> bool {
        let Some(origin) = origin else { return true };
        match self {
            Self::Any => true,
            Self::SameHost => match (Origin::parse(origin), Host::parse(host)) {
                // The port that the origin leaves out decides for both: behind a TLS proxy we don't
                // know our own scheme.
                (Some(origin), Some(host)) => origin.host.is_same(host, origin.default_port()),
                _ => false,
            },
            Self::Listed(patterns) => patterns.iter().any(|pattern| pattern.matches(origin)),
        }
    }
}

/// One entry of [`Origins::Listed`]: `scheme://host[:port]`, or `scheme://*.host[:port]` for every
/// name below a host (but not that host itself), or `null` for pages without an origin such as
/// local files.
///
/// Compared without case; the default ports of `http` and `https` may be left out on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    text: Box<str>,
}

impl OriginPattern {
    /// Whether an origin, as it stands in the header, is meant.
    pub fn matches(&self, origin: &str) -> bool {
        if &*self.text == "null" {
            return origin == "null";
        }
        let (Some(pattern), Some(origin)) = (Origin::parse(&self.text), Origin::parse(origin))
        else {
            return false;
        };
        let default_port = origin.default_port();
        pattern.scheme.eq_ignore_ascii_case(origin.scheme)
            && match pattern.host.name.strip_prefix("*") {
                Some(suffix) => {
                    let below =
                        origin.host.name.len().checked_sub(suffix.len()).filter(|&len| len > 0);
                    let tail = below.and_then(|len| origin.host.name.get(len..));
                    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
                        && pattern.host.port.or(default_port) == origin.host.port.or(default_port)
                }
                None => pattern.host.is_same(origin.host, default_port),
            }
    }
}

impl FromStr for OriginPattern {
    type Err = OriginPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text == "null"
            || Origin::parse(text).is_some_and(|origin| {
                let name = origin.host.name.strip_prefix("*.").unwrap_or(origin.host.name);
                !name.is_empty() && !name.contains('*')
            });
        if valid {
            Ok(Self { text: text.into() })
        } else {
            Err(OriginPatternError { text: text.into() })
        }
    }
}

/// An entry of [`Origins::listed`] is no `scheme://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPatternError {
    text: Box<str>,
}

impl fmt::Display for OriginPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an origin like https://example.com or https://*.example.com",
            self.text
        )
    }
}

impl std::error::Error for OriginPatternError {}

/// `scheme "://" host [ ":" port ]` (RFC 6454 §7.1), without the slash that people like to append.
struct Origin<'a> {
    scheme: &'a str,
    host: Host<'a>,
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme_is_legal =
            scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if scheme.is_empty() || !scheme_is_legal {
            return None;
        }
        Some(Self { scheme, host: Host::parse(authority)? })
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme {
            scheme if scheme.eq_ignore_ascii_case("https") => Some(443),
            scheme if scheme.eq_ignore_ascii_case("http") => Some(80),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_host_means_the_same_port_too() {
        let allow = |origin, host| Origins::SameHost.allow(Some(origin), host);
        assert!(allow("https://example.com", "example.com"));
        assert!(allow("https://example.com", "EXAMPLE.com:443"));
        assert!(allow("http://example.com:80", "example.com"));
        assert!(allow("http://localhost:3000", "localhost:3000"));
        assert!(allow("http://[::1]:3000", "[::1]:3000"));
        assert!(!allow("http://localhost:3000", "localhost:3001"));
        assert!(!allow("https://example.com", "example.com:80"));
        assert!(!allow("https://example.com.evil.test", "example.com"));
        assert!(!allow("https://evil.test", "example.com"));
        assert!(!allow("null", "example.com"));
        assert!(!allow("example.com", "example.com"));
        assert!(!allow("https://user@example.com", "example.com"));
        assert!(!allow("https://example.com/", "example.com"));
        assert!(!allow("", "example.com"));
    }

    #[test]
    fn who_sends_no_origin_passes_every_policy() {
        for origins in
            [Origins::SameHost, Origins::Any, Origins::listed(["https://a.test"]).unwrap()]
        {
            assert!(origins.allow(None, "example.com"));
        }
    }

    #[test]
    fn a_wildcard_means_names_below_and_only_these() {
        let origins = Origins::listed(["https://*.example.com"]).unwrap();
        let allow = |origin| origins.allow(Some(origin), "10.0.0.1");
        assert!(
            allow("https://a.example.com")
                && allow("https://a.b.EXAMPLE.com")
                && allow("https://a.example.com:443")
        );
        assert!(!allow("https://example.com"));
        assert!(!allow("https://.example.com"));
        assert!(!allow("http://a.example.com"));
        assert!(!allow("https://a.example.com:8443"));
        assert!(!allow("https://evilexample.com"));
        assert!(!allow("https://a.example.com.evil.test"));
    }

    #[test]
    fn the_list_takes_any_scheme_and_null() {
        let origins =
            Origins::listed(["null", "capacitor://localhost", "http://localhost:3000"]).unwrap();
        let allow = |origin| origins.allow(Some(origin), "10.0.0.1");
        assert!(allow("null") && allow("capacitor://localhost") && allow("http://localhost:3000"));
        assert!(!allow("http://localhost"));
        assert!(!allow("10.0.0.1"));
    }

    #[test]
    fn a_list_with_a_mistake_is_refused_when_it_is_made() {
        for bad in [
            "",
            "example.com",
            "https://",
            "https://a/",
            "https://*.",
            "https://*",
            "https://a.*.b",
            "*",
            "https://*a",
        ] {
            assert!(Origins::listed([bad]).is_err(), "{bad:?}");
        }
    }
}
