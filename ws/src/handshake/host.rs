//! A host with its port, as in `Host`, in an origin and in a URL (RFC 3986 §3.2.2 and §3.2.3).

use std::net::Ipv6Addr;

/// `uri-host [ ":" port ]`, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Host<'a> {
    /// The name or address; an IPv6 address keeps its brackets.
    pub(super) name: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Host<'a> {
    /// `None` for an empty host, a port that is none, user information, or characters that a host
    /// can't have.
    ///
    /// Stricter than `http::uri::Authority`, which takes a port of 99999 for no port at all.
    pub(super) fn parse(authority: &'a str) -> Option<Self> {
        let (name, rest) = match authority.strip_prefix('[') {
            Some(literal) => {
                let end = literal.find(']')?;
                literal[..end].parse::<Ipv6Addr>().ok()?;
                authority.split_at(end + 2)
            }
            None => {
                let end = authority.find(':').unwrap_or(authority.len());
                authority.split_at(end)
            }
        };
        if name.is_empty() || !(name.starts_with('[') || is_reg_name(name)) {
            return None;
        }
        let port = match rest.strip_prefix(':') {
            // RFC 3986 §3.2.3: the port may be empty, which means the default.
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None if rest.is_empty() => None,
            _ => return None,
        };
        Some(Self { name, port })
    }

    /// Whether both are the same host and port when `default_port` stands in for a missing one.
    pub(super) fn is_same(self, other: Self, default_port: Option<u16>) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
            && self.port.or(default_port) == other.port.or(default_port)
    }
}

/// `*( unreserved / pct-encoded / sub-delims )`; a percent sign is taken as it comes, nothing is
/// decoded here.
fn is_reg_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_ports() {
        for (text, name, port) in [
            ("example.com", "example.com", None),
            ("example.com:8080", "example.com", Some(8080)),
            ("example.com:", "example.com", None),
            ("under_score.test:1", "under_score.test", Some(1)),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[::1]:443", "[::1]", Some(443)),
        ] {
            assert_eq!(Host::parse(text), Some(Host { name, port }), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_host() {
        for text in [
            "",
            ":80",
            "a b",
            "user@example.com",
            "user:pw@example.com",
            "example.com:99999",
            "example.com:+80",
            "a:80x",
            "a:b:c",
            "::1",
            "[::1",
            "[::1]x",
            "[zz]",
            "[]",
            "a/b",
            "a\u{e9}",
            "a?b",
            "a#b",
        ] {
            assert_eq!(Host::parse(text), None, "{text:?}");
        }
    }
}
