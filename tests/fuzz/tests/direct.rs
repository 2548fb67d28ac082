//! Small enough for Miri: the ways through the receiving half that reach the `unsafe` of `ws`.

use std::sync::Arc;

use bytes::BufMut;
use ws::proto::frame::{Header, Opcode};
use ws::proto::{Received, Receiver};
use ws::{Config, Message, Prepared, ProtocolError, Role};

fn frame(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let header = Header { fin, rsv: 0, opcode, mask: None, len: payload.len() as u64 };
    let (bytes, used) = header.encode();
    [&bytes[..used], payload].concat()
}

/// What a client receives, piece by piece, straight into the message where that is possible; and how much went that way.
fn receive(pieces: &[&[u8]]) -> (Vec<Result<Message, ProtocolError>>, usize) {
    let mut receiver = Receiver::new(Role::Client, Arc::new(Config::default()));
    let (mut all, mut direct) = (Vec::new(), 0);
    let mut keep = |received: Received<'_>| match received {
        Received::Message(payload) => all.push(Ok(payload.into_message())),
        Received::Violation(error) => all.push(Err(error)),
        other => panic!("{other:?}"),
    };
    for piece in pieces {
        let mut rest = *piece;
        while let Some(mut spare) = receiver.direct().filter(|_| !rest.is_empty()) {
            let count = rest.len().min(spare.remaining_mut());
            spare.put_slice(&rest[..count]);
            rest = &rest[count..];
            direct += count;
            receiver.handle_direct(count).map(&mut keep);
        }
        let mut rest = rest.to_vec();
        let mut input = &mut rest[..];
        while let Some(received) = receiver.handle_input(&mut input) {
            keep(received);
        }
    }
    (all, direct)
}

#[test]
fn text_that_is_read_straight_into_its_message_is_whole_and_valid() {
    let text = "aé€😀".repeat(2500);
    let bytes = frame(Opcode::Text, true, text.as_bytes());
    // Each cut within a character.
    let (a, rest) = bytes.split_at(6);
    let (b, c) = rest.split_at(600 * 10 + 8);
    let (seen, direct) = receive(&[a, b, c]);
    assert!(direct >= 4096, "{direct} bytes read directly");
    assert!(seen == [Ok(text.as_str().into())]);
}

#[test]
fn text_that_goes_wrong_while_it_is_read_directly_fails_at_once() {
    let mut payload = "€".repeat(5700).into_bytes();
    payload[16_500] = 0xFF;
    let bytes = frame(Opcode::Text, true, &payload);
    let (seen, _) = receive(&[&bytes[..10], &bytes[10..400], &bytes[400..bytes.len() - 1]]);
    assert_eq!(seen, [Err(ProtocolError::TextNotUtf8)]);
}

#[test]
fn texts_from_fragments_and_prepared_messages_are_valid() {
    let first = frame(Opcode::Text, false, "é€".as_bytes().split_at(3).0);
    let last = frame(Opcode::Continuation, true, "é€".as_bytes().split_at(3).1);
    let (seen, _) = receive(&[&first, &last]);
    assert_eq!(seen, [Ok("é€".into())]);
    let prepared = Prepared::build_text(|buffer| buffer.push_str("grüezi"));
    let (seen, _) = receive(&[&prepared.frame()]);
    assert_eq!(seen, [Ok(prepared.message().clone())]);
    drop(prepared);
    assert_eq!(seen[0].as_ref().unwrap().as_text(), Some("grüezi"));
}
