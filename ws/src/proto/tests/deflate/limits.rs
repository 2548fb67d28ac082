//! What a compressed message may cost.

use super::*;
use crate::proto::{Failure, ProtocolError};

/// `len` zeros, compressed as hard as it goes: about a thousandth of that.
fn bomb(role: Role, len: usize) -> Vec<u8> {
    let config = DeflateConfig { level: 9, ..takeover() };
    let mut sender = end(role.peer(), &config);
    sender.connection.send(&vec![0; len].into()).unwrap();
    payloads(&sender.write(usize::MAX)).remove(0).1
}

fn limited(role: Role, max_message_size: usize) -> End {
    let (server, client) = agree(&takeover(), &takeover());
    let deflate = if role == Role::Server { server } else { client };
    end_with(role, &deflate, Config { max_message_size, ..Config::default() })
}

fn is_too_big(end: &End) {
    let report = end.report();
    assert_eq!(report.failure, Some(Failure::Protocol(ProtocolError::MessageTooBig)));
    assert_eq!(report.sent.as_ref().unwrap().code.get(), 1009);
}

#[test]
fn a_bomb_fails_at_the_limit_and_not_after_it() {
    for role in BOTH {
        let payload = bomb(role, 64 << 20);
        assert!(payload.len() < 100_000);
        // So much of it makes 1 MiB and a little; the rest is not needed to fail.
        let enough = payload.len() / 64 + 100;
        let mut end = limited(role, 1 << 20);
        end.feed(&frame_with(role, RSV1, Opcode::Binary, false, &payload[..enough]), 50);
        is_too_big(&end);
    }
}

#[test]
fn an_inflated_message_may_be_as_long_as_the_limit_and_no_longer() {
    for role in BOTH {
        for limit in [0, 1, 125, 8191, 8192, 8193, 100_000] {
            for (len, fits) in [(limit, true), (limit + 1, false)] {
                if len == 0 {
                    continue;
                }
                let payload = bomb(role, len);
                let mut end = limited(role, limit);
                end.feed(&deflated(role, Opcode::Binary, &payload), 7);
                if fits {
                    assert!(end.seen == [binary(&vec![0; len])], "{len}");
                } else {
                    is_too_big(&end);
                }
            }
        }
    }
}

#[test]
fn noise_that_fits_may_be_longer_compressed_than_the_limit() {
    for role in BOTH {
        let payload = noise(50_000, 3);
        let mut sender = end(role.peer(), &takeover());
        sender.connection.send(&payload.clone().into()).unwrap();
        let (rsv, sent) = payloads(&sender.write(usize::MAX)).remove(0);
        assert!(rsv == RSV1 && sent.len() > payload.len(), "sent as the compressor made it");
        let mut end = limited(role, payload.len());
        end.feed(&deflated(role, Opcode::Binary, &sent), usize::MAX);
        assert!(end.seen == [binary(&payload)]);
    }
}

#[test]
fn frames_count_as_they_are_on_the_wire() {
    let (server, _) = agree(&takeover(), &takeover());
    let config = Config { max_frame_size: 100, ..Config::default() };
    let mut end = end_with(Role::Server, &server, config);
    end.feed(&deflated(Role::Server, Opcode::Binary, &bomb(Role::Server, 50_000)), 10);
    assert_eq!(end.seen, [binary(&vec![0; 50_000])]);
    end.feed(&frame_with(Role::Server, RSV1, Opcode::Binary, false, &[0; 101]), usize::MAX);
    assert_eq!(end.report().failure, Some(Failure::Protocol(ProtocolError::FrameTooBig)));
}

#[test]
fn without_context_takeover_nothing_is_kept_between_messages() {
    let (server, client) = agree(&alone(), &alone());
    assert_eq!(server.kept(), (0, 0), "made when needed");
    let mut wire = Wire::new(usize::MAX);
    wire.server = end_with(Role::Server, &server, Config::default());
    wire.client = end_with(Role::Client, &client, Config::default());
    for _ in 0..3 {
        wire.server.connection.send(&json(10).into()).unwrap();
        wire.client.connection.send(&json(10).into()).unwrap();
        wire.deliver();
        // One of each serves all messages.
        assert_eq!((server.kept(), client.kept()), ((1, 1), (1, 1)));
    }
    // In the middle of a message a state is out.
    let whole = deflated(Role::Server, Opcode::Text, &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
    wire.server.feed(&whole[..10], usize::MAX);
    assert_eq!(server.kept(), (1, 0));
    wire.server.feed(&whole[10..], usize::MAX);
    assert_eq!(server.kept(), (1, 1));
}

#[test]
fn a_crowd_leaves_a_few_states_behind_and_not_one_each() {
    let (server, _) = agree(&alone(), &alone());
    let mut ends: Vec<_> =
        (0..100).map(|_| end_with(Role::Server, &server, Config::default())).collect();
    let whole = deflated(Role::Server, Opcode::Text, &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
    ends.iter_mut().for_each(|end| end.feed(&whole[..10], usize::MAX));
    ends.iter_mut().for_each(|end| end.feed(&whole[10..], usize::MAX));
    assert!(ends.iter().all(|end| end.seen == [text("Hello")]));
    assert_eq!(server.kept(), (0, 16));
}

#[test]
fn a_connection_without_the_extension_pays_a_pointer_for_each_half() {
    let (receiver, transmitter) = WITHOUT;
    assert!(size_of::<crate::proto::Receiver>() <= receiver + size_of::<usize>());
    assert!(size_of::<crate::proto::Transmitter>() <= transmitter + size_of::<usize>());
}

/// Bytes that the halves had on a 64-bit machine before there was the extension.
const WITHOUT: (usize, usize) = (88, 240);
