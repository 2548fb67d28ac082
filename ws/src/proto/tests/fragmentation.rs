//! Fragmentation (RFC 6455 §5.4).

use std::time::Instant;

use super::wire::*;
use crate::Config;
use crate::proto::frame::Opcode::*;
use crate::proto::{ProtocolError, Received, Receiver, Role};

#[test]
fn a_message_is_the_concatenation_of_its_fragments() {
    for role in BOTH {
        for kind in [Text, Binary] {
            for parts in [&["", ""][..], &["a", "", "b"], &["", "", "", "abc"], &["abc", ""]] {
                let mut bytes = frame(role, kind, false, parts[0].as_bytes());
                for (at, part) in parts.iter().enumerate().skip(1) {
                    let fin = at == parts.len() - 1;
                    bytes.extend(frame(role, Continuation, fin, part.as_bytes()));
                }
                let whole = parts.concat();
                let expected = if kind == Text { text(&whole) } else { binary(whole.as_bytes()) };
                for step in [1, 2, usize::MAX] {
                    assert_eq!(seen(role, &bytes, step), std::slice::from_ref(&expected));
                }
            }
        }
    }
}

#[test]
fn a_continuation_behind_the_last_fragment_belongs_to_nothing() {
    for role in BOTH {
        let frames = [(Text, false), (Continuation, true), (Continuation, true)];
        let bytes = frames.map(|(opcode, fin)| frame(role, opcode, fin, b"ab")).concat();
        let end = seen(role, &bytes, 1);
        assert_eq!((end.len(), &end[0]), (2, &text("abab")));
        assert_eq!(violation(role, &bytes), Some(ProtocolError::ContinuationWithoutMessage));
    }
}

#[test]
fn control_frames_between_fragments_are_seen_at_once_and_borrowed() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Config::default().into());
        let mut first = frame(role, Text, false, b"be");
        assert_eq!(receiver.handle_input(&mut &mut first[..]), None);
        for payload in [&b""[..], b"now"] {
            let mut ping = frame(role, Ping, true, payload);
            match receiver.handle_input(&mut &mut ping[..]) {
                Some(Received::Ping(std::borrow::Cow::Borrowed(seen))) => assert_eq!(seen, payload),
                other => panic!("not a borrowed ping: {other:?}"),
            }
        }
        assert!(receiver.is_mid_message());
        let mut last = frame(role, Continuation, true, b"gin");
        let input = &mut &mut last[..];
        let Some(Received::Message(payload)) = receiver.handle_input(input) else { panic!() };
        assert_eq!(payload.as_text(), Some("begin"));
        assert!(!receiver.is_mid_message());
    }
}

#[test]
fn a_close_frame_between_fragments_ends_the_message_too() {
    for role in BOTH {
        let mut receiver = Receiver::new(role, Config::default().into());
        let mut bytes = frame(role, Text, false, &[b'x'; 1000]);
        bytes.extend(frame(role, Close, true, b""));
        bytes.extend(frame(role, Continuation, true, b"late"));
        let mut input = &mut bytes[..];
        assert!(matches!(receiver.handle_input(&mut input), Some(Received::Close(_))));
        assert!(!receiver.is_mid_message(), "what was gathered is let go");
        assert_eq!(receiver.handle_input(&mut input), None);
        assert!(input.is_empty());
    }
}

#[test]
fn fragments_by_the_hundred_thousand_cost_linear_time() {
    // Quadratic work on 200,000 fragments would be 10^10 steps; the limit is generous because machines are slow and shared.
    const COUNT: usize = 200_000;
    let started = Instant::now();
    for (kind, piece) in [(Text, "é"), (Binary, "x"), (Text, "")] {
        let mut end = End::plain(Role::Server);
        let mut bytes = frame(Role::Server, kind, false, b"");
        let mut expected = String::new();
        for _ in 0..COUNT {
            for byte in piece.bytes() {
                bytes.extend(frame(Role::Server, Continuation, false, &[byte]));
            }
            if piece.is_empty() {
                bytes.extend(frame(Role::Server, Continuation, false, b""));
            }
            expected.push_str(piece);
        }
        end.feed(&bytes, 5);
        assert_eq!(end.seen, []);
        end.feed(&frame(Role::Server, Continuation, true, b""), 99);
        let whole = if kind == Text { text(&expected) } else { binary(expected.as_bytes()) };
        assert_eq!(end.seen, [whole]);
    }
    assert!(started.elapsed().as_secs() < 60, "took {:?}", started.elapsed());
}

#[test]
fn empty_fragments_add_nothing_to_what_is_kept() {
    // The message is at its limit already: were an empty fragment counted or kept, the connection would fail.
    let config = Config { max_message_size: 10, ..Config::default() };
    let mut end = End::new(Role::Client, config, Instant::now());
    end.feed(&frame(Role::Client, Binary, false, &[1; 10]), 99);
    for _ in 0..100_000 {
        end.feed(&frame(Role::Client, Continuation, false, b""), 1);
    }
    end.feed(&frame(Role::Client, Continuation, true, b""), 1);
    assert_eq!(end.seen, [binary(&[1; 10])]);
}
