//! Arguments: the JSON span of an event or ack, read once, straight into the types of whoever wants them.
//!
//! A tuple is several arguments, anything else is one. Surplus arguments are ignored, as a JavaScript function ignores them;
//! a missing one reads as `null`, so that an `Option` is `None`.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::value::UnitDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::ReadError;
use super::args::{self, is_spread};
use super::binary::WithAttachments;

/// The arguments of one event or ack, borrowed from the packet.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    array: &'a str,
    named: bool,
    attachments: &'a [Bytes],
}

impl<'a> Arguments<'a> {
    /// `array` is valid JSON; its first element is an event's name if `named`.
    pub(super) fn new(array: &'a str, named: bool, attachments: &'a [Bytes]) -> Self {
        Self { array, named, attachments }
    }

    /// Reads them into `T`: each element of a tuple is one argument, any other type is the first argument.
    ///
    /// Binary arguments are read by `bytes::Bytes`, `Vec<u8>` and whatever else asks serde for bytes, at any depth.
    /// [`Value`](super::Value) has them, too; `serde_json::Value` shows `{"_placeholder":true,"num":i}` instead, with `i` an index
    /// into [`attachments`](Self::attachments). [`Args`](super::Args) takes any number of arguments.
    ///
    /// # Errors
    /// [`ReadError`] if the arguments do not fit `T`.
    pub fn read<T: Deserialize<'a>>(&self) -> Result<T, ReadError> {
        let mut json = serde_json::Deserializer::from_str(self.array);
        let visitor =
            Elements { skip_name: self.named, attachments: self.attachments, to: PhantomData };
        json.deserialize_seq(visitor).map_err(ReadError)
    }

    /// The JSON array as received; an event's starts with the event's name.
    pub fn json(&self) -> &'a str {
        self.array
    }

    /// The attachments that placeholders point at.
    pub fn attachments(&self) -> &'a [Bytes] {
        self.attachments
    }
}

struct Elements<'a, T> {
    skip_name: bool,
    attachments: &'a [Bytes],
    to: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<'de, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        if self.skip_name {
            seq.next_element::<IgnoredAny>()?;
        }
        let mut arguments = Padded { seq, attachments: self.attachments, read: 0 };
        let value = if is_spread::<T>() {
            T::deserialize(Spread(&mut arguments))?
        } else {
            // A padded sequence never ends.
            arguments.next_element()?.ok_or_else(|| de::Error::custom("argument is missing"))?
        };
        // Valid JSON by construction: surplus arguments are skipped, not read.
        while arguments.seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

/// The arguments with endless `null`s behind them.
struct Padded<'a, A> {
    seq: A,
    attachments: &'a [Bytes],
    read: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Padded<'de, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.read += 1;
        let mut seed = Some(seed);
        let take = Take { seed: &mut seed, attachments: self.attachments };
        if let Some(value) = self.seq.next_element_seed(take)? {
            return Ok(Some(value));
        }
        let Some(seed) = seed else { return Ok(None) };
        seed.deserialize(UnitDeserializer::<A::Error>::new())
            .map(Some)
            .map_err(|_| de::Error::custom(format_args!("argument {} is missing", self.read)))
    }
}

/// The arguments that there are.
struct Bare<'s, 'a, A>(&'s mut Padded<'a, A>);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bare<'_, 'de, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let attachments = self.0.attachments;
        self.0.seq.next_element_seed(Take { seed: &mut Some(seed), attachments })
    }
}

/// Borrows a seed, so that it is still there for the `null` if the sequence has ended.
struct Take<'s, 'a, S> {
    seed: &'s mut Option<S>,
    attachments: &'a [Bytes],
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Take<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        let seed = self.seed.take().ok_or_else(|| de::Error::custom("argument read twice"))?;
        if self.attachments.is_empty() {
            seed.deserialize(from)
        } else {
            seed.deserialize(WithAttachments::new(from, self.attachments))
        }
    }
}

/// Deserializes a tuple from the arguments.
struct Spread<'s, 'a, A>(&'s mut Padded<'a, A>);

impl<'de, A: SeqAccess<'de>> Deserializer<'de> for Spread<'_, 'de, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(self.0)
    }

    /// [`Args`](super::Args): all that there are, with nothing behind them.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        if name == args::MARKER {
            visitor.visit_seq(Bare(self.0))
        } else {
            visitor.visit_seq(self.0)
        }
    }

    /// `()`: no arguments wanted.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::Arguments;
    use crate::packet::{Args, is_spread};

    fn event(array: &str) -> Arguments<'_> {
        Arguments::new(array, true, &[])
    }

    #[test]
    fn a_tuple_is_several_arguments_and_anything_else_is_one() {
        assert!(is_spread::<(i32, String)>() && is_spread::<&(i32,)>() && is_spread::<()>());
        assert!(
            !is_spread::<[i32; 2]>() && !is_spread::<Option<(i32, i32)>>() && !is_spread::<&str>()
        );
        assert_eq!(event(r#"["add",1,2]"#).read::<(i64, i64)>().unwrap(), (1, 2));
        assert_eq!(event(r#"["p",[1,2],3]"#).read::<[i64; 2]>().unwrap(), [1, 2]);
        assert_eq!(event(r#"["p",[1,2]]"#).read::<Vec<i64>>().unwrap(), [1, 2]);
        assert_eq!(event(r#"["p",{"a":1}]"#).read::<Value>().unwrap(), json!({ "a": 1 }));
    }

    #[test]
    fn surplus_arguments_are_ignored_and_missing_ones_are_null() {
        event(r#"["e",1,2,{"x":[]}]"#).read::<()>().unwrap();
        assert_eq!(event(r#"["e",1,2]"#).read::<i64>().unwrap(), 1);
        assert_eq!(event(r#"["e",1]"#).read::<(i64, Option<i64>)>().unwrap(), (1, None));
        assert_eq!(event(r#"["e"]"#).read::<Option<String>>().unwrap(), None);
        assert_eq!(event(r#"["e"]"#).read::<Value>().unwrap(), Value::Null);
        let error = event(r#"["e",1]"#).read::<(i64, i64)>().unwrap_err().to_string();
        assert!(error.contains("argument 2 is missing"), "{error}");
        assert!(event(r#"["e"]"#).read::<i64>().is_err());
        assert!(event(r#"["e","x"]"#).read::<i64>().is_err());
    }

    #[test]
    fn any_number_of_arguments_is_read_as_args() {
        assert!(
            is_spread::<Args<i32>>()
                && is_spread::<&Args<Value>>()
                && !is_spread::<Vec<Args<u8>>>()
        );
        assert_eq!(event(r#"["e",1,2,3]"#).read::<Args<u8>>().unwrap(), Args(vec![1, 2, 3]));
        assert_eq!(event(r#"["e"]"#).read::<Args<Value>>().unwrap(), Args(Vec::new()));
        assert_eq!(
            event(r#"["e",[1],[2,3]]"#).read::<Args<Vec<u8>>>().unwrap(),
            Args(vec![vec![1], vec![2, 3]])
        );
        assert!(event(r#"["e",1,"x"]"#).read::<Args<u8>>().is_err());
    }

    #[test]
    fn an_ack_has_no_name_to_skip() {
        let ack = Arguments::new("[7,8]", false, &[]);
        assert_eq!(ack.read::<i64>().unwrap(), 7);
        assert_eq!(ack.read::<(i64, i64)>().unwrap(), (7, 8));
    }

    #[test]
    fn text_is_borrowed_where_it_has_no_escapes() {
        let array = String::from(r#"["e","plain"]"#);
        assert_eq!(event(&array).read::<&str>().unwrap(), "plain");
    }

    #[test]
    fn bytes_are_found_at_any_depth() {
        #[derive(serde::Deserialize)]
        struct File {
            name: String,
            parts: Vec<Part>,
            thumb: Option<Bytes>,
            raw: Vec<u8>,
        }
        #[derive(serde::Deserialize)]
        enum Part {
            Data(Bytes),
            Hole { size: u32 },
        }
        let json = r#"["f",{"name":"x","raw":{"num":2,"_placeholder":true},"thumb":{"_placeholder":true,"num":0},
            "parts":[{"Data":{"_placeholder":true,"num":1}},{"Hole":{"size":3}}]},{"_placeholder":true,"num":0}]"#;
        let attachments =
            [Bytes::from_static(b"zero"), Bytes::from_static(b"one"), Bytes::from_static(b"two")];
        let (file, last) =
            Arguments::new(json, true, &attachments).read::<(File, Bytes)>().unwrap();
        assert_eq!((file.name.as_str(), file.raw.as_slice()), ("x", &b"two"[..]));
        assert_eq!((file.thumb.unwrap(), last), (attachments[0].clone(), attachments[0].clone()));
        assert!(matches!(&file.parts[0], Part::Data(data) if *data == attachments[1]));
        assert!(matches!(file.parts[1], Part::Hole { size: 3 }));
        let value = Arguments::new(json, true, &attachments).read::<Value>().unwrap();
        assert_eq!(value["thumb"], json!({ "_placeholder": true, "num": 0 }));
    }

    #[test]
    fn nesting_deeper_than_128_is_an_error_and_not_an_overflow() {
        let deep = format!("[\"e\",{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert!(event(&deep).read::<Value>().is_err());
        event(&deep).read::<()>().unwrap();
    }
}
