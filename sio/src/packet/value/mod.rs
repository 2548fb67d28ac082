//! A value of any form, with binary inside: what `serde_json::Value` can't hold.

mod read;
mod write;

use std::collections::BTreeMap;
use std::ops::Index;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Number;

pub(super) use self::read::{MARKER, Seed};
use super::ReadError;

/// Anything that an argument may be. Unlike `serde_json::Value` it also holds bytes, at any depth: where a packet has an attachment,
/// this has [`Bytes`](Self::Bytes), and sending it makes an attachment of them again.
///
/// ```
/// use sio::packet::Value;
///
/// let value = Value::from_iter([("name", Value::from("photo")), ("data", Value::from(vec![1, 2, 3]))]);
/// assert_eq!(value["data"].as_bytes(), Some(&[1, 2, 3][..]));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`, also for what is not there.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(String),
    /// Binary data.
    Bytes(Bytes),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(BTreeMap<String, Value>),
}

static NULL: Value = Value::Null;

impl Value {
    /// The member of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Is it `null`?
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The bytes, if it is binary.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The truth, if it is a boolean.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The members, if it is an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Reads it into `T`.
    ///
    /// # Errors
    /// [`ReadError`] if it does not fit.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, ReadError> {
        T::deserialize(read::ValueDeserializer::new(self)).map_err(ReadError)
    }
}

/// The member of an object; `null` if there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&NULL)
    }
}

/// The element of an array; `null` if there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, index: usize) -> &Self {
        self.as_array().and_then(|elements| elements.get(index)).unwrap_or(&NULL)
    }
}

macro_rules! from {
    ($($type:ty: $value:ident => $made:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}

from! {
    (): _unit => Self::Null;
    bool: truth => Self::Bool(truth);
    i32: number => Self::Number(number.into());
    i64: number => Self::Number(number.into());
    u32: number => Self::Number(number.into());
    u64: number => Self::Number(number.into());
    // As JavaScript writes them.
    f64: number => Number::from_f64(number).map_or(Self::Null, Self::Number);
    &str: text => Self::String(text.to_owned());
    String: text => Self::String(text);
    Bytes: bytes => Self::Bytes(bytes);
    Vec<u8>: bytes => Self::Bytes(bytes.into());
    Vec<Value>: elements => Self::Array(elements);
}

impl<K: Into<String>> FromIterator<(K, Self)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Self)>>(members: I) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}

/// The other way there is only [`Value::read`]: it may fail, on bytes.
impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(truth),
            serde_json::Value::Number(number) => Self::Number(number),
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(elements) => {
                Self::Array(elements.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(members) => {
                members.into_iter().map(|(key, value)| (key, Self::from(value))).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
