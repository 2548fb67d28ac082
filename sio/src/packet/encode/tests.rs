//! What is written, letter by letter, and that it is read back.

use bytes::Bytes;
use proptest::prelude::*;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{ack, connect, connect_error, disconnect, event};
use crate::packet::{Decoder, EncodeError, Limits};

fn event_text<T: Serialize + ?Sized>(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    data: &T,
) -> String {
    let mut out = String::from("4");
    event(&mut out, namespace, id, name, data).unwrap();
    out
}

#[test]
fn rule_22_events_are_written_behind_what_the_buffer_holds() {
    assert_eq!(event_text("/", None, "hi", &()), r#"42["hi"]"#);
    assert_eq!(event_text("/", None, "hi", "you"), r#"42["hi","you"]"#);
    assert_eq!(event_text("/admin", Some(12), "hi", &1), r#"42/admin,12["hi",1]"#);
    assert_eq!(event_text("/", Some(0), "q\"\n", &json!({ "a": [] })), r#"420["q\"\n",{"a":[]}]"#);
}

#[test]
fn a_tuple_is_several_arguments_and_anything_else_is_one() {
    assert_eq!(event_text("/", None, "e", &(1, "two", [3, 3])), r#"42["e",1,"two",[3,3]]"#);
    assert_eq!(event_text("/", None, "e", &([1, 2],)), r#"42["e",[1,2]]"#);
    assert_eq!(event_text("/", None, "e", &[1, 2]), r#"42["e",[1,2]]"#);
    assert_eq!(event_text("/", None, "e", &vec![(1, 2)]), r#"42["e",[[1,2]]]"#);
    assert_eq!(event_text("/", None, "e", &((1, 2), ())), r#"42["e",[1,2],null]"#);
    assert_eq!(event_text("/", None, "e", &Some((1, 2))), r#"42["e",[1,2]]"#);
    assert_eq!(event_text("/", None, "e", &&&(1, 2)), r#"42["e",1,2]"#);
    assert_eq!(event_text("/", None, "e", &None::<u8>), r#"42["e",null]"#);
}

#[test]
fn rule_26_replies_are_written_exactly() {
    let written = |write: &dyn Fn(&mut String)| {
        let mut out = String::new();
        write(&mut out);
        out
    };
    let sid = json!({ "sid": "abc" });
    assert_eq!(written(&|out| connect(out, "/", Some(&sid)).unwrap()), r#"0{"sid":"abc"}"#);
    assert_eq!(
        written(&|out| connect(out, "/admin", Some(&sid)).unwrap()),
        r#"0/admin,{"sid":"abc"}"#
    );
    assert_eq!(written(&|out| connect::<()>(out, "/", None).unwrap()), "0");
    assert_eq!(written(&|out| disconnect(out, "/")), "1");
    assert_eq!(written(&|out| disconnect(out, "/admin")), "1/admin,");
    let refusal = json!({ "message": "Invalid namespace" });
    assert_eq!(
        written(&|out| connect_error(out, "/random", &refusal).unwrap()),
        r#"4/random,{"message":"Invalid namespace"}"#
    );
    assert_eq!(written(&|out| drop(ack(out, "/", 0, &()).unwrap())), "30[]");
    assert_eq!(written(&|out| drop(ack(out, "/a", 7, &(1, 2)).unwrap())), "3/a,7[1,2]");
    assert_eq!(written(&|out| drop(ack(out, "/a", 7, &[1, 2]).unwrap())), "3/a,7[[1,2]]");
}

#[test]
fn rule_23_bytes_become_placeholders_in_order() {
    #[derive(Serialize)]
    struct File {
        name: &'static str,
        parts: Vec<Bytes>,
    }
    let file =
        File { name: "x", parts: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")] };
    let mut out = String::from("4");
    let attachments = event(&mut out, "/a", Some(1), "f", &(&file, Bytes::new())).unwrap();
    assert_eq!(
        out,
        r#"453-/a,1["f",{"name":"x","parts":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}]"#
    );
    assert_eq!(attachments, [&b"one"[..], b"two", b""]);
    let mut out = String::new();
    assert_eq!(ack(&mut out, "/", 3, &Bytes::from_static(b"x")).unwrap().len(), 1);
    assert_eq!(out, r#"61-3[{"_placeholder":true,"num":0}]"#);
}

#[test]
fn reserved_names_fail_and_leave_the_buffer_alone() {
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        let mut out = String::from("4");
        let error = event(&mut out, "/", None, name, &()).unwrap_err();
        assert!(matches!(error, EncodeError::ReservedName(reserved) if &*reserved == name));
        assert_eq!(out, "4");
    }
}

#[test]
fn data_that_fails_to_serialise_leaves_the_buffer_alone() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken"))
        }
    }
    let mut out = String::from("4");
    assert!(matches!(
        event(&mut out, "/a", Some(1), "e", &(1, Broken)),
        Err(EncodeError::Serialize(_))
    ));
    assert_eq!(out, "4");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        namespace in "/[a-z]{0,8}",
        id in prop::option::of(0..(1u64 << 53)),
        name in "[^c]\\PC{0,12}",
        first in any_json(),
        blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
    ) {
        let blobs: Vec<Bytes> = blobs.into_iter().map(Bytes::from).collect();
        let mut text = String::new();
        let attachments = event(&mut text, &namespace, id, &name, &(&first, &blobs)).unwrap();
        prop_assert_eq!(&attachments, &blobs);

        let mut decoder = Decoder::default();
        let limits = Limits::default();
        let packet = decoder.text(&text, &limits).unwrap().map(|packet| packet.into_packet());
        let packet = attachments.iter().fold(packet, |before, bytes| {
            assert!(before.is_none());
            decoder.binary(bytes).unwrap()
        });
        let packet = packet.unwrap();
        prop_assert_eq!((&*packet.namespace, packet.id, packet.event.as_deref()), (&*namespace, id, Some(&*name)));
        let read: (Value, Vec<Bytes>) = packet.arguments().read().unwrap();
        prop_assert_eq!(read, (first, blobs));
    }
}
