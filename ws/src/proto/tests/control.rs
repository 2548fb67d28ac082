//! Ping and pong (RFC 6455 §5.5.2, §5.5.3).

use std::time::Instant;

use super::wire::*;
use crate::proto::frame::Opcode;
use crate::proto::{CloseFrame, NotOpen, Role};

fn pings(role: Role, payloads: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let ping = |n: u32| frame(role, Opcode::Ping, true, &n.to_be_bytes());
    payloads.into_iter().flat_map(ping).collect()
}

fn pongs(payloads: impl IntoIterator<Item = u32>) -> Vec<Seen> {
    payloads.into_iter().map(|n| Seen::Pong(n.to_be_bytes().to_vec())).collect()
}

#[test]
fn a_pong_carries_what_its_ping_carried() {
    for role in BOTH {
        for len in [0, 1, 2, 124, 125] {
            let payload: Vec<u8> = (0..=255).rev().take(len).collect();
            for step in [1, usize::MAX] {
                let mut end = End::plain(role);
                end.feed(&frame(role, Opcode::Ping, true, &payload), step);
                assert_eq!(end.seen, [Seen::Ping(payload.clone())]);
                assert_eq!(end.sent(), [Seen::Pong(payload.clone())]);
            }
        }
    }
}

#[test]
fn every_ping_of_a_batch_is_answered_in_order_while_the_stream_takes_bytes() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.feed(&pings(role, 0..1000), usize::MAX);
        assert_eq!(end.sent(), pongs(0..1000));
    }
}

#[test]
fn only_the_latest_ping_is_answered_when_the_stream_was_blocked() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.send(&"waits".into()).unwrap();
        end.connection.handle_blocked();
        end.feed(&pings(role, 0..1000), usize::MAX);
        let mut left = end.sent();
        assert_eq!(left.remove(0), text("waits"));
        assert_eq!(left, pongs([999]));
        // And all of them again from then on.
        end.feed(&pings(role, 5..9), 3);
        assert_eq!(end.sent(), pongs(5..9));
    }
}

#[test]
fn a_flood_of_pings_on_a_blocked_stream_takes_no_memory() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.send(&"waits".into()).unwrap();
        end.connection.handle_blocked();
        let before = end.connection.outbox().len();
        for _ in 0..20 {
            end.feed(&pings(role, 0..5000), usize::MAX);
            assert_eq!(end.connection.outbox().len(), before);
            end.seen.clear();
        }
        // A stream that takes single bytes lets one pong out at a time.
        for n in 0..5000 {
            end.write(1);
            end.connection.handle_blocked();
            end.feed(&pings(role, [n]), usize::MAX);
            assert!(end.connection.outbox().len() <= before + 10, "one pong at most is queued");
            end.seen.clear();
        }
    }
}

#[test]
fn a_ping_is_answered_even_if_the_outbox_never_runs_empty() {
    for role in BOTH {
        let mut end = End::plain(role);
        let mut written = Vec::new();
        end.connection.send(&"x".repeat(100).into()).unwrap();
        end.connection.handle_blocked();
        end.feed(&pings(role, [7]), usize::MAX);
        for _ in 0..20 {
            end.connection.send(&"x".repeat(100).into()).unwrap();
            written.extend(end.write(100));
            assert!(!end.connection.outbox().is_empty());
            end.connection.handle_blocked();
        }
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        let got = seen(other, &written, usize::MAX);
        let pong = Seen::Pong(7u32.to_be_bytes().to_vec());
        let at = got.iter().position(|seen| *seen == pong);
        assert_eq!(at, Some(2), "behind what was queued when the stream took bytes again");
    }
}

#[test]
fn pings_are_not_answered_after_our_close_frame_but_those_before_it_are() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.send(&"waits".into()).unwrap();
        end.connection.handle_blocked();
        end.feed(&pings(role, [1, 2]), usize::MAX);
        end.connection.close(CloseFrame::empty(), Instant::now());
        end.feed(&pings(role, [3]), usize::MAX);
        let left = end.sent();
        assert_eq!(left[..2], [text("waits"), pongs([2]).remove(0)]);
        assert!(matches!(left[2..], [Seen::Closed(_)]), "{left:?}");
    }
}

#[test]
fn a_ping_that_waits_for_its_answer_is_forgotten_when_the_peer_closes() {
    // §5.5.2: "unless it already received a Close frame".
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.send(&"waits".into()).unwrap();
        end.connection.handle_blocked();
        end.feed(&pings(role, [1]), usize::MAX);
        end.feed(&frame(role, Opcode::Close, true, b""), usize::MAX);
        let left = end.sent();
        assert_eq!((left.len(), &left[0]), (2, &text("waits")));
        assert!(end.connection.outbox().is_empty());
    }
}

#[test]
fn an_unasked_pong_is_an_event_and_nothing_more() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.feed(&frame(role, Opcode::Pong, true, b"unasked"), 1);
        assert_eq!(end.seen, [Seen::Pong(b"unasked".to_vec())]);
        assert!(end.connection.outbox().is_empty());
        assert_eq!(end.connection.latency(), None);
    }
}

#[test]
fn our_pings_are_cut_to_what_a_control_frame_may_carry() {
    for role in BOTH {
        let mut end = End::plain(role);
        end.connection.ping(&[9; 300]).unwrap();
        assert_eq!(end.sent(), [Seen::Ping(vec![9; 125])]);
        end.connection.close(CloseFrame::empty(), Instant::now());
        assert_eq!(end.connection.ping(b""), Err(NotOpen));
    }
}
