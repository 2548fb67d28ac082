//! Tells `Ok` from `Err` in a value of which only `Serialize` is known.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::Responder;

/// Serialises a `Result` into the answer or the error that it is.
pub(super) struct Outcome<'a>(&'a mut Responder);

impl<'a> Outcome<'a> {
    /// `value` is a `Result`.
    pub(super) fn of<T: Serialize>(value: &T, to: &'a mut Responder) {
        // Never an error: serde serialises a `Result` as one of two newtype variants.
        let outcome = value.serialize(Self(to));
        debug_assert!(outcome.is_ok(), "a result is one of two newtype variants");
    }
}

#[derive(Debug)]
pub(super) struct NoResult;

impl fmt::Display for NoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a result")
    }
}

impl std::error::Error for NoResult {}

impl ser::Error for NoResult {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type No = Impossible<(), NoResult>;

macro_rules! no {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<$ok, NoResult> {
            Err(NoResult)
        }
    )*};
}

impl Serializer for Outcome<'_> {
    type Ok = ();
    type Error = NoResult;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NoResult> {
        if variant == "Ok" {
            self.0.answer(value);
        } else {
            self.0.fail_with(value);
        }
        Ok(())
    }

    no! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct(&'static str, usize) -> No;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> No;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), NoResult> {
        Err(NoResult)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), NoResult> {
        Err(NoResult)
    }
}
