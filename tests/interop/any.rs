//! Arguments of any number and shape, binary inside: what a server needs that gives back whatever it is given.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use sio::handler::{Call, Extract, Party, Rejection};

/// A JSON value with pieces of binary in it.
#[derive(Debug, Clone)]
pub enum Any {
    Json(Value),
    Bytes(Bytes),
    List(Vec<Any>),
    Map(Vec<(String, Any)>),
}

/// All arguments of an event.
#[derive(Debug)]
pub struct All(pub Vec<Any>);

impl<S: Party> Extract<S> for All {
    fn extract(call: &mut Call<'_, S>) -> Result<Self, Rejection> {
        let arguments = call.arguments().ok_or(Rejection::Missing("event"))?;
        let values: Vec<Value> = serde_json::from_str(arguments.json())
            .map_err(|error| Rejection::Other(error.to_string().into()))?;
        // The first one is the event's name.
        Ok(Self(
            values
                .into_iter()
                .skip(1)
                .map(|value| Any::new(value, arguments.attachments()))
                .collect(),
        ))
    }
}

impl Any {
    fn new(value: Value, attachments: &[Bytes]) -> Self {
        match value {
            Value::Array(values) => {
                Self::List(values.into_iter().map(|value| Self::new(value, attachments)).collect())
            }
            Value::Object(map) if is_placeholder(&map) => {
                let num = map["num"].as_u64().and_then(|num| usize::try_from(num).ok());
                Self::Bytes(num.and_then(|num| attachments.get(num)).cloned().unwrap_or_default())
            }
            Value::Object(map) => Self::Map(
                map.into_iter().map(|(key, value)| (key, Self::new(value, attachments))).collect(),
            ),
            plain => Self::Json(plain),
        }
    }

    /// As JSON, each piece of binary as `{"bytes": "<hex>"}`.
    pub fn describe(&self) -> Value {
        match self {
            Self::Json(value) => value.clone(),
            Self::Bytes(bytes) => {
                json!({ "bytes": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() })
            }
            Self::List(list) => list.iter().map(Self::describe).collect(),
            Self::Map(map) => {
                map.iter().map(|(key, value)| (key.clone(), value.describe())).collect()
            }
        }
    }

    /// Bytes of binary, or of text in UTF-8.
    pub fn len(&self) -> Option<usize> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len()),
            Self::Json(Value::String(text)) => Some(text.len()),
            _ => None,
        }
    }

    /// Reads it into a type; it must fit, and have no binary.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.describe()).expect("the contract says what this is")
    }
}

fn is_placeholder(map: &Map<String, Value>) -> bool {
    map.get("_placeholder") == Some(&Value::Bool(true)) && map.contains_key("num")
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(value) => value.serialize(to),
            Self::Bytes(bytes) => to.serialize_bytes(bytes),
            Self::List(list) => {
                let mut seq = to.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|value| seq.serialize_element(value))?;
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    /// Without binary: a type that takes any shape can't ask for it.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(|value| Self::new(value, &[]))
    }
}

/// Sends a list as several arguments. `sio` takes a tuple for those, and how long a tuple is belongs to its type.
macro_rules! spread {
    ($list:expr, |$args:ident| $send:expr) => {
        $crate::any::spread!(@ $list, $args, $send, [], [a], [a b], [a b c], [a b c d], [a b c d e], [a b c d e f], [a b c d e f g])
    };
    (@ $list:expr, $args:ident, $send:expr, $([$($name:ident)*]),*) => {
        match $list.as_slice() {
            $([$($name),*] => {
                let $args = ($($name,)*);
                $send
            })*
            more => panic!("the contract has no event with {} arguments", more.len()),
        }
    };
}
pub(crate) use spread;
