//! The closing handshake (RFC 6455 §5.5.1, §7) in every order.

use std::time::{Duration, Instant};

use super::wire::*;
use crate::proto::frame::Opcode;
use crate::proto::{
    CloseCode, CloseFrame, CloseReport, Failure, Initiator, NotOpen, ProtocolError, Role, Text,
};

fn away() -> CloseFrame {
    CloseFrame::new(CloseCode::GOING_AWAY, "bye")
}

fn normal() -> CloseFrame {
    CloseFrame::new(CloseCode::NORMAL, "")
}

fn code(frame: &CloseFrame) -> CloseFrame {
    CloseFrame::new(frame.code, "")
}

fn report(
    sent: impl Into<Option<CloseFrame>>,
    received: impl Into<Option<CloseFrame>>,
    initiator: Initiator,
    failure: impl Into<Option<Failure>>,
) -> CloseReport {
    let (sent, received, failure) = (sent.into(), received.into(), failure.into());
    CloseReport { sent, received, initiator, failure }
}

/// A wire, the end that closes first and the other.
fn ends(wire: &mut Wire, first: Role) -> (&mut End, &mut End) {
    match first {
        Role::Client => (&mut wire.client, &mut wire.server),
        Role::Server => (&mut wire.server, &mut wire.client),
    }
}

#[test]
fn whoever_closes_first_is_answered_with_the_same_code() {
    for first in BOTH {
        for closing in [away(), normal(), CloseFrame::empty()] {
            for step in [1, 2, usize::MAX] {
                let mut wire = Wire::new(step);
                let now = wire.now;
                ends(&mut wire, first).0.connection.close(closing.clone(), now);
                wire.deliver();
                let (ours, theirs) = ends(&mut wire, first);
                let answer = code(&closing);
                let local = report(closing.clone(), answer.clone(), Initiator::Local, None);
                assert_eq!(*ours.report(), local);
                let peer = report(answer, closing.clone(), Initiator::Peer, None);
                assert_eq!(*theirs.report(), peer);
                assert!(ours.report().is_clean() && theirs.report().is_clean());
                assert_eq!(theirs.report().code(), Some(closing.code));
                for end in [ours, theirs] {
                    assert_eq!(end.connection.poll_timeout(), None);
                    end.eof();
                    assert_eq!(end.seen.len(), 1, "the end of the stream is no second end");
                }
            }
        }
    }
}

#[test]
fn both_may_close_at_once_and_nobody_answers() {
    for step in [1, usize::MAX] {
        let mut wire = Wire::new(step);
        wire.client.connection.close(away(), wire.now);
        wire.server.connection.close(normal(), wire.now);
        let carried = wire.deliver();
        assert_eq!(carried, (2 + 4 + 5) + (2 + 2), "one close frame each");
        assert_eq!(*wire.client.report(), report(away(), normal(), Initiator::Local, None));
        assert_eq!(*wire.server.report(), report(normal(), away(), Initiator::Local, None));
    }
}

#[test]
fn data_behind_the_close_frame_of_the_peer_is_not_looked_at() {
    for role in BOTH {
        for step in [1, usize::MAX] {
            let mut bytes = frame(role, Opcode::Text, true, b"before");
            bytes.extend(frame(role, Opcode::Close, true, &[3, 0xE8]));
            bytes.extend(frame(role, Opcode::Text, true, b"after"));
            bytes.extend(frame(role, Opcode::Ping, true, b"after"));
            bytes.extend([0xFF; 40]);
            let mut end = End::plain(role);
            end.feed(&bytes, step);
            assert_eq!(end.seen.len(), 2);
            assert_eq!(end.seen[0], text("before"));
            assert_eq!(*end.report(), report(normal(), normal(), Initiator::Peer, None));
            assert_eq!(end.sent().len(), 1, "the answer and no pong");
        }
    }
}

#[test]
fn messages_that_were_under_way_when_we_closed_still_arrive() {
    for first in BOTH {
        for step in [1, usize::MAX] {
            let mut wire = Wire::new(step);
            let now = wire.now;
            let (ours, theirs) = ends(&mut wire, first);
            ours.connection.close(normal(), now);
            theirs.connection.send(&"crossing".into()).unwrap();
            theirs.connection.ping(b"crossing").unwrap();
            wire.deliver();
            let (ours, theirs) = ends(&mut wire, first);
            assert_eq!(ours.seen[..2], [text("crossing"), Seen::Ping(b"crossing".to_vec())]);
            assert_eq!(*ours.report(), report(normal(), normal(), Initiator::Local, None));
            assert_eq!(theirs.seen.len(), 1, "no pong behind a close frame");
        }
    }
}

#[test]
fn what_was_queued_before_the_close_frame_leaves_before_it() {
    for first in BOTH {
        for len in [1, 100, 5000, 70_000] {
            let mut wire = Wire::new(1000);
            let now = wire.now;
            let (ours, _) = ends(&mut wire, first);
            let message = "x".repeat(len);
            ours.connection.send(&message[..].into()).unwrap();
            ours.connection.close(away(), now);
            assert_eq!(ours.connection.send(&"late".into()), Err(NotOpen));
            wire.deliver();
            let (ours, theirs) = ends(&mut wire, first);
            assert_eq!(theirs.seen[0], text(&message));
            assert!(theirs.report().is_clean() && ours.report().is_clean());
        }
    }
}

#[test]
fn the_answer_to_a_close_frame_stands_behind_what_was_queued() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.send(&"queued".into()).unwrap();
        end.feed(&frame(role, Opcode::Close, true, &[3, 0xE8]), 1);
        assert_eq!(end.connection.send(&"late".into()), Err(NotOpen));
        let left = end.sent();
        assert_eq!((left.len(), &left[0]), (2, &text("queued")));
    }
}

#[test]
fn closing_twice_is_closing_once() {
    for first in BOTH {
        let mut wire = Wire::new(usize::MAX);
        let now = wire.now;
        let (ours, _) = ends(&mut wire, first);
        ours.connection.close(away(), now);
        let deadline = ours.connection.poll_timeout();
        ours.connection.close(normal(), now + Duration::from_secs(3));
        assert_eq!(ours.connection.poll_timeout(), deadline);
        wire.deliver();
        let (ours, theirs) = ends(&mut wire, first);
        ours.connection.close(normal(), now);
        theirs.connection.close(normal(), now);
        assert_eq!(ours.report().sent, Some(away()));
        assert_eq!(theirs.report().received, Some(away()));
        assert_eq!(wire.deliver(), 0);
    }
}

#[test]
fn the_end_of_the_stream_is_reported_for_what_it_is_in_every_state() {
    for role in BOTH {
        let now = Instant::now();
        let mut open = End::plain(role);
        open.eof();
        assert_eq!(*open.report(), report(None, None, Initiator::Peer, Failure::Eof));
        assert!(open.connection.outbox().is_empty(), "nobody is there to read a close frame");

        let mut inside = End::plain(role);
        inside.feed(&frame(role, Opcode::Text, false, b"half"), 3);
        inside.eof();
        assert_eq!(*inside.report(), report(None, None, Initiator::Peer, Failure::Eof));

        let mut closing = End::plain(role);
        closing.connection.close(away(), now);
        closing.eof();
        assert_eq!(*closing.report(), report(away(), None, Initiator::Local, Failure::Eof));
        assert_eq!(closing.report().code(), None);

        for end in [&mut open, &mut inside, &mut closing] {
            end.eof();
            end.feed(&frame(role, Opcode::Text, true, b"late"), 99);
            end.feed(&frame(role, Opcode::Close, true, b""), 99);
            assert_eq!(end.seen.len(), 1);
            assert_eq!(end.connection.send(&"late".into()), Err(NotOpen));
            assert!(!end.report().is_clean());
        }
    }
}

#[test]
fn a_close_frame_without_an_answer_ends_at_its_deadline() {
    for first in BOTH {
        let mut wire = Wire::new(usize::MAX);
        wire.is_cut = true;
        let now = wire.now;
        ends(&mut wire, first).0.connection.close(away(), now);
        wire.pass(Duration::from_millis(4999));
        assert_eq!(ends(&mut wire, first).0.seen, []);
        wire.pass(Duration::from_millis(1));
        let (ours, _) = ends(&mut wire, first);
        let expected = report(away(), None, Initiator::Local, Failure::CloseTimeout);
        assert_eq!(*ours.report(), expected);
        assert_eq!(ours.connection.poll_timeout(), None);
    }
}

#[test]
fn data_does_not_put_off_the_deadline_of_a_close_frame() {
    let mut end = End::plain(Role::Server);
    let now = Instant::now();
    end.connection.close(away(), now);
    for second in 1..=4 {
        let at = now + Duration::from_secs(second);
        end.read(at, &frame(Role::Server, Opcode::Text, true, b"more"));
        assert_eq!(end.connection.handle_timeout(at), None);
    }
    let late = end.connection.handle_timeout(now + Duration::from_secs(5));
    assert_eq!(late.and_then(|report| report.failure), Some(Failure::CloseTimeout));
}

#[test]
fn a_violation_after_our_close_frame_sends_no_second_one() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.close(away(), Instant::now());
        end.feed(&frame(role, Opcode::Continuation, true, b""), 1);
        let failure = Failure::Protocol(ProtocolError::ContinuationWithoutMessage);
        assert_eq!(*end.report(), report(away(), None, Initiator::Local, failure));
        assert_eq!(end.sent().len(), 1);
    }
}

#[test]
fn codes_for_applications_and_long_reasons_cross_whole() {
    let reason = "é".repeat(61);
    for number in [1000, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
        let mut wire = Wire::new(7);
        let closing = CloseFrame::new(CloseCode::new(number).unwrap(), &reason);
        wire.client.connection.close(closing.clone(), wire.now);
        wire.deliver();
        assert_eq!(wire.server.report().received, Some(closing));
        assert_eq!(wire.client.report().code().map(CloseCode::get), Some(number));
    }
}

#[test]
fn a_close_frame_that_was_made_by_hand_is_cut_to_what_a_control_frame_may_carry() {
    // The fields are public: a reason of any length may stand there, and one that has no code before it.
    for first in BOTH {
        let long = CloseFrame { code: CloseCode::NORMAL, reason: Text::from("é".repeat(500)) };
        let no_code = CloseFrame { code: CloseCode::NO_STATUS, reason: Text::from("lost") };
        for (by_hand, expected) in [
            (long, CloseFrame::new(CloseCode::NORMAL, &"é".repeat(61))),
            (no_code, CloseFrame::empty()),
        ] {
            let mut wire = Wire::new(usize::MAX);
            let now = wire.now;
            ends(&mut wire, first).0.connection.close(by_hand, now);
            wire.deliver();
            let (ours, theirs) = ends(&mut wire, first);
            assert_eq!(theirs.report().received, Some(expected.clone()));
            assert_eq!(ours.report().sent, Some(expected), "the report says what was sent");
        }
    }
}
