//! The session id (rule 10): a bearer secret, so it never appears in logs and Socket.IO uses another one towards users.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Id of an Engine.IO session: base64url of 15 random bytes, 20 characters.
///
/// Whoever knows it can read and write the session, hence the shortened `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; Self::LENGTH]);

impl Sid {
    /// Characters of an id. Peers recognise an Engine.IO id by this length, so it must stay.
    pub const LENGTH: usize = 20;

    /// Makes an id from 15 bytes of a cryptographic random number generator.
    #[must_use]
    pub fn from_random(bytes: [u8; 15]) -> Self {
        let mut text = [0; Self::LENGTH];
        URL_SAFE_NO_PAD
            .encode_slice(bytes, &mut text)
            .expect("15 bytes are 20 characters of base64");
        Self(text)
    }

    /// Reads an id from a query; `None` if it can't be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; Self::LENGTH] = text.as_bytes().try_into().ok()?;
        let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        bytes.iter().all(legal).then_some(Self(bytes))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a session id is ASCII")
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({}..)", &self.as_str()[..4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_10_twenty_characters_of_base64url() {
        let sid = Sid::from_random([0xff; 15]);
        assert_eq!(sid.as_str(), "____________________");
        assert_eq!(Sid::from_random([0; 15]).to_string(), "AAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Sid::parse(sid.as_str()), Some(sid));
    }

    #[test]
    fn rule_10_nothing_else_is_an_id() {
        for text in [
            "",
            "short",
            "AAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAA+",
            "AAAAAAAAAAAAAAAAAAA ",
            "éééééééééé",
        ] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_does_not_reveal_the_secret() {
        assert_eq!(format!("{:?}", Sid::from_random([0; 15])), "Sid(AAAA..)");
    }
}
