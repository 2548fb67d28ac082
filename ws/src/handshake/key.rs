//! `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that proves it was read (RFC 6455 §4.1,
//! §4.2.2, §11.3.1, §11.3.3).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_KEY};
use sha1::{Digest as _, Sha1};

use super::token::at_most_one;

/// RFC 6455 §1.3: no server that doesn't know WebSocket is likely to use this.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Base64 of sixteen bytes: 22 characters and two of padding.
const KEY_LEN: usize = 24;

/// A client's key: sixteen bytes in base64, as they stand in `Sec-WebSocket-Key`.
///
/// It is no secret and no authentication; it only proves that the other side took part in this very
/// handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; KEY_LEN]);

impl Key {
    /// The key of a client that drew these sixteen bytes. They must be random for every connection
    /// (RFC 6455 §4.1).
    pub fn from_nonce(nonce: [u8; 16]) -> Self {
        let mut text = [0; KEY_LEN];
        let written = STANDARD.encode_slice(nonce, &mut text);
        debug_assert_eq!(written, Ok(KEY_LEN), "16 bytes are 24 characters of base64");
        Self(text)
    }

    /// Reads a key as it stands in the header.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] unless it is the one canonical base64 text of sixteen bytes.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let text: [u8; KEY_LEN] = text.try_into().map_err(|_| KeyError::Malformed)?;
        // Room for three bytes per four characters; what counts is what was written.
        let mut nonce = [0; KEY_LEN / 4 * 3];
        match STANDARD.decode_slice(text, &mut nonce) {
            Ok(16) => Ok(Self(text)),
            _ => Err(KeyError::Malformed),
        }
    }

    /// The key of a request.
    ///
    /// # Errors
    ///
    /// RFC 6455 §11.3.1: the header must not appear more than once; §4.2.1: it must be there, and
    /// sixteen bytes long.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, KeyError> {
        match at_most_one(headers, &SEC_WEBSOCKET_KEY) {
            Ok(Some(value)) => Self::parse(value.as_bytes()),
            Ok(None) => Err(KeyError::Missing),
            Err(_) => Err(KeyError::Repeated),
        }
    }

    /// The text of the header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the server answers in `Sec-WebSocket-Accept`: base64 of SHA-1 over the key's text and
    /// the GUID (§4.2.2).
    pub fn accept(&self) -> String {
        STANDARD.encode(Sha1::new().chain_update(self.0).chain_update(GUID).finalize())
    }

    pub(super) fn to_header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).expect("base64 is visible ASCII")
    }

    pub(super) fn accept_header(&self) -> HeaderValue {
        HeaderValue::try_from(self.accept()).expect("base64 is visible ASCII")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", String::from_utf8_lossy(&self.0))
    }
}

/// Why a request has no usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// There is no `Sec-WebSocket-Key`.
    Missing,
    /// There is more than one.
    Repeated,
    /// It isn't the canonical base64 of sixteen bytes.
    Malformed,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "Sec-WebSocket-Key is missing",
            Self::Repeated => "Sec-WebSocket-Key appears more than once",
            Self::Malformed => "Sec-WebSocket-Key is not 16 bytes in base64",
        })
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_of_the_rfc_gives_its_accept() {
        let key = Key::from_nonce(*b"the sample nonce");
        assert_eq!(key.as_bytes(), b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(key.accept(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn only_canonical_base64_of_sixteen_bytes_is_a_key() {
        assert_eq!(
            Key::parse(b"dGhlIHNhbXBsZSBub25jZQ=="),
            Ok(Key::from_nonce(*b"the sample nonce"))
        );
        for bad in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",       // no padding
            "dGhlIHNhbXBsZSBub25jZR==",     // bits set that encode nothing
            "dGhlIHNhbXBsZSBub25jZWU=",     // 17 bytes
            "dGhlIHNhbXBsZSBub25jZWVl",     // 18 bytes in as many characters
            "dGhlIHNhbXBsZSBub25j",         // 15 bytes
            "dGhlIHNhbXBsZSBub25j====",     // too much padding
            "dGhlIHNhbXBsZSBub2 jZQ==",     // a space
            "dGhlIHNhbXBsZSBub25jZQ==AAAA", // goes on after the padding
            "-_hlIHNhbXBsZSBub25jZQ==",     // the alphabet for URLs
        ] {
            assert_eq!(Key::parse(bad.as_bytes()), Err(KeyError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn every_nonce_makes_a_key_that_parses() {
        for byte in 0..=255 {
            let key = Key::from_nonce([byte; 16]);
            assert_eq!(Key::parse(key.as_bytes()), Ok(key));
        }
    }
}
