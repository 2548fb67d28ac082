//! UTF-8 (RFC 6455 §5.6, §8.1): refused at the first byte that can't be right.

use std::time::Instant;

use proptest::prelude::*;

use super::wire::*;
use crate::proto::frame::{Header, Opcode};
use crate::proto::{Failure, InvalidUtf8, NotOpen, ProtocolError, Role, Text};
use crate::{Config, Message};

/// After how many bytes it is clear that `bytes` don't begin a text.
fn fails_after(bytes: &[u8]) -> Option<usize> {
    (1..=bytes.len()).find(|len| {
        std::str::from_utf8(&bytes[..*len]).is_err_and(|error| error.error_len().is_some())
    })
}

/// After how many bytes of payload a machine fails that gets one at a time, the payload cut into frames at `cuts`.
fn fails_in(role: Role, bytes: &[u8], cuts: &[usize]) -> Option<usize> {
    let mut end = End::plain(role);
    let mut opcode = Opcode::Text;
    let mut at = 0;
    for next in cuts.iter().copied().chain([bytes.len()]) {
        let mask = (role == Role::Server).then_some(KEY);
        let fin = next == bytes.len();
        let whole = frame(role, opcode, fin, &bytes[at..next]);
        let header = Header { fin, rsv: 0, opcode, mask, len: (next - at) as u64 };
        let head = head(&header).len();
        end.feed(&whole[..head], 1);
        for byte in &whole[head..] {
            assert!(!end.is_closed());
            end.feed(&[*byte], 1);
            at += 1;
            if end.is_closed() {
                let failure = Failure::Protocol(ProtocolError::TextNotUtf8);
                assert_eq!(end.report().failure, Some(failure));
                return Some(at);
            }
        }
        opcode = Opcode::Continuation;
        if end.is_closed() || fin {
            break;
        }
    }
    None
}

const BAD: [&[u8]; 13] = [
    b"\x80",
    b"\xFF",
    b"ok \xC0\x80",
    b"\xC1\xBF",
    b"\xE0\x80\x80",
    b"\xED\xA0\x80",
    b"\xED\xBF\xBF",
    b"\xF0\x80\x80\x80",
    b"\xF4\x90\x80\x80",
    b"\xF5\x80\x80\x80",
    b"\xFB\xBF\xBF\xBF\xBF",
    b"\xE2\x82(",
    b"\xF0\x9F\x98x",
];

#[test]
fn invalid_text_fails_at_the_first_byte_that_can_not_be_right() {
    for role in BOTH {
        for bad in BAD {
            let expected = fails_after(bad);
            assert!(expected.is_some());
            for cut in 0..=bad.len() {
                let mut longer = bad.to_vec();
                longer.extend(b" and more");
                assert_eq!(fails_in(role, &longer, &[cut]), expected, "{bad:02x?} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_message_that_ends_inside_a_character_fails_at_its_end() {
    for role in BOTH {
        for tail in [&b"\xC3"[..], b"\xE2\x82", b"\xF0\x9F\x98", b"long enough for SIMD \xF0\x9F"] {
            assert_eq!(fails_after(tail), None);
            let failed = Some(ProtocolError::TextNotUtf8);
            assert_eq!(violation(role, &frame(role, Opcode::Text, true, tail)), failed);
            let mut fragments = frame(role, Opcode::Text, false, tail);
            assert_eq!(violation(role, &fragments), None);
            fragments.extend(frame(role, Opcode::Continuation, true, b""));
            assert_eq!(violation(role, &fragments), failed);
        }
    }
}

#[test]
fn characters_may_be_cut_between_frames_with_control_frames_in_the_cut() {
    let whole = "aé€😀\u{10FFFF}\u{0}";
    for role in BOTH {
        for step in [1, 3, usize::MAX] {
            let mut end = End::plain(role);
            end.feed(&frame(role, Opcode::Text, false, b""), step);
            for byte in whole.as_bytes() {
                end.feed(&frame(role, Opcode::Continuation, false, &[*byte]), step);
                end.feed(&frame(role, Opcode::Pong, true, b"\xFF"), step);
            }
            end.feed(&frame(role, Opcode::Continuation, true, b""), step);
            assert_eq!(end.seen.len(), whole.len() + 1);
            assert_eq!(end.seen.last(), Some(&text(whole)));
        }
    }
}

#[test]
fn the_first_wrong_byte_of_sixteen_mebibytes_fails_before_the_second_arrives() {
    for role in BOTH {
        let config = Config { max_message_size: 16 << 20, ..Config::default() };
        let mask = (role == Role::Server).then_some([0; 4]);
        let header = Header { mask, ..Header::new(Opcode::Text, 16 << 20) };
        for is_direct in [false, true] {
            for good in [0, 1, 100_000] {
                let mut end = End::new(role, config.clone(), Instant::now());
                end.is_direct = is_direct;
                end.feed(&head(&header), 99);
                end.feed(&vec![b'a'; good], 4096);
                assert_eq!(end.seen, []);
                end.feed(&[0xFF], 1);
                let failure = Failure::Protocol(ProtocolError::TextNotUtf8);
                assert_eq!(end.report().failure, Some(failure));
            }
        }
    }
}

#[test]
fn binary_messages_are_not_looked_into() {
    for role in BOTH {
        for bad in BAD {
            let bytes = frame(role, Opcode::Binary, true, bad);
            assert_eq!(seen(role, &bytes, 1), [binary(bad)]);
        }
    }
}

#[test]
fn a_payload_equals_its_like_wherever_it_arrived() {
    use crate::proto::{Received, Receiver};
    let bytes = frame(Role::Client, Opcode::Text, true, b"same");
    let (mut whole, mut cut) = (bytes.clone(), bytes);
    let receiver = || Receiver::new(Role::Client, Config::default().into());
    let (mut one, mut two) = (receiver(), receiver());
    let mut input = &mut whole[..];
    let borrowed = one.handle_input(&mut input);
    let (front, back) = cut.split_at_mut(3);
    assert_eq!(two.handle_input(&mut &mut *front), None);
    let mut input = &mut *back;
    let owned = two.handle_input(&mut input);
    assert!(matches!(owned, Some(Received::Message(_))));
    assert_eq!(borrowed, owned);
    let Some(Received::Message(payload)) = owned else { panic!() };
    assert_ne!(Received::Message(payload), Received::Message(crate::Payload::binary(b"same")));
}

#[test]
fn text_is_built_from_valid_bytes_only() {
    for bad in BAD {
        let bytes = bytes::Bytes::copy_from_slice(bad);
        assert_eq!(Text::try_from(bytes), Err(InvalidUtf8));
    }
    let good = bytes::Bytes::from_static("grüezi".as_bytes());
    assert_eq!(Text::try_from(good).unwrap(), "grüezi");
    assert_eq!(Message::from("é").len(), 2);
}

#[test]
fn errors_say_what_is_wrong() {
    let errors: [Box<dyn std::error::Error>; 2] = [Box::new(NotOpen), Box::new(InvalidUtf8)];
    let said = errors.map(|error| error.to_string());
    assert_eq!(said, ["the connection is closing or closed", "the text is not UTF-8"]);
}

proptest! {
    #[test]
    fn texts_fail_at_their_earliest_byte_however_they_are_cut(
        mut bytes in prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..12),
        ],
        spoil in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        if let Some((at, byte)) = spoil && !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.retain(|cut| *cut < bytes.len());
        cuts.sort_unstable();
        for role in BOTH {
            let expected = fails_after(&bytes);
            let failed = fails_in(role, &bytes, &cuts);
            if expected.is_none() && failed == Some(bytes.len()) {
                prop_assert!(std::str::from_utf8(&bytes).is_err(), "it may end inside a character");
            } else {
                prop_assert_eq!(failed, expected);
            }
        }
    }
}
