use std::collections::HashMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::Value;
use crate::packet::{Args, Arguments, encode};

fn event(json: &'static str, attachments: &'static [Bytes]) -> Arguments<'static> {
    Arguments::new(json, true, attachments)
}

#[test]
fn bytes_stand_where_the_placeholders_were_at_any_depth() {
    static PARTS: [Bytes; 2] = [Bytes::from_static(b"zero"), Bytes::from_static(b"one")];
    let json = r#"["e",{"a":[{"num":1,"_placeholder":true},null],"num":5},{"_placeholder":true,"num":0},{"_placeholder":false}]"#;
    let Args(values) = event(json, &PARTS).read::<Args<Value>>().unwrap();
    assert_eq!(values.len(), 3);
    assert_eq!(values[0]["a"][0].as_bytes(), Some(&b"one"[..]));
    assert_eq!((&values[0]["num"], &values[0]["a"][1]), (&Value::from(5), &Value::Null));
    assert_eq!(values[1], Value::Bytes(PARTS[0].clone()));
    assert_eq!(values[2]["_placeholder"], Value::Bool(false));

    let mut text = String::new();
    let parts = encode::event(&mut text, "/", None, "e", &Args(values)).unwrap();
    assert_eq!(
        parts,
        [PARTS[1].clone(), PARTS[0].clone()],
        "in the order in which they are written"
    );
    assert!(
        text.starts_with(r#"52-["e",{"a":[{"_placeholder":true,"num":0},null],"num":5},"#),
        "{text}"
    );
}

#[test]
fn a_placeholder_without_its_attachment_is_an_error() {
    static PARTS: [Bytes; 1] = [Bytes::from_static(b"zero")];
    assert!(event(r#"["e",{"_placeholder":true,"num":1}]"#, &PARTS).read::<Value>().is_err());
    assert!(event(r#"["e",{"_placeholder":true}]"#, &PARTS).read::<Value>().is_err());
    let text = event(r#"["e",{"_placeholder":true,"num":1}]"#, &[]).read::<Value>().unwrap();
    assert_eq!(text["num"], Value::from(1), "without attachments it is data like any other");
}

#[test]
fn a_value_within_another_type_has_its_bytes_too() {
    #[derive(Deserialize)]
    struct Named {
        any: HashMap<String, Value>,
        maybe: Option<Value>,
    }
    static PARTS: [Bytes; 1] = [Bytes::from_static(b"x")];
    let json = r#"["e",{"any":{"file":{"_placeholder":true,"num":0}},"maybe":null}]"#;
    let named: Named = event(json, &PARTS).read().unwrap();
    assert_eq!(named.any["file"].as_bytes(), Some(&b"x"[..]));
    assert_eq!(named.maybe, None);
}

#[test]
fn a_value_is_read_into_types() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Upload {
        name: String,
        data: Bytes,
        raw: Vec<u8>,
        size: Option<u32>,
        kind: Kind,
        ratio: f64,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        Plain,
        Sized { by: i8 },
    }
    let upload = |kind: Value| {
        Value::from_iter([
            ("name", Value::from("x")),
            ("data", Value::from(vec![1, 2])),
            ("raw", Value::from(vec![3])),
            ("size", Value::Null),
            ("ratio", Value::from(0.5)),
            ("kind", kind),
        ])
    };
    let read: Upload = upload("Plain".into()).read().unwrap();
    assert_eq!((&read.data[..], &read.raw[..], read.size), (&[1, 2][..], &[3][..], None));
    let sized = Value::from_iter([("Sized", Value::from_iter([("by", Value::from(-1))]))]);
    assert_eq!(upload(sized).read::<Upload>().unwrap().kind, Kind::Sized { by: -1 });
    assert!(upload(Value::Null).read::<Upload>().is_err());
    assert_eq!(
        Value::from(json!({ "a": [1, "x", null] })).read::<serde_json::Value>().unwrap(),
        json!({ "a": [1, "x", null] })
    );
}
