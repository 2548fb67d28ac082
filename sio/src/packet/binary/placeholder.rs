//! Placeholders: finding them in any JSON, at any depth, in any order of their keys.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::packet::DecodeError;

/// Checks that `json` is JSON and that each placeholder's `num` is below `attachments` (rule 23; CVE-2022-2421 was a `num`
/// that was no integer).
pub(in crate::packet) fn check_placeholders(
    json: &str,
    attachments: usize,
) -> Result<(), DecodeError> {
    let mut from = serde_json::Deserializer::from_str(json);
    Walk { attachments }.deserialize(&mut from).and_then(|_| from.end()).map_err(
        |error| match error.classify() {
            Category::Data => DecodeError::Placeholder,
            _ => DecodeError::Json,
        },
    )
}

/// What a value is, as far as placeholders are concerned.
enum Seen {
    True,
    Number(u64),
    Other,
}

/// Walks a value and everything inside it.
#[derive(Clone, Copy)]
struct Walk {
    attachments: usize,
}

impl<'de> DeserializeSeed<'de> for Walk {
    type Value = Seen;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Seen, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Seen, E> {
        Ok(if value { Seen::True } else { Seen::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Seen, E> {
        Ok(Seen::Number(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seen, A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(Seen::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let (mut is_placeholder, mut num) = (false, Seen::Other);
        while let Some(key) = map.next_key::<Key>()? {
            let value = map.next_value_seed(self)?;
            match key {
                Key::Placeholder => is_placeholder = matches!(value, Seen::True),
                Key::Num => num = value,
                Key::Other => {}
            }
        }
        // Only `"_placeholder": true` makes one; other objects may have such keys.
        let in_range = |num| matches!(num, Seen::Number(num) if num < self.attachments as u64);
        if is_placeholder && !in_range(num) {
            return Err(de::Error::custom("placeholder without attachment"));
        }
        Ok(Seen::Other)
    }
}

/// Reads the rest of a map that must be a placeholder; gives its `num`.
pub(super) fn number<'de, A: MapAccess<'de>>(mut map: A) -> Result<usize, A::Error> {
    let (mut is_placeholder, mut num) = (false, None);
    while let Some(key) = map.next_key::<Key>()? {
        match key {
            Key::Placeholder => is_placeholder = map.next_value()?,
            Key::Num => num = Some(map.next_value()?),
            Key::Other => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    num.filter(|_| is_placeholder)
        .ok_or_else(|| de::Error::custom("an object where bytes were expected"))
}

/// The keys of a placeholder.
enum Key {
    Placeholder,
    Num,
    Other,
}

impl<'de> de::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "_placeholder" => Key::Placeholder,
            "num" => Key::Num,
            _ => Key::Other,
        })
    }
}
