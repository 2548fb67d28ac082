//! Which pages of other hosts may use polling: CORS (rule 9).

use std::time::Duration;

use ws::handshake::Origins;

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

impl Cors {
    /// Headers that tell a browser whether its page may read this answer.
    #[must_use]
    pub fn headers(&self, origin: Option<&str>, host: Option<&str>) -> Vec<(&'static str, String)> {
        // Caches must not give one page the answer for another one.
        let mut headers = vec![("vary", "Origin".to_owned())];
        if let Some(origin) = origin
            && self.origins.allow(Some(origin), host.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_9_cors_answers() {
        let cors = Cors {
            origins: Origins::listed(["http://a.test"]).unwrap(),
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
