//! Tables for the rules of wire/socketio.md, each with its accepting and its refusing side.

use proptest::prelude::*;

use super::{Limits, PacketRef};
use crate::packet::{DecodeError, Kind};

fn decode(text: &str) -> Result<PacketRef<'_>, DecodeError> {
    PacketRef::decode(text, &Limits::default())
}

/// (text, type, attachments, namespace, id, event, payload)
type Row =
    (&'static str, Kind, usize, &'static str, Option<u64>, Option<&'static str>, &'static str);

const LEGAL: &[Row] = &[
    ("0", Kind::Connect, 0, "/", None, None, ""),
    ("0{\"token\":1}", Kind::Connect, 0, "/", None, None, "{\"token\":1}"),
    ("0/random", Kind::Connect, 0, "/random", None, None, ""),
    ("0/admin,", Kind::Connect, 0, "/admin", None, None, ""),
    ("0/admin,{}", Kind::Connect, 0, "/admin", None, None, "{}"),
    ("1", Kind::Disconnect, 0, "/", None, None, ""),
    ("1/custom", Kind::Disconnect, 0, "/custom", None, None, ""),
    ("1/custom,", Kind::Disconnect, 0, "/custom", None, None, ""),
    ("2[\"hi\"]", Kind::Event, 0, "/", None, Some("hi"), "[\"hi\"]"),
    ("20[\"hi\",1]", Kind::Event, 0, "/", Some(0), Some("hi"), "[\"hi\",1]"),
    ("2/a,456[\"é\\u0041\"]", Kind::Event, 0, "/a", Some(456), Some("éA"), "[\"é\\u0041\"]"),
    ("2[7,\"x\"]", Kind::Event, 0, "/", None, Some("7"), "[7,\"x\"]"),
    ("2 [ -1.5 ] ", Kind::Event, 0, "/", None, Some("-1.5"), " [ -1.5 ] "),
    ("2[\"\"]", Kind::Event, 0, "/", None, Some(""), "[\"\"]"),
    ("2[\"Connect\"]", Kind::Event, 0, "/", None, Some("Connect"), "[\"Connect\"]"),
    (
        "29007199254740991[\"e\"]",
        Kind::Event,
        0,
        "/",
        Some(9_007_199_254_740_991),
        Some("e"),
        "[\"e\"]",
    ),
    ("31[]", Kind::Ack, 0, "/", Some(1), None, "[]"),
    ("3/a,1[\"connect\"]", Kind::Ack, 0, "/a", Some(1), None, "[\"connect\"]"),
    ("3[]", Kind::Ack, 0, "/", None, None, "[]"),
    ("4{\"message\":\"no\"}", Kind::ConnectError, 0, "/", None, None, "{\"message\":\"no\"}"),
    ("4/a,\"no\"", Kind::ConnectError, 0, "/a", None, None, "\"no\""),
    ("50-[\"e\"]", Kind::BinaryEvent, 0, "/", None, Some("e"), "[\"e\"]"),
    (
        "51-/a,3[\"e\",{\"_placeholder\":true,\"num\":0}]",
        Kind::BinaryEvent,
        1,
        "/a",
        Some(3),
        Some("e"),
        "[\"e\",{\"_placeholder\":true,\"num\":0}]",
    ),
    (
        "610-1[{\"num\":9,\"_placeholder\":true}]",
        Kind::BinaryAck,
        10,
        "/",
        Some(1),
        None,
        "[{\"num\":9,\"_placeholder\":true}]",
    ),
    (
        "50-[\"e\",{\"_placeholder\":false,\"num\":5},{\"num\":-1}]",
        Kind::BinaryEvent,
        0,
        "/",
        None,
        Some("e"),
        "[\"e\",{\"_placeholder\":false,\"num\":5},{\"num\":-1}]",
    ),
    // In a packet of type 2 it is an object like any other.
    (
        "2[\"e\",{\"_placeholder\":true,\"num\":9}]",
        Kind::Event,
        0,
        "/",
        None,
        Some("e"),
        "[\"e\",{\"_placeholder\":true,\"num\":9}]",
    ),
];

#[test]
fn rules_22_to_24_legal_packets_are_decoded() {
    for (text, kind, attachments, namespace, id, event, payload) in LEGAL {
        let packet = decode(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            (packet.kind, packet.attachments, packet.namespace),
            (*kind, *attachments, *namespace),
            "{text}"
        );
        assert_eq!(
            (packet.id, packet.event.as_deref(), packet.payload),
            (*id, *event, *payload),
            "{text}"
        );
    }
}

fn refuses(rows: &[(&str, DecodeError)]) {
    for (text, error) in rows {
        assert_eq!(decode(text), Err(*error), "{text}");
    }
}

#[test]
fn rule_22_type_and_id_out_of_range_are_refused() {
    refuses(&[
        ("", DecodeError::UnknownType),
        ("7", DecodeError::UnknownType),
        ("x[\"e\"]", DecodeError::UnknownType),
        ("é", DecodeError::UnknownType),
        ("29007199254740992[\"e\"]", DecodeError::AckId),
        ("299999999999999999999999[\"e\"]", DecodeError::AckId),
        ("2-1[\"e\"]", DecodeError::Json),
        ("2 1[\"e\"]", DecodeError::Json),
    ]);
}

#[test]
fn rule_23_illegal_attachment_counts_and_placeholders_are_refused() {
    refuses(&[
        ("5[\"e\"]", DecodeError::AttachmentCount),
        ("5-[\"e\"]", DecodeError::AttachmentCount),
        ("51[\"e\"]", DecodeError::AttachmentCount),
        ("5+1-[\"e\"]", DecodeError::AttachmentCount),
        ("51.0-[\"e\"]", DecodeError::AttachmentCount),
        ("5", DecodeError::AttachmentCount),
        ("511-[\"e\"]", DecodeError::TooManyAttachments),
        ("599999999999999999999999-[\"e\"]", DecodeError::TooManyAttachments),
        ("51-[\"e\",{\"_placeholder\":true,\"num\":1}]", DecodeError::Placeholder),
        ("51-[\"e\",{\"_placeholder\":true,\"num\":-1}]", DecodeError::Placeholder),
        ("51-[\"e\",{\"_placeholder\":true,\"num\":0.5}]", DecodeError::Placeholder),
        ("51-[\"e\",{\"_placeholder\":true,\"num\":\"0\"}]", DecodeError::Placeholder),
        ("51-[\"e\",{\"_placeholder\":true,\"num\":{}}]", DecodeError::Placeholder),
        ("51-[\"e\",{\"_placeholder\":true}]", DecodeError::Placeholder),
        ("51-[\"e\",[{\"a\":[{\"_placeholder\":true,\"num\":7}]}]]", DecodeError::Placeholder),
        ("50-[\"e\",{\"_placeholder\":true,\"num\":0}]", DecodeError::Placeholder),
    ]);
}

#[test]
fn rule_24_illegal_payloads_are_refused() {
    refuses(&[
        ("0[]", DecodeError::Payload),
        ("0null", DecodeError::Payload),
        ("0\"token\"", DecodeError::Payload),
        ("0{", DecodeError::Json),
        ("1{}", DecodeError::Payload),
        ("1/a,[]", DecodeError::Payload),
        ("2", DecodeError::Payload),
        ("2{}", DecodeError::Payload),
        ("2[]", DecodeError::Payload),
        ("2\"e\"", DecodeError::Payload),
        ("2[\"e\"", DecodeError::Json),
        ("2[\"e\",]", DecodeError::Json),
        ("2[\"e\"]x", DecodeError::Json),
        ("2[\"e\u{1}\"]", DecodeError::Json),
        ("2[01]", DecodeError::Json),
        ("2[null]", DecodeError::EventName),
        ("2[true,1]", DecodeError::EventName),
        ("2[{}]", DecodeError::EventName),
        ("2[[\"e\"]]", DecodeError::EventName),
        ("2[\"\\ud800\"]", DecodeError::EventName),
        ("3", DecodeError::Payload),
        ("31{}", DecodeError::Payload),
        ("4", DecodeError::Payload),
        ("4[]", DecodeError::Payload),
        ("51-{}", DecodeError::Payload),
        ("51-[]", DecodeError::Payload),
        ("51-[\"e\"", DecodeError::Json),
        ("61-1\"x\"", DecodeError::Payload),
    ]);
}

#[test]
fn rule_24_reserved_event_names_are_refused_also_when_escaped() {
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        assert_eq!(decode(&format!("2[\"{name}\"]")), Err(DecodeError::ReservedName), "{name}");
        assert_eq!(decode(&format!("50-[\"{name}\"]")), Err(DecodeError::ReservedName), "{name}");
        assert_eq!(decode(&format!("31[\"{name}\"]")).unwrap().event, None);
    }
    assert_eq!(decode("2[\"\\u0063onnect\"]"), Err(DecodeError::ReservedName));
}

#[test]
fn packets_cut_anywhere_are_decoded_or_refused_without_panic() {
    for (text, ..) in LEGAL {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = decode(&text[..end]);
            let _ = decode(&text[end..]);
        }
    }
}

#[test]
fn the_name_is_borrowed_unless_it_has_escapes() {
    assert!(matches!(
        decode("2[\"chat\"]").unwrap().event,
        Some(std::borrow::Cow::Borrowed("chat"))
    ));
}

proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in "[0-7]?[0-9-]{0,3}(/[a-z]{0,3},?)?[0-9]{0,3}[\\[\\]{}\",a-z0-9:_\\\\ é]{0,30}") {
        let _ = decode(&text);
    }

    #[test]
    fn any_text_at_all_is_survived(text in any::<String>()) {
        let _ = decode(&text);
    }
}

#[test]
fn nesting_is_bounded_where_it_is_nesting() {
    let nested = |depth: usize| format!(r#"2["e",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
    let limits = Limits::default();
    assert!(PacketRef::decode(&nested(127), &limits).is_ok());
    assert_eq!(PacketRef::decode(&nested(128), &limits), Err(DecodeError::TooDeep));
    assert_eq!(PacketRef::decode(&nested(1_000_000), &limits), Err(DecodeError::TooDeep));
    let shallow = Limits { max_depth: 2, ..Limits::default() };
    assert!(PacketRef::decode(r#"2["e",{"a":"[[[{{\"[[["},[],{}]"#, &shallow).is_ok());
    assert_eq!(PacketRef::decode(r#"2["e",{"a":[]}]"#, &shallow), Err(DecodeError::TooDeep));
}
