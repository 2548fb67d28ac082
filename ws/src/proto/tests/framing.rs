//! Base framing (RFC 6455 §5.2), masking (§5.3) and sending (§6.1).

use std::io::IoSlice;

use bytes::{Buf, Bytes};

use super::wire::*;
use crate::Config;
use crate::outbox::Outbox;
use crate::proto::frame::{Header, Opcode};
use crate::proto::{
    CloseCode, CloseFrame, Connection, Failure, Initiator, Message, NotOpen, Outgoing, Prepared,
    ProtocolError, Role, Transmitter, mask,
};

const EDGES: [usize; 10] = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537];

#[test]
fn the_examples_of_the_rfc_are_understood() {
    // §5.7.
    let to_client: &[(&[u8], Seen)] = &[
        (&[0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], text("Hello")),
        (&[0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F], text("Hello")),
        (&[0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], Seen::Ping(b"Hello".to_vec())),
    ];
    for (bytes, expected) in to_client {
        assert_eq!(seen(Role::Client, bytes, 99), std::slice::from_ref(expected));
    }
    let masked = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
    assert_eq!(seen(Role::Server, &masked, 99), [text("Hello")]);
    let pong = [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
    assert_eq!(seen(Role::Server, &pong, 99), [Seen::Pong(b"Hello".to_vec())]);
}

#[test]
fn messages_of_every_length_class_cross_the_wire_both_ways() {
    for step in [1, 7, 4096, usize::MAX] {
        for len in EDGES.into_iter().filter(|len| step > 1 || *len < 200) {
            let mut wire = Wire::new(step);
            let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
            let string = "x".repeat(len);
            let messages = [Message::from(bytes), Message::from(string)];
            for message in &messages {
                wire.client.connection.send(message).unwrap();
                wire.server.connection.send(message).unwrap();
            }
            let masks_and_headers = wire.deliver() - 4 * len;
            let expected = messages.map(Seen::Message);
            assert_eq!(wire.server.seen, expected, "{len} bytes up, {step} at a time");
            assert_eq!(wire.client.seen, expected, "{len} bytes down, {step} at a time");
            let head = match len {
                0..126 => 2,
                126..65_536 => 4,
                _ => 10,
            };
            assert_eq!(masks_and_headers, 4 * head + 2 * 4, "minimal lengths, client masks");
        }
    }
}

#[test]
fn a_client_masks_each_frame_with_a_new_key() {
    // §5.3: "chosen at random by the client", "fresh" for each frame.
    use std::sync::atomic::{AtomicU8, Ordering};
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let source = || [NEXT.fetch_add(1, Ordering::Relaxed); 4];
    let now = std::time::Instant::now();
    let mut client = Connection::new(Role::Client, Config::default().into(), source, now);
    client.send(&"a".into()).unwrap();
    client.ping(b"b").unwrap();
    client.close(CloseFrame::empty(), now);
    let bytes = client.outbox().chunk();
    assert_eq!(
        bytes,
        [
            0x81,
            0x81,
            1,
            1,
            1,
            1,
            b'a' ^ 1,
            0x89,
            0x81,
            2,
            2,
            2,
            2,
            b'b' ^ 2,
            0x88,
            0x80,
            3,
            3,
            3,
            3
        ]
    );
}

#[test]
fn a_prepared_message_is_the_frame_that_a_server_sends_and_a_client_masks_it() {
    for len in EDGES {
        let prepared = [Prepared::text(&"é".repeat(len)), Prepared::binary(&vec![7; len])];
        for prepared in prepared {
            let mut plain = transmitter(Role::Server);
            plain.send(prepared.message()).unwrap();
            assert_eq!(rest(&plain), prepared.frame());
            let mut server = transmitter(Role::Server);
            server.send(&prepared).unwrap();
            assert_eq!(rest(&server), prepared.frame());
            let mut client = transmitter(Role::Client);
            client.send(&prepared).unwrap();
            let mut bytes = rest(&client);
            let (header, used) = Header::decode(&bytes).unwrap().unwrap();
            assert_eq!(header.mask, Some(KEY));
            mask::apply(KEY, 0, &mut bytes[used..]);
            assert_eq!(bytes[used..], prepared.payload());
        }
    }
}

#[test]
fn big_payloads_of_a_server_are_shared_and_not_copied() {
    let payload = Bytes::from(vec![5; 100_000]);
    let prepared = Prepared::binary(&payload);
    let mut server = transmitter(Role::Server);
    server.send(&Message::from(payload.clone())).unwrap();
    server.send(Outgoing::Text("small")).unwrap();
    server.send(&prepared).unwrap();
    let mut slices = [IoSlice::new(&[]); 8];
    let count = server.outbox().chunks_vectored(&mut slices);
    assert_eq!(count, 4, "header, payload, small frame, prepared frame");
    assert_eq!(slices[1].as_ptr(), payload.as_ptr());
    assert_eq!(slices[2][..], *b"\x81\x05small");
    assert_eq!(slices[3].as_ptr(), prepared.frame().as_ptr());
    assert_eq!(slices[..count].iter().map(|s| s.len()).sum::<usize>(), server.outbox().len());
}

#[test]
fn small_frames_leave_as_one_piece() {
    let mut server = transmitter(Role::Server);
    for _ in 0..100 {
        server.send(Outgoing::Text("small")).unwrap();
        server.send(&Prepared::text("prepared")).unwrap();
    }
    assert_eq!(server.outbox().chunk().len(), 100 * (2 + 5 + 2 + 8));
}

#[test]
fn a_write_looks_only_at_the_pieces_that_it_can_take() {
    // 200,000 shared pieces, two at a time: quadratic work would take minutes.
    let started = std::time::Instant::now();
    let mut outbox = Outbox::new();
    let piece = Bytes::from_static(&[1; 16]);
    for _ in 0..200_000 {
        outbox.extend(b"ab");
        outbox.push(piece.clone());
    }
    let mut left = outbox.len();
    while left > 0 {
        let mut slices = [IoSlice::new(&[]); 2];
        let count = outbox.chunks_vectored(&mut slices);
        let taken: usize = slices[..count].iter().map(|s| s.len()).sum();
        assert_eq!((count, taken), (2, 18));
        outbox.advance(taken);
        left -= taken;
    }
    assert!(outbox.is_empty());
    assert!(started.elapsed().as_secs() < 30, "took {:?}", started.elapsed());
}

/// Frames that must not be sent to `role`, and why.
fn illegal(role: Role) -> Vec<(Vec<u8>, ProtocolError)> {
    use Opcode::*;
    use ProtocolError::*;
    let mut table = Vec::new();
    let ok = |opcode, fin, payload: &[u8]| frame(role, opcode, fin, payload);
    let with_first = |first: u8| {
        let mut bytes = ok(Binary, true, b"abc");
        bytes[0] = first;
        bytes
    };
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        table.push((with_first(0x80 | opcode), ReservedOpcode));
        table.push((with_first(opcode), ReservedOpcode));
    }
    for opcode in [Text, Binary, Close, Ping, Pong] {
        for rsv in 1..8 {
            table.push((with_first(0x80 | rsv << 4 | opcode.bits()), ReservedBits));
        }
    }
    // A masked frame from a server, an unmasked one from a client.
    let (other, error) = match role {
        Role::Server => (Role::Client, MaskMissing),
        Role::Client => (Role::Server, MaskUnexpected),
    };
    for opcode in [Text, Binary, Close, Ping, Pong] {
        table.push((frame(other, opcode, true, b""), error));
        table.push((frame(other, opcode, true, &[3, 0xE8]), error));
    }
    for opcode in [Close, Ping, Pong] {
        table.push((ok(opcode, false, b""), FragmentedControl));
        table.push((ok(opcode, false, b"abc"), FragmentedControl));
        table.push((ok(opcode, true, &[b'x'; 126]), LongControl));
        table.push((ok(opcode, true, &[b'x'; 70_000]), LongControl));
    }
    let masked = if role == Role::Server { 0x80 } else { 0 };
    for opcode in [Text, Binary] {
        let first = 0x80 | opcode.bits();
        for len in [0, 1, 125] {
            table.push((vec![first, masked | 126, 0, len], NonMinimalLength));
        }
        let mut long = vec![first, masked | 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];
        table.push((long.clone(), NonMinimalLength));
        long[8..].fill(0);
        table.push((long.clone(), NonMinimalLength));
        long[2] = 0x80;
        table.push((long.clone(), LengthHighBit));
        long[2..].fill(0xFF);
        table.push((long, LengthHighBit));
    }
    for fin in [false, true] {
        table.push((ok(Continuation, fin, b""), ContinuationWithoutMessage));
        table.push((ok(Continuation, fin, b"abc"), ContinuationWithoutMessage));
    }
    for (begun, next) in [(Text, Text), (Text, Binary), (Binary, Text), (Binary, Binary)] {
        for fin in [false, true] {
            let both = [ok(begun, false, b"abc"), ok(next, fin, b"def")].concat();
            table.push((both, MessageInterrupted));
        }
    }
    table.push((ok(Close, true, &[3]), CloseTooShort));
    let invalid_codes =
        [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32_768, 65_535];
    for code in invalid_codes {
        table.push((ok(Close, true, &u16::to_be_bytes(code)), CloseCodeInvalid));
    }
    table.push((ok(Close, true, b"\x03\xE8ok \xFF"), CloseReasonNotUtf8));
    table.push((ok(Close, true, b"\x03\xE8\xC3"), CloseReasonNotUtf8));
    table.push((ok(Text, true, b"ok \xC0\x80"), TextNotUtf8));
    table.push((ok(Text, true, b"stops inside \xE2\x82"), TextNotUtf8));
    let surrogate = [ok(Text, false, b"\xED"), ok(Continuation, true, b"\xA0\x80")].concat();
    table.push((surrogate, TextNotUtf8));
    table.push((ok(Binary, true, &vec![0; (1 << 20) + 1]), MessageTooBig));
    let halves = vec![0; 1 << 19];
    let three = [ok(Binary, false, &halves), ok(Continuation, false, &halves)];
    table.push(([three.concat(), ok(Continuation, true, b"1")].concat(), MessageTooBig));
    table
}

/// The code that RFC 6455 wants, written down a second time.
fn wanted(error: ProtocolError) -> u16 {
    match error {
        // §8.1, §7.4.1: "data within a message that was not consistent with the type of the message".
        ProtocolError::TextNotUtf8 | ProtocolError::CloseReasonNotUtf8 => 1007,
        // §7.4.1: "too big for it to process".
        ProtocolError::MessageTooBig | ProtocolError::FrameTooBig => 1009,
        _ => 1002,
    }
}

#[test]
fn illegal_frames_fail_the_connection_with_their_code_and_end_its_input() {
    for role in BOTH {
        for (bytes, error) in illegal(role) {
            let shown = &bytes[..bytes.len().min(20)];
            for step in [1, 13, usize::MAX] {
                if step < bytes.len() / 10_000 {
                    continue;
                }
                let mut end = End::plain(role);
                end.feed(&frame(role, Opcode::Ping, true, b"before"), step);
                let mut input = bytes.clone();
                // A peer may have sent more before it learns of its mistake.
                input.extend(frame(role, Opcode::Text, true, b"after"));
                input.extend(frame(role, Opcode::Ping, true, b"after"));
                input.extend(frame(role, Opcode::Close, true, b""));
                end.feed(&input, step);
                end.eof();
                assert_eq!(end.seen.len(), 2, "{role:?} {error:?} {shown:02x?}");
                let sent = CloseFrame::new(CloseCode::new(wanted(error)).unwrap(), error.reason());
                let report = end.report().clone();
                assert_eq!(report.failure, Some(Failure::Protocol(error)), "{shown:02x?}");
                assert_eq!(report.sent, Some(sent.clone()));
                assert_eq!((report.received, report.initiator), (None, Initiator::Local));
                assert_eq!(end.connection.send(&"late".into()), Err(NotOpen));
                // The pong to the ping before, the close frame, and nothing else.
                let left = end.sent();
                assert_eq!(left[0], Seen::Pong(b"before".to_vec()));
                let Seen::Closed(theirs) = &left[1] else { panic!("{left:?}") };
                assert_eq!((left.len(), theirs.received.as_ref()), (2, Some(&sent)));
            }
        }
    }
}

#[test]
fn reasons_of_violations_fit_into_a_close_frame() {
    for (_, error) in illegal(Role::Server) {
        assert!(!error.reason().is_empty() && error.reason().len() <= 123);
        assert_eq!(CloseFrame::new(error.close_code(), error.reason()).reason, error.reason());
    }
}

fn transmitter(role: Role) -> Transmitter {
    Transmitter::new(role, Config::default().into(), || KEY, std::time::Instant::now())
}

/// What is to be written.
fn rest(transmitter: &Transmitter) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 16];
    let count = transmitter.outbox().chunks_vectored(&mut slices);
    slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect()
}
