//! What may stand in the payload of a compressed message (RFC 7692 §7.2).

use super::*;
use crate::proto::{Compress, Failure, ProtocolError};

const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

/// What an end makes of compressed text messages, at each step size the same.
fn texts(config: &DeflateConfig, payloads: &[&[u8]]) -> Vec<Seen> {
    let mut all = Vec::new();
    for role in BOTH {
        for step in [1, 2, 3, usize::MAX] {
            let mut end = end(role, config);
            for payload in payloads {
                end.feed(&deflated(role, Opcode::Text, payload), step);
            }
            all.push(end.seen);
        }
    }
    // Close frames of the two roles are alike too.
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn is_corrupt(seen: &[Seen]) -> bool {
    let Some(Seen::Closed(report)) = seen.last() else { return false };
    assert_eq!(report.sent.as_ref().unwrap().code.get(), 1007);
    report.failure == Some(Failure::Protocol(ProtocolError::DeflateCorrupt))
}

#[test]
fn the_frames_of_7_2_3_1_are_read() {
    let mut end = end(Role::Client, &alone());
    end.feed(&[0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], 1);
    end.feed(&[0x41, 0x03, 0xF2, 0x48, 0xCD], usize::MAX);
    end.feed(&[0x80, 0x04, 0xC9, 0xC9, 0x07, 0x00], usize::MAX);
    assert_eq!(end.seen, [text("Hello"), text("Hello")]);
}

#[test]
fn the_payloads_of_7_2_3_are_read() {
    // 7.2.3.2: the second refers to the first.
    let seen = texts(&takeover(), &[&HELLO, &[0xF2, 0x00, 0x11, 0x00, 0x00]]);
    assert_eq!(seen, [text("Hello"), text("Hello")]);
    // 7.2.3.3: a block without compression.
    let stored = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00];
    assert_eq!(texts(&alone(), &[&stored]), [text("Hello")]);
    // 7.2.3.4: a block with BFINAL; more messages follow, one of them of this kind again.
    let last = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00];
    for config in [alone(), takeover()] {
        assert_eq!(texts(&config, &[&HELLO, &last, &HELLO, &last]), vec![text("Hello"); 4]);
    }
    // 7.2.3.5: two blocks.
    let two = [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00];
    assert_eq!(texts(&alone(), &[&two]), [text("Hello")]);
    // 7.2.3.6: nothing.
    assert_eq!(texts(&takeover(), &[&[0x00], &HELLO]), [text(""), text("Hello")]);
}

#[test]
fn the_payloads_of_7_2_3_1_and_7_2_3_2_are_written() {
    for role in BOTH {
        let mut end = end(role, &takeover());
        end.connection.send(&"Hello".into()).unwrap();
        end.connection.send(&"Hello".into()).unwrap();
        let sent = payloads(&end.write(usize::MAX));
        assert_eq!(sent, [(RSV1, HELLO.to_vec()), (RSV1, vec![0xF2, 0x00, 0x11, 0x00, 0x00])]);
    }
}

#[test]
fn the_stream_goes_on_behind_a_block_with_bfinal_in_the_middle_of_a_message() {
    let mut payload = vec![0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    payload.extend(HELLO);
    assert_eq!(texts(&takeover(), &[&payload, &HELLO]), [text("HelloHello"), text("Hello")]);
}

#[test]
fn a_message_of_nothing_but_empty_blocks_ends() {
    for block in
        [&[0x03, 0x00][..], &[0x00, 0x00, 0x00, 0xFF, 0xFF], &[0x01, 0x00, 0x00, 0xFF, 0xFF]]
    {
        let mut payload = block.repeat(20_000);
        payload.push(0x00);
        let mut end = end(Role::Server, &takeover());
        end.feed(&deflated(Role::Server, Opcode::Text, &payload), usize::MAX);
        end.feed(&deflated(Role::Server, Opcode::Text, &HELLO), usize::MAX);
        assert_eq!(end.seen, [text(""), text("Hello")], "{block:?}");
    }
}

#[test]
fn what_is_not_deflate_fails_with_1007() {
    let cases: [&[u8]; 7] = [
        // A reserved type of block; a distance before the beginning; a stored block whose lengths disagree.
        &[0x07],
        &[0xF2, 0x00, 0x11, 0x00, 0x00],
        &[0x00, 0x05, 0x00, 0xFA, 0xFE, 0x48],
        // Without the octet that begins the last empty block (7.2.3.4, 7.2.3.6).
        &[],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        // Inside a stored block: the tail would become text.
        &[0x00, 0x20, 0x00, 0xDF, 0xFF, 0x48],
        &[0xFF; 40],
    ];
    for payload in cases {
        for config in [alone(), takeover()] {
            assert!(is_corrupt(&texts(&config, &[payload])), "{payload:02x?}");
        }
    }
}

#[test]
fn inflated_text_is_checked_as_it_comes() {
    let bad =
        [b"good \xF0\x9F\x98".as_slice(), b"\xFF never seen", json(10_000).as_bytes()].concat();
    let mut sender = end(Role::Client, &alone());
    sender.connection.send(&bad.into()).unwrap();
    let sent = payloads(&sender.write(usize::MAX)).remove(0).1;
    // Long before the end of the message.
    let mut end = end(Role::Server, &alone());
    end.feed(&frame_with(Role::Server, RSV1, Opcode::Text, false, &sent[..sent.len() / 4]), 100);
    let report = end.report();
    assert_eq!(report.failure, Some(Failure::Protocol(ProtocolError::TextNotUtf8)));
    assert_eq!(report.sent.as_ref().unwrap().code.get(), 1007);
}

#[test]
fn characters_may_be_cut_between_fragments_and_controls_stand_between_them() {
    let string = "aé€😀".repeat(500);
    for role in BOTH {
        let mut sender = end(role.peer(), &takeover());
        let mut receiver = end(role, &takeover());
        for _ in 0..3 {
            sender.connection.send(&string.as_str().into()).unwrap();
            let (rsv, sent) = payloads(&sender.write(usize::MAX)).remove(0);
            assert_eq!(rsv, RSV1);
            let mut opcode = (Opcode::Text, RSV1);
            for byte in &sent {
                receiver.feed(&frame_with(role, opcode.1, opcode.0, false, &[*byte]), 3);
                receiver.feed(&frame(role, Opcode::Pong, true, b"between"), 2);
                opcode = (Opcode::Continuation, 0);
            }
            receiver.feed(&frame(role, Opcode::Continuation, true, b""), 1);
            let mut seen = std::mem::take(&mut receiver.seen);
            assert_eq!(seen.pop(), Some(text(&string)));
            assert_eq!(seen.len(), sent.len());
        }
    }
}

#[test]
fn a_compressed_message_has_no_place_of_its_own_to_be_read_to() {
    let payload = noise(100_000, 5);
    let mut sender = end(Role::Client, &takeover());
    sender.connection.send(&payload.clone().into()).unwrap();
    sender.connection.send_with(&payload.clone().into(), Compress::Never).unwrap();
    let bytes = sender.write(usize::MAX);
    for step in [1000, 16_384, 70_000] {
        let mut receiver = end(Role::Server, &takeover());
        receiver.is_direct = true;
        receiver.feed(&bytes, step);
        assert!(receiver.seen == [binary(&payload), binary(&payload)], "{step} at a time");
    }
}
