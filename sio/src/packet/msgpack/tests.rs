//! The messages in hexadecimal were written by socket.io-msgpack-parser 3.0.2 (notepack.io 2.2.0).

use proptest::prelude::*;
use serde_json::json;

use super::Msgpack;
use crate::packet::{DecodeError, Frame, Kind, Limits, Packet, Parser, Value};

fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(pair).collect()
}

fn decode(message: &[u8]) -> Result<Packet, DecodeError> {
    Msgpack
        .decoder(&Limits::default())
        .binary(message)
        .map(|packet| packet.expect("one message is one packet"))
}

fn encode(packet: &Packet) -> Vec<u8> {
    match &Msgpack.encode(packet).unwrap()[..] {
        [Frame::Binary(bytes)] => bytes.to_vec(),
        frames => panic!("{frames:?}"),
    }
}

#[test]
fn rule_28_what_the_javascript_parser_writes_is_read() {
    let connect = decode(&bytes("83a47479706500a36e7370a12fa464617461d40000")).unwrap();
    assert_eq!((connect.kind, &*connect.namespace, &*connect.payload), (Kind::Connect, "/", ""));
    let admin =
        decode(&bytes("83a47479706500a36e7370a62f61646d696ea46461746181a5746f6b656ea178")).unwrap();
    assert_eq!((&*admin.namespace, &*admin.payload), ("/admin", r#"{"token":"x"}"#));
    assert_eq!(decode(&bytes("82a47479706501a36e7370a12f")).unwrap().kind, Kind::Disconnect);
    // With `options`, which is skipped.
    let add = decode(&bytes(
        "85a47479706502a36e7370a12fa4646174619aa361646401fecb3ff8000000000000cd012cce00011170cf000000012a05f200d1ff7f\
         d2ffff63c0d3ffffffff4d2fa200a2696407a76f7074696f6e7381a8636f6d7072657373c3",
    ))
    .unwrap();
    assert_eq!((add.kind, add.id, add.event.as_deref()), (Kind::Event, Some(7), Some("add")));
    assert_eq!(&*add.payload, r#"["add",1,-2,1.5,300,70000,5000000000,-129,-40000,-3000000000]"#);
    let ack = decode(&bytes(&format!(
        "84a47479706503a36e7370a12fa46461746191d928{}a2696400",
        "c3a9".repeat(20)
    )))
    .unwrap();
    assert_eq!((ack.kind, ack.id), (Kind::Ack, Some(0)));
    assert_eq!(ack.arguments().read::<String>().unwrap(), "é".repeat(20));
    let refusal =
        decode(&bytes("83a47479706504a36e7370a22f78a46461746181a76d657373616765a26e6f")).unwrap();
    assert_eq!((refusal.kind, &*refusal.payload), (Kind::ConnectError, r#"{"message":"no"}"#));
}

#[test]
fn rule_28_binary_is_inline_and_what_json_lacks_becomes_what_javascript_makes_of_it() {
    let event = decode(&bytes(
        "83a47479706502a36e7370a12fa4646174619aa162c402010281a16491c400d40000c0c3cb7ff8000000000000d700000000000000\
         0000c708000102030405060708c7010009",
    ))
    .unwrap();
    assert_eq!(event.kind, Kind::BinaryEvent);
    let data = event.data().unwrap().unwrap();
    assert_eq!(data[1].as_bytes(), Some(&[1, 2][..]));
    assert_eq!(data[2]["d"][0].as_bytes(), Some(&[][..]));
    assert_eq!((&data[3], &data[4], &data[6]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(data[7].as_str(), Some("1970-01-01T00:00:00.000Z"));
    assert_eq!(data[8].as_bytes(), Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
    assert_eq!(data[9].as_bytes(), Some(&[9][..]));
}

#[test]
fn rule_28_what_is_absent_is_left_out() {
    let disconnect = Packet::new(Kind::Disconnect, "/", None, None).unwrap();
    assert_eq!(encode(&disconnect), bytes("82a47479706501a36e7370a12f"));
    let data = Value::Array(vec!["b".into(), Value::from(vec![1, 2])]);
    let event = Packet::new(Kind::Event, "/", Some(0), Some(&data)).unwrap();
    assert_eq!(event.kind, Kind::BinaryEvent);
    assert_eq!(
        encode(&event),
        bytes("84a47479706502a46461746192a162c4020102a36e7370a12fa2696400"),
        "binary is no type of its own"
    );
}

#[test]
fn rule_24_packets_that_are_none_are_refused() {
    let map = |members: &[(&str, Value)]| {
        let mut out = vec![0x80 | members.len() as u8];
        for (key, value) in members {
            out.push(0xa0 | key.len() as u8);
            out.extend(key.bytes());
            match value {
                Value::Number(number) => out.push(number.as_u64().unwrap() as u8),
                Value::String(text) => {
                    out.push(0xa0 | text.len() as u8);
                    out.extend(text.bytes());
                }
                Value::Array(_) => out.push(0x90),
                _ => out.push(0xc0),
            }
        }
        out
    };
    let with = |kind: u32, nsp: Value, data: Value| {
        decode(&map(&[("type", kind.into()), ("nsp", nsp), ("data", data)]))
    };
    assert_eq!(
        with(5, "/".into(), Value::Array(Vec::new())).unwrap_err(),
        DecodeError::UnknownType
    );
    assert_eq!(with(2, "x".into(), Value::Array(Vec::new())).unwrap_err(), DecodeError::Namespace);
    assert_eq!(with(2, 1.into(), Value::Array(Vec::new())).unwrap_err(), DecodeError::Namespace);
    assert_eq!(with(2, "/".into(), Value::Array(Vec::new())).unwrap_err(), DecodeError::Payload);
    assert_eq!(with(2, "/".into(), Value::Null).unwrap_err(), DecodeError::Payload);
    assert_eq!(with(1, "/".into(), "x".into()).unwrap_err(), DecodeError::Payload);
    assert_eq!(decode(&map(&[("type", 0.into())])).unwrap_err(), DecodeError::Namespace);
    assert_eq!(decode(&map(&[("nsp", "/".into())])).unwrap_err(), DecodeError::UnknownType);
    assert_eq!(decode(&[0xc0]).unwrap_err(), DecodeError::Json);
    let mut trailing = map(&[("type", 1.into()), ("nsp", "/".into())]);
    assert!(decode(&trailing).is_ok());
    trailing.push(0xc0);
    assert_eq!(decode(&trailing).unwrap_err(), DecodeError::Json);
    assert_eq!(Msgpack.decoder(&Limits::default()).text("0").unwrap_err(), DecodeError::Json);
}

#[test]
fn nesting_and_claimed_lengths_cost_nothing() {
    let head = bytes("83a47479706502a36e7370a12fa464617461");
    let nested = |marker: u8, depth: usize| {
        let mut message = head.clone();
        message.extend(std::iter::repeat_n(marker, depth));
        decode(&message).unwrap_err()
    };
    assert_eq!(nested(0x91, 1_000_000), DecodeError::TooDeep);
    let mut claims = head;
    claims.extend([0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0]);
    assert_eq!(decode(&claims).unwrap_err(), DecodeError::Json);
    // The same in a member that is skipped.
    let mut skipped = bytes("81a178");
    skipped.extend([0xdf, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(decode(&skipped).unwrap_err(), DecodeError::Json);
}

#[test]
fn a_message_that_is_cut_anywhere_is_refused() {
    let whole = bytes(
        "83a47479706502a36e7370a12fa4646174619aa162c402010281a16491c400d40000c0c3cb7ff8000000000000d700000000000000\
         0000c708000102030405060708c7010009",
    );
    assert!(decode(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(decode(&whole[..end]).is_err(), "{end}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-300..300_i64).prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..20).prop_map(Value::Object),
        ]
    })
}

proptest! {
    #[test]
    fn any_event_is_read_as_it_was_written(arguments in prop::collection::vec(value(), 0..5), id in prop::option::of(0..1_u64 << 53)) {
        let mut data = vec![Value::from("e")];
        data.extend(arguments);
        let data = Value::Array(data);
        let packet = Packet::new(Kind::Event, "/x", id, Some(&data)).unwrap();
        let read = decode(&encode(&packet)).unwrap();
        prop_assert_eq!(read.data().unwrap().unwrap(), data);
        prop_assert_eq!(read, packet);
    }

    #[test]
    fn no_message_is_too_strange(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&message);
    }
}

#[test]
fn the_form_of_data_survives() {
    let data = Value::from(json!(["e", { "a": { "b": [[], {}, ""] } }]));
    let packet = Packet::new(Kind::Event, "/", None, Some(&data)).unwrap();
    assert_eq!(decode(&encode(&packet)).unwrap().data().unwrap().unwrap(), data);
}
