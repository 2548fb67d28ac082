//! Socket.IO packets with their attachments: never more than the limits allow, what is decoded is JSON, and the same packet
//! written again is decoded to the same.

use std::collections::HashMap;

use arbitrary::Arbitrary;
use bytes::Bytes;
use serde_json::Value;
use sio::packet::{Arguments, Decoder, Incoming, Kind, Limits, PacketRef, ROOT};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    max_attachments: u8,
    max_attachment_bytes: u16,
    messages: Vec<Message<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Message<'a> {
    Text(&'a str),
    Packet {
        kind: u8,
        attachments: Option<u8>,
        namespace: Option<&'a str>,
        id: Option<u64>,
        data: Data<'a>,
    },
    Binary(&'a [u8]),
}

/// The JSON of a packet, as it should be or not.
#[derive(Debug, Arbitrary)]
enum Data<'a> {
    None,
    Any(&'a str),
    Event { name: Item<'a>, items: Vec<Item<'a>> },
    Object(Vec<(&'a str, Item<'a>)>),
}

#[derive(Debug, Arbitrary)]
enum Item<'a> {
    String(&'a str),
    Number(f64),
    Integer(i64),
    Placeholder(u8),
    BadPlaceholder(&'a str),
    Null,
    Deep(u8),
}

impl Item<'_> {
    fn json(&self) -> String {
        match self {
            Self::String(text) => Value::from(*text).to_string(),
            Self::Number(number) => Value::from(*number).to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Placeholder(num) => format!(r#"{{"_placeholder":true,"num":{num}}}"#),
            Self::BadPlaceholder(num) => format!(r#"{{"num":{num},"x":[],"_placeholder":true}}"#),
            Self::Null => "null".into(),
            Self::Deep(depth) => {
                let depth = usize::from(*depth);
                format!("{}{}", "[".repeat(depth), "]".repeat(depth))
            }
        }
    }
}

impl Data<'_> {
    fn json(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Any(text) => (*text).into(),
            Self::Event { name, items } => {
                let items: Vec<_> = std::iter::once(name).chain(items).map(Item::json).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let member = |(key, value): &(&str, Item<'_>)| {
                    format!("{}:{}", Value::from(*key), value.json())
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// See the module.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input<'_>>(data) else { return };
    let mut limits = Limits::default();
    limits.max_attachments = input.max_attachments.into();
    limits.max_attachment_bytes = input.max_attachment_bytes.into();
    let mut decoder = Decoder::default();
    for message in &input.messages {
        let result = match message {
            Message::Text(text) => take_text(&mut decoder, text, &limits),
            Message::Packet { kind, attachments, namespace, id, data } => {
                let mut text = (kind % 8).to_string();
                text.extend(attachments.map(|count| format!("{count}-")));
                text.extend(namespace.map(|namespace| format!("/{namespace},")));
                text.extend(id.map(|id| id.to_string()));
                text.push_str(&data.json());
                take_text(&mut decoder, &text, &limits)
            }
            Message::Binary(bytes) => match decoder.binary(bytes) {
                Ok(Some(packet)) => {
                    let all: usize = packet.attachments.iter().map(Bytes::len).sum();
                    assert!(packet.attachments.len() <= limits.max_attachments);
                    assert!(all <= limits.max_attachment_bytes);
                    assert!(!decoder.is_pending());
                    read(&packet.arguments());
                    true
                }
                Ok(None) => true,
                Err(_) => false,
            },
        };
        if !result {
            return; // which closes the connection
        }
    }
}

fn take_text(decoder: &mut Decoder, text: &str, limits: &Limits) -> bool {
    match decoder.text(text, limits) {
        Ok(Some(Incoming::Owned(packet))) => panic!("{packet:?} needs no copy"),
        Ok(Some(Incoming::Borrowed(packet))) => {
            assert_eq!(packet.attachments, 0);
            check(&packet, limits);
            true
        }
        Ok(None) => {
            assert!(decoder.is_pending());
            true
        }
        Err(_) => false,
    }
}

fn check(packet: &PacketRef<'_>, limits: &Limits) {
    if !packet.payload.is_empty() {
        let value = serde_json::from_str::<Value>(packet.payload);
        // Deeper than `serde_json` goes, or a number that only JavaScript takes (1e999).
        assert!(
            value.is_ok()
                || packet.payload.contains("[[")
                || packet.payload.contains('{')
                || packet.payload.contains(['e', 'E'])
                || packet.payload.len() > 100
                || packet.payload.contains("\\u"),
            "{}",
            packet.payload
        );
        if let (Some(event), Ok(Value::Array(items))) = (&packet.event, &value) {
            match &items[0] {
                Value::String(name) => assert_eq!(name, event),
                Value::Number(_) => assert!(event.parse::<f64>().is_ok()),
                other => panic!("an event named {other}"),
            }
        }
    }
    if matches!(packet.kind, Kind::Event | Kind::Ack | Kind::BinaryEvent | Kind::BinaryAck) {
        read(&packet.arguments());
    }
    let mut again = packet.kind.digit().to_string();
    if packet.kind.is_binary() {
        again.push_str("0-");
    }
    if packet.namespace != ROOT {
        again.push_str(packet.namespace);
        again.push(',');
    }
    again.extend(packet.id.map(|id| id.to_string()));
    again.push_str(packet.payload);
    assert_eq!(PacketRef::decode(&again, limits).as_ref(), Ok(packet), "{again}");
}

/// Reads the arguments as all sorts of types: errors are fine, panics are not.
fn read(arguments: &Arguments<'_>) {
    let _ = arguments.read::<Value>();
    let _ = arguments.read::<(Value, Option<Bytes>, Value)>();
    let _ = arguments.read::<Bytes>();
    let _ = arguments.read::<(Bytes, Vec<u8>)>();
    let _ = arguments.read::<Vec<Bytes>>();
    let _ = arguments.read::<(String, f64, i8)>();
    let _ = arguments.read::<HashMap<String, Bytes>>();
    let _ = arguments.read::<()>();
}
