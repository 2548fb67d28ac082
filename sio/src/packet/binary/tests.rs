use super::Decoder;
use crate::packet::{DecodeError, Limits};

const TWO: &str = r#"52-["e",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;

#[test]
fn rule_23_a_packet_is_complete_with_its_last_attachment() {
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    assert_eq!(decoder.text(TWO, &limits).unwrap(), None);
    assert!(decoder.is_pending());
    assert_eq!(decoder.binary(b"a").unwrap(), None);
    let packet = decoder.binary(b"b").unwrap().unwrap();
    assert_eq!(
        packet.arguments().read::<(Vec<u8>, Vec<u8>)>().unwrap(),
        (b"b".to_vec(), b"a".to_vec())
    );
    assert!(!decoder.is_pending());
    assert!(decoder.text("2[\"next\"]", &limits).unwrap().is_some());
}

#[test]
fn rule_23_no_attachments_are_legal_and_leave_nothing_pending() {
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    assert!(decoder.text("50-[\"e\"]", &limits).unwrap().is_some());
    assert!(decoder.text("2[\"e\"]", &limits).unwrap().is_some());
}

#[test]
fn rule_23_text_while_attachments_are_missing_is_refused() {
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    decoder.text(TWO, &limits).unwrap();
    assert_eq!(decoder.text("2[\"e\"]", &limits), Err(DecodeError::TextWhileBinaryPending));
}

#[test]
fn rule_23_binary_that_nothing_announced_is_refused() {
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    assert_eq!(decoder.binary(b"a"), Err(DecodeError::UnannouncedBinary));
    decoder.text(TWO, &limits).unwrap();
    decoder.binary(b"a").unwrap();
    decoder.binary(b"b").unwrap();
    assert_eq!(decoder.binary(b"c"), Err(DecodeError::UnannouncedBinary));
}

#[test]
fn attachments_are_bounded_together() {
    let limits = Limits { max_attachment_bytes: 3, ..Limits::default() };
    let mut decoder = Decoder::default();
    decoder.text(TWO, &limits).unwrap();
    decoder.binary(b"ab").unwrap();
    assert!(decoder.binary(b"c").unwrap().is_some());
    decoder.text(TWO, &limits).unwrap();
    decoder.binary(b"ab").unwrap();
    assert_eq!(decoder.binary(b"cd"), Err(DecodeError::AttachmentsTooLarge));
}
