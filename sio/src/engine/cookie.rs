//! The cookie that tells a load balancer where a client belongs (rule 9).

use std::fmt;
use std::time::Duration;

use super::Sid;

/// A cookie that carries the session id, set by the handshake's response (rule 9).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// Default `io`.
    pub name: String,
    /// Default `/`.
    pub path: String,
    /// Hide it from scripts? Default true.
    pub http_only: bool,
    /// Send it over TLS only? Default false.
    pub secure: bool,
    /// Default [`SameSite::Lax`].
    pub same_site: SameSite,
    /// Lifetime; default that of the browser's session.
    pub max_age: Option<Duration>,
}

/// The `SameSite` attribute of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Only requests of the same site.
    Strict,
    /// And navigation from other sites.
    Lax,
    /// All requests; browsers demand `secure` with it.
    None,
}

impl Cookie {
    /// The value of `Set-Cookie`. The settings have been checked, so nothing can be smuggled in through them.
    #[must_use]
    pub fn header(&self, sid: &Sid) -> String {
        use fmt::Write as _;
        let mut header = format!("{}={sid}; Path={}", self.name, self.path);
        if let Some(age) = self.max_age {
            let _ = write!(header, "; Max-Age={}", age.as_secs());
        }
        header.push_str(if self.http_only { "; HttpOnly" } else { "" });
        header.push_str(if self.secure { "; Secure" } else { "" });
        header.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        header
    }

    /// RFC 6265 §4.1.1: `cookie-name` is a token.
    pub(super) fn has_legal_name(&self) -> bool {
        let token = |byte: &u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(byte);
        !self.name.is_empty() && self.name.as_bytes().iter().all(token)
    }

    /// RFC 6265 §4.1.1: `path-value` is any character except controls and `;`.
    pub(super) fn has_legal_path(&self) -> bool {
        self.path.starts_with('/')
            && self.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: "io".to_owned(),
            path: "/".to_owned(),
            http_only: true,
            secure: false,
            same_site: SameSite::Lax,
            max_age: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_9_cookie() {
        let sid = Sid::from_random([0; 15]);
        assert_eq!(
            Cookie::default().header(&sid),
            "io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Lax"
        );
        let cookie = Cookie {
            secure: true,
            http_only: false,
            same_site: SameSite::None,
            max_age: Some(Duration::from_secs(60)),
            ..Cookie::default()
        };
        assert_eq!(
            cookie.header(&sid),
            "io=AAAAAAAAAAAAAAAAAAAA; Path=/; Max-Age=60; Secure; SameSite=None"
        );
    }
}
