//! Limits (RFC 6455 §10.4) and the code 1009 (§7.4.1).

use std::time::{Duration, Instant};

use bytes::BufMut;

use super::wire::*;
use crate::Config;
use crate::proto::frame::{Header, Opcode};
use crate::proto::{Failure, ProtocolError, Receiver, Role};

fn header(role: Role, opcode: Opcode, len: u64) -> Vec<u8> {
    let mask = (role == Role::Server).then_some(KEY);
    head(&Header { mask, ..Header::new(opcode, len) })
}

fn limited(role: Role, message: usize, frame: usize) -> End {
    let config = Config { max_message_size: message, max_frame_size: frame, ..Config::default() };
    End::new(role, config, Instant::now())
}

fn fails_with(end: &End, error: ProtocolError) {
    let report = end.report();
    assert_eq!(report.failure, Some(Failure::Protocol(error)));
    let sent = report.sent.as_ref().map(|frame| frame.code.get());
    assert_eq!(sent, Some(1009));
}

#[test]
fn a_declared_length_beyond_the_limit_fails_before_any_payload() {
    for role in BOTH {
        for len in [1001, 1 << 20, 1 << 32, 1 << 62, u64::MAX >> 1] {
            let mut end = limited(role, 1000, usize::MAX);
            end.feed(&header(role, Opcode::Binary, len), 1);
            fails_with(&end, ProtocolError::MessageTooBig);
        }
    }
}

#[test]
fn a_declared_length_allocates_nothing_even_without_a_limit() {
    for role in BOTH {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let config = Config { max_message_size: usize::MAX, ..Config::default() };
            let mut receiver = Receiver::new(role, config.into());
            let mut bytes = header(role, opcode, 1 << 62);
            assert_eq!(receiver.handle_input(&mut &mut bytes[..]), None);
            assert!(receiver.direct().is_none(), "nothing is kept for a header");
            let mut arrived = 0;
            let key = if role == Role::Server { KEY } else { [0; 4] };
            let mut byte = [b'a' ^ key[0]];
            assert_eq!(receiver.handle_input(&mut &mut byte[..]), None);
            arrived += 1;
            // The room follows what has arrived, not what was declared.
            while arrived < 1 << 18 {
                let mut spare = receiver.direct().unwrap();
                let room = spare.remaining_mut();
                assert!(room <= arrived.max(4096), "{room} for {arrived}");
                spare.put_slice(&masked(key, arrived, room));
                assert_eq!(receiver.handle_direct(room), None);
                arrived += room;
            }
        }
    }
}

/// `len` times "a" as bytes `offset` and following of a payload.
fn masked(key: [u8; 4], offset: usize, len: usize) -> Vec<u8> {
    let mut bytes = vec![b'a'; len];
    crate::proto::mask::apply(key, offset, &mut bytes);
    bytes
}

#[test]
fn a_message_may_be_as_long_as_its_limit_and_no_longer() {
    for role in BOTH {
        for limit in [0, 1, 125, 126, 1000, 70_000] {
            let mut end = limited(role, limit, usize::MAX);
            end.feed(&frame(role, Opcode::Binary, true, &vec![1; limit]), 4096);
            assert_eq!(end.seen, [binary(&vec![1; limit])]);
            end.feed(&frame(role, Opcode::Binary, true, &vec![1; limit + 1]), 4096);
            fails_with(&end, ProtocolError::MessageTooBig);
        }
    }
}

#[test]
fn fragments_count_together_against_the_limit_of_a_message() {
    for role in BOTH {
        for step in [1, 7, usize::MAX] {
            let mut end = limited(role, 10, usize::MAX);
            end.feed(&frame(role, Opcode::Text, false, b"123456"), step);
            end.feed(&frame(role, Opcode::Ping, true, b"does not count"), step);
            end.feed(&frame(role, Opcode::Continuation, false, b"7890"), step);
            end.feed(&frame(role, Opcode::Continuation, false, b""), step);
            assert_eq!(end.seen.len(), 1);
            end.feed(&header(role, Opcode::Continuation, 1), step);
            fails_with(&end, ProtocolError::MessageTooBig);
        }
    }
}

#[test]
fn the_limit_of_a_frame_holds_for_each_fragment_and_not_for_control_frames() {
    for role in BOTH {
        let mut end = limited(role, 1000, 10);
        end.feed(&frame(role, Opcode::Binary, false, &[1; 10]), 1);
        end.feed(&frame(role, Opcode::Ping, true, &[2; 125]), 1);
        end.feed(&frame(role, Opcode::Continuation, true, &[1; 10]), 1);
        assert_eq!(end.seen, [Seen::Ping(vec![2; 125]), binary(&[1; 20])]);
        end.feed(&frame(role, Opcode::Binary, true, &[1; 11]), 1);
        fails_with(&end, ProtocolError::FrameTooBig);
    }
}

#[test]
fn raising_the_limit_of_messages_is_enough_to_receive_a_long_one() {
    // The limit of frames was 1 MiB by default and refused what the example of `Config` wants to allow.
    let config = Config { max_message_size: 16 << 20, ..Config::default() };
    let mut end = End::new(Role::Client, config, Instant::now());
    let payload = vec![3; 2 << 20];
    end.feed(&frame(Role::Client, Opcode::Binary, true, &payload), usize::MAX);
    assert_eq!(end.seen, [binary(&payload)]);
}

#[test]
fn durations_that_no_clock_can_count_mean_never() {
    let config = Config {
        ping_interval: Some(Duration::MAX),
        idle_timeout: Some(Duration::MAX),
        pong_timeout: Duration::MAX,
        close_timeout: Duration::MAX,
        ..Config::default()
    };
    let mut wire = Wire::with(usize::MAX, &config);
    wire.pass(Duration::from_secs(365 * 24 * 3600));
    wire.is_cut = true;
    wire.client.connection.close(crate::CloseFrame::empty(), wire.now);
    wire.pass(Duration::from_secs(365 * 24 * 3600));
    assert_eq!((wire.client.seen, wire.server.seen), (vec![], vec![]));
}
