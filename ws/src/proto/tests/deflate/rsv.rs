//! RSV1 (RFC 7692 §6) and nothing else.

use super::*;
use crate::proto::{Failure, ProtocolError};

const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

fn violation_of(mut end: End, frames: &[Vec<u8>]) -> ProtocolError {
    frames.iter().for_each(|frame| end.feed(frame, 1));
    let report = end.report();
    match report.failure {
        Some(Failure::Protocol(error)) => error,
        _ => panic!("{report:?}"),
    }
}

#[test]
fn rsv1_without_the_extension_fails_the_connection() {
    for role in BOTH {
        let frames = [deflated(role, Opcode::Text, &HELLO)];
        assert_eq!(violation_of(End::plain(role), &frames), ProtocolError::ReservedBits);
    }
}

#[test]
fn rsv1_on_anything_but_the_first_frame_of_a_message_fails_the_connection() {
    use Opcode::*;
    for role in BOTH {
        let first =
            [frame_with(role, RSV1, Text, false, &HELLO[..3]), frame(role, Text, false, b"Hel")];
        for first in first {
            let second = frame_with(role, RSV1, Continuation, true, &HELLO[3..]);
            let error = violation_of(end(role, &alone()), &[first, second]);
            assert_eq!(error, ProtocolError::ReservedBits);
        }
        for control in [Ping, Pong, Close] {
            let error = violation_of(end(role, &alone()), &[deflated(role, control, b"")]);
            assert_eq!(error, ProtocolError::ReservedBits);
            let first = frame_with(role, RSV1, Text, false, &HELLO[..3]);
            let error = violation_of(end(role, &alone()), &[first, deflated(role, control, b"")]);
            assert_eq!(error, ProtocolError::ReservedBits);
        }
    }
}

#[test]
fn rsv2_and_rsv3_stay_reserved() {
    for role in BOTH {
        for rsv in [1, 2, 3, 5, 6, 7] {
            let frames = [frame_with(role, rsv, Opcode::Text, true, &HELLO)];
            assert_eq!(violation_of(end(role, &alone()), &frames), ProtocolError::ReservedBits);
        }
    }
}

#[test]
fn messages_without_rsv1_are_taken_as_they_are() {
    for role in BOTH {
        let mut end = end(role, &takeover());
        end.feed(&frame(role, Opcode::Binary, true, &HELLO), 1);
        end.feed(&frame(role, Opcode::Text, false, b"Hel"), 1);
        end.feed(&frame(role, Opcode::Continuation, true, b"lo"), 1);
        assert_eq!(end.seen, [binary(&HELLO), text("Hello")]);
    }
}
