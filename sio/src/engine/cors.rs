//! Which pages of a browser may talk to the server: the `Origin` of a WebSocket, and CORS for polling (rules 2 and 9).

use std::time::Duration;

/// A set of origins, an origin being `scheme://host[:port]` as a browser sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origins {
    /// Pages that came from the host and port of the request's `Host` header.
    SameHost,
    /// Every page of the web. Safe only if nothing depends on cookies or on the client's place in the network.
    Any,
    /// These, compared without regard to case.
    List(Vec<String>),
}

/// Cross-origin resource sharing: lets pages of other hosts read the answers to their polling requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cors {
    /// Whose pages. Default [`Origins::Any`].
    pub origins: Origins,
    /// May they send cookies? With [`Origins::Any`] any page then acts in the name of its visitor. Default false.
    pub credentials: bool,
    /// Time for which a browser may remember the answer to a preflight request. Default: the browser's own (5 s).
    pub max_age: Option<Duration>,
}

impl Origins {
    /// Does the set hold this `Origin`, for a request to this `Host`?
    #[must_use]
    pub fn contains(&self, origin: &str, host: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|entry| entry.eq_ignore_ascii_case(origin)),
            Self::SameHost => match (origin.split_once("://"), host) {
                (Some((scheme, authority)), Some(host)) => {
                    let port = default_port(scheme);
                    without_port(authority, port).eq_ignore_ascii_case(without_port(host, port))
                }
                // `null`, the origin of a sandboxed page, is nobody's.
                _ => false,
            },
        }
    }
}

impl Cors {
    /// Headers that tell a browser whether its page may read this answer.
    #[must_use]
    pub fn headers(&self, origin: Option<&str>, host: Option<&str>) -> Vec<(&'static str, String)> {
        // Caches must not give one page the answer for another one.
        let mut headers = vec![("vary", "Origin".to_owned())];
        if let Some(origin) = origin
            && self.origins.contains(origin, host)
        {
            // With credentials a browser does not accept `*`, so the origin is repeated always.
            headers.push(("access-control-allow-origin", origin.to_owned()));
            if self.credentials {
                headers.push(("access-control-allow-credentials", "true".to_owned()));
            }
        }
        headers
    }

    /// Headers of the answer to a preflight request, which asks for `requested` headers.
    #[must_use]
    pub fn preflight_headers(
        &self,
        origin: Option<&str>,
        host: Option<&str>,
        requested: Option<&str>,
    ) -> Vec<(&'static str, String)> {
        let mut headers = self.headers(origin, host);
        if headers.len() > 1 {
            headers.push(("access-control-allow-methods", "GET,POST".to_owned()));
            if let Some(requested) = requested {
                headers.push(("access-control-allow-headers", requested.to_owned()));
            }
            if let Some(age) = self.max_age {
                headers.push(("access-control-max-age", age.as_secs().to_string()));
            }
        }
        headers
    }
}

impl Default for Cors {
    fn default() -> Self {
        Self { origins: Origins::Any, credentials: false, max_age: None }
    }
}

fn default_port(scheme: &str) -> &'static str {
    if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" }
}

/// Browsers leave out a scheme's default port; a proxy may have added it to `Host`.
fn without_port<'a>(authority: &'a str, port: &str) -> &'a str {
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_2_same_host() {
        for (origin, host, expected) in [
            ("http://a.test", "a.test", true),
            ("http://a.test:3000", "a.test:3000", true),
            ("https://A.test", "a.TEST:443", true),
            ("http://a.test", "a.test:80", true),
            ("http://[::1]:80", "[::1]", true),
            ("http://a.test:3000", "a.test:3001", false),
            ("http://a.test", "a.test:443", false),
            ("http://b.test", "a.test", false),
            ("http://a.test.evil", "a.test", false),
            ("null", "null", false),
            ("", "", false),
        ] {
            assert_eq!(
                Origins::SameHost.contains(origin, Some(host)),
                expected,
                "{origin} at {host}"
            );
        }
        assert!(!Origins::SameHost.contains("http://a.test", None));
    }

    #[test]
    fn rule_2_listed_origins() {
        let list = Origins::List(vec!["https://a.test".into()]);
        assert!(list.contains("https://A.test", None));
        assert!(
            !list.contains("http://a.test", Some("a.test"))
                && !list.contains("https://a.test:1", None)
        );
        assert!(Origins::Any.contains("null", None));
    }

    #[test]
    fn rule_9_cors_answers() {
        let cors = Cors {
            origins: Origins::List(vec!["http://a.test".into()]),
            credentials: true,
            max_age: Some(Duration::from_secs(9)),
        };
        assert_eq!(cors.headers(Some("http://b.test"), None), [("vary", "Origin".to_owned())]);
        assert_eq!(cors.headers(None, None), [("vary", "Origin".to_owned())]);
        let preflight = cors.preflight_headers(Some("http://a.test"), None, Some("x-token"));
        let names: Vec<_> = preflight.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            names,
            [
                ("vary", "Origin"),
                ("access-control-allow-origin", "http://a.test"),
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-methods", "GET,POST"),
                ("access-control-allow-headers", "x-token"),
                ("access-control-max-age", "9"),
            ]
        );
        assert_eq!(cors.preflight_headers(Some("http://b.test"), None, Some("x-token")).len(), 1);
    }
}
