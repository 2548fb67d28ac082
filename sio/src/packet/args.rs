//! Any number of arguments of one type: what a tuple can't say, whose length is fixed.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Each element is one argument. As data of an event or answer it spreads like a tuple; as a parameter (`Data(Args(all))`) it takes
/// all arguments there are.
///
/// ```
/// use sio::packet::{Args, PacketRef, Limits, Value, encode};
///
/// let mut text = String::new();
/// encode::event(&mut text, "/", None, "numbers", &Args(vec![1, 2, 3]))?;
/// assert_eq!(text, r#"2["numbers",1,2,3]"#);
/// let Args(all) = PacketRef::decode(&text, &Limits::default())?.arguments().read::<Args<Value>>()?;
/// assert_eq!(all.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Args<T>(pub Vec<T>);

/// Asks the deserializer of arguments for all that there are, and no more; others take no notice of it.
pub(super) const MARKER: &str = "$sio::packet::Args";

/// Whether `T` (or what it refers to) is a tuple or [`Args`] and therefore stands for several arguments.
///
/// serde can't tell: it treats `[f64; 3]`, which is one argument, like a tuple of three. The name of a type can.
pub fn is_spread<T: ?Sized>() -> bool {
    let name = type_name::<T>().trim_start_matches('&');
    name.starts_with('(') || name.starts_with(concat!(module_path!(), "::Args<"))
}

impl<T: Serialize> Serialize for Args<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Args<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct(MARKER, All(PhantomData))
    }
}

struct All<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for All<T> {
    type Value = Args<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arguments")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Args<T>, D::Error> {
        Vec::deserialize(from).map(Args)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Args<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(argument) = seq.next_element()? {
            all.push(argument);
        }
        Ok(Args(all))
    }
}

impl<T> FromIterator<T> for Args<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}
