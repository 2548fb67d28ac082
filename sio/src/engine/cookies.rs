//! The cookies that one server has set, for a client that brings them back (RFC 6265): load balancers keep a client on one server by
//! them.
//!
//! One jar is for one server and one path, so that a cookie's `Domain` tells nothing here. The time comes in.

use std::time::{Duration, SystemTime};

/// RFC 6265 §6.1: "At least 50 cookies per domain", "at least 4096 bytes per cookie". More are not kept.
const MAX_COOKIES: usize = 50;
const MAX_BYTES: usize = 4096;

/// Cookies by name.
#[derive(Debug, Clone, Default)]
pub struct Cookies(Vec<Cookie>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: Box<str>,
    value: Box<str>,
    /// `None`: as long as the jar.
    expires: Option<SystemTime>,
    secure: bool,
    path: Option<Box<str>>,
}

impl Cookies {
    /// Takes the value of one `Set-Cookie` (RFC 6265 §5.2). One that makes no sense, is too long, or finds no room is ignored.
    pub fn store(&mut self, header: &str, now: SystemTime) {
        let Some(cookie) = Cookie::parse(header, now) else { return };
        self.0.retain(|other| other.name != cookie.name);
        // §5.3 step 11 and the end of it: an expired cookie takes the old one along.
        if !cookie.is_expired(now) && self.0.len() < MAX_COOKIES {
            self.0.push(cookie);
        }
    }

    /// The value of `Cookie` for a request to this path, over TLS or not (§5.4); `None` without any.
    #[must_use]
    pub fn header(&self, path: &str, secure: bool, now: SystemTime) -> Option<String> {
        let fitting = self.0.iter().filter(|cookie| cookie.fits(path, secure, now));
        let pairs: Vec<_> =
            fitting.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Cookie {
    fn parse(header: &str, now: SystemTime) -> Option<Self> {
        let mut parts = header.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let legal = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if name.is_empty() || name.len() + value.len() > MAX_BYTES || !legal(name) || !legal(value)
        {
            return None;
        }
        let mut cookie = Self {
            name: name.into(),
            value: value.into(),
            expires: None,
            secure: false,
            path: None,
        };
        let mut max_age = None;
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (key.trim(), value.trim());
            if key.eq_ignore_ascii_case("secure") {
                cookie.secure = true;
            } else if key.eq_ignore_ascii_case("path") && value.starts_with('/') {
                cookie.path = Some(value.into());
            } else if key.eq_ignore_ascii_case("max-age") {
                max_age = value.parse::<i64>().ok().or(max_age);
            } else if key.eq_ignore_ascii_case("expires") {
                cookie.expires = httpdate::parse_http_date(value).ok().or(cookie.expires);
            }
        }
        // §5.3 step 3: `Max-Age` counts before `Expires`; not above zero means at once.
        if let Some(seconds) = max_age {
            let seconds = u64::try_from(seconds).unwrap_or(0);
            cookie.expires = match seconds {
                0 => Some(SystemTime::UNIX_EPOCH),
                _ => now.checked_add(Duration::from_secs(seconds)),
            };
        }
        Some(cookie)
    }

    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn fits(&self, path: &str, secure: bool, now: SystemTime) -> bool {
        let path_matches = self.path.as_deref().is_none_or(|own| {
            // §5.1.4.
            path.strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || own.ends_with('/') || rest.starts_with('/'))
        });
        !self.is_expired(now) && (secure || !self.secure) && path_matches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn jar(headers: &[&str]) -> Cookies {
        let now = NOW + 20_000 * DAY;
        let mut jar = Cookies::default();
        headers.iter().for_each(|header| jar.store(header, now));
        jar
    }

    fn sent(headers: &[&str], path: &str, secure: bool, later: Duration) -> String {
        jar(headers).header(path, secure, NOW + 20_000 * DAY + later).unwrap_or_default()
    }

    #[test]
    fn what_was_set_is_sent_back_and_a_new_value_replaces_the_old() {
        let set = ["io=abc; Path=/; HttpOnly; SameSite=Lax", "lb=1", "io=def"];
        assert_eq!(sent(&set, "/socket.io/", false, DAY), "lb=1; io=def");
        assert_eq!(sent(&[r#"a="x y"; Path=x"#], "/", false, DAY), r#"a="x y""#);
        assert!(jar(&[]).is_empty());
    }

    #[test]
    fn cookies_end_by_age_and_by_date() {
        let set = ["a=1; Max-Age=60", "b=2; expires=Thu, 01 Jan 2037 00:00:00 GMT; max-age=junk"];
        assert_eq!(sent(&set, "/", false, Duration::from_secs(59)), "a=1; b=2");
        assert_eq!(sent(&set, "/", false, Duration::from_secs(60)), "b=2");
        assert_eq!(sent(&set, "/", false, 30_000 * DAY), "");
        assert!(jar(&["a=1", "a=; Max-Age=0"]).is_empty());
        assert!(jar(&["a=1", "a=; Max-Age=-9"]).is_empty());
        assert!(jar(&["a=1", "a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]).is_empty());
        assert_eq!(sent(&["a=1; Max-Age=9223372036854775807"], "/", false, DAY), "a=1");
    }

    #[test]
    fn secure_cookies_and_other_paths_stay_home() {
        let set =
            ["a=1; Secure", "b=2; Path=/socket.io", "c=3; Path=/socket.io/x", "d=4; Path=/sock"];
        assert_eq!(sent(&set, "/socket.io/", false, DAY), "b=2");
        assert_eq!(sent(&set, "/socket.io/", true, DAY), "a=1; b=2");
    }

    #[test]
    fn nonsense_is_ignored_and_nothing_grows_without_end() {
        for header in ["", "=x", "novalue", ";;;", "a\r\nb=c", "a=\u{7f}"] {
            assert!(jar(&[header]).is_empty(), "{header:?}");
        }
        assert!(jar(&[&format!("a={}", "x".repeat(MAX_BYTES))]).is_empty());
        let many: Vec<_> = (0..100).map(|n| format!("c{n}=1")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(jar(&many).0.len(), MAX_COOKIES);
    }
}
