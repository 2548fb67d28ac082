//! From the URL that people know to what is dialled: `https://host:port/namespace?query`.

use http::Uri;

use crate::engine::client::percent_encode;

/// Where a client connects to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::client) struct Address {
    /// `ws` or `wss`, host and port.
    pub(in crate::client) base: String,
    /// The path of the URL is the namespace, as in the reference client; `/` if there is none.
    pub(in crate::client) namespace: String,
    /// Goes with the handshake.
    pub(in crate::client) query: String,
}

impl Address {
    /// Reads a URL; gives what is wrong with it.
    pub(in crate::client) fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
        let scheme = match uri.scheme_str() {
            Some("http" | "ws") => "ws",
            Some("https" | "wss") => "wss",
            _ => return Err("its scheme is none of http, https, ws, wss"),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        // Rule 22: a comma ends the namespace on the wire.
        if uri.path().contains(',') {
            return Err("a namespace can't contain a comma");
        }
        Ok(Self {
            base: format!("{scheme}://{authority}"),
            namespace: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }
}

/// Appends `name=value` to a query, percent-encoded (RFC 3986 §2.1).
pub(in crate::client) fn add_parameter(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    percent_encode(query, name);
    query.push('=');
    percent_encode(query, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_the_namespace() {
        for (url, base, namespace, query) in [
            ("http://a.test", "ws://a.test", "/", ""),
            ("https://a.test:8443/", "wss://a.test:8443", "/", ""),
            ("ws://127.0.0.1:3000/admin?x=1&y", "ws://127.0.0.1:3000", "/admin", "x=1&y"),
            ("wss://[::1]/a/b", "wss://[::1]", "/a/b", ""),
        ] {
            let address =
                Address { base: base.into(), namespace: namespace.into(), query: query.into() };
            assert_eq!(Address::parse(url), Ok(address));
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "a.test",
            "/admin",
            "ftp://a.test",
            "http://",
            "http://a.test/a,b",
            "http://a test",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn parameters_are_encoded() {
        let mut query = String::new();
        add_parameter(&mut query, "token", "a b&c=é");
        add_parameter(&mut query, "plain", "A-z.0_9~");
        assert_eq!(query, "token=a%20b%26c%3D%C3%A9&plain=A-z.0_9~");
    }
}
