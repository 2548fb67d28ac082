//! The public id of a socket.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Room;

/// The public id of one socket in one namespace: 20 characters of base64url, 120 random bits.
///
/// It is another one than the Engine.IO session's id, which is a secret between client and server (rule 10), and another
/// one in each namespace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId([u8; Self::LEN]);

impl SocketId {
    /// Characters of an id; cluster adapters of other implementations tell ids from rooms by this length.
    pub const LEN: usize = 20;

    /// The id made of these bytes, which must come from a cryptographic random generator.
    pub fn from_random(bytes: [u8; 15]) -> Self {
        let mut text = [0; Self::LEN];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written.ok(), Some(Self::LEN), "15 bytes are 20 characters of base64");
        Self(text)
    }

    /// The id that this text spells, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let bytes: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(is_base64url).then_some(Self(bytes))
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are made of ASCII characters only")
    }
}

impl std::ops::Deref for SocketId {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A socket's id is the name of a room.
impl From<SocketId> for Room {
    fn from(id: SocketId) -> Self {
        id.as_str().into()
    }
}

impl serde::Serialize for SocketId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// Eight of the 20 characters: 48 random bits, enough for `IdHasher`.
impl Hash for SocketId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

/// Hashes ids, which are random already and made by the server, so that no peer can choose where they fall in a table.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdHasher(u64);

/// For tables that are keyed by [`SocketId`].
pub type BuildIdHasher = BuildHasherDefault<IdHasher>;

impl Hasher for IdHasher {
    fn write_u64(&mut self, id: u64) {
        // Base64 leaves two bits of each byte nearly constant: spread the others over all 64 (2^64 divided by the golden ratio).
        let product = u128::from(id) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::{BuildIdHasher, SocketId};

    #[test]
    fn rule_10_an_id_is_20_characters_of_base64url() {
        let id = SocketId::from_random([0xff; 15]);
        assert_eq!(id.as_str(), "____________________");
        assert_eq!(SocketId::parse(&id), Some(id));
        assert_ne!(id, SocketId::from_random([0xfe; 15]));
    }

    #[test]
    fn text_that_is_no_id_is_a_room_name() {
        for text in [
            "",
            "lobby",
            "___________________",
            "_____________________",
            "__________/_________",
            "é__________________",
        ] {
            assert_eq!(SocketId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_hash_spreads_ids_that_differ_in_one_early_byte() {
        let build = BuildIdHasher::default();
        let hashes: HashSet<u64> = (0..=255)
            .map(|byte| {
                let mut bytes = [7; 15];
                bytes[2] = byte;
                build.hash_one(SocketId::from_random(bytes)) & 0xffff
            })
            .collect();
        assert!(hashes.len() > 240, "{}", hashes.len());
    }
}
