//! The same events wherever the reads cut the stream, and no panic whatever stands in it.

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;

use super::wire::*;
use crate::proto::frame::Opcode;
use crate::proto::{Message, Role};

/// What `role` makes of `bytes`, read in pieces that end at `cuts`.
fn seen_cut(role: Role, bytes: &[u8], cuts: &[usize], is_direct: bool) -> Vec<Seen> {
    let now = Instant::now();
    let mut end = End::plain(role);
    end.is_direct = is_direct;
    let mut at = 0;
    for next in cuts.iter().copied().chain([bytes.len()]) {
        end.read(now, &bytes[at..next]);
        at = next;
    }
    end.seen
}

/// A bit of everything that is legal.
fn everything(role: Role) -> (Vec<u8>, usize) {
    use Opcode::*;
    let frames = [
        frame(role, Text, true, "grüezi €😀".as_bytes()),
        frame(role, Binary, true, b""),
        frame(role, Text, true, b""),
        frame(role, Ping, true, b""),
        frame(role, Binary, true, &[7; 126]),
        frame(role, Text, false, "é".as_bytes().split_at(1).0),
        frame(role, Ping, true, b"inside"),
        frame(role, Continuation, false, b""),
        frame(role, Pong, true, b""),
        frame(role, Continuation, true, "é!".as_bytes().split_at(1).1),
        frame(role, Binary, false, b""),
        frame(role, Continuation, true, b""),
        frame(role, Ping, true, &[9; 125]),
        frame(role, Close, true, b"\x03\xE9bye"),
        frame(role, Text, true, b"late"),
    ];
    (frames.concat(), 11)
}

#[test]
fn a_stream_cut_once_at_every_byte_gives_the_same_events() {
    for role in BOTH {
        let (bytes, count) = everything(role);
        let whole = seen(role, &bytes, usize::MAX);
        assert_eq!(whole.len(), count, "{whole:?}");
        for cut in 0..=bytes.len() {
            assert_eq!(seen_cut(role, &bytes, &[cut], false), whole, "cut at {cut}");
        }
    }
}

#[test]
fn a_stream_cut_twice_anywhere_gives_the_same_events() {
    for role in BOTH {
        let (bytes, _) = everything(role);
        let whole = seen(role, &bytes, usize::MAX);
        for first in 0..bytes.len() {
            for second in (first..bytes.len()).step_by(3) {
                let cut = seen_cut(role, &bytes, &[first, second], false);
                assert_eq!(cut, whole, "cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn a_stream_read_in_equal_pieces_of_every_size_gives_the_same_events() {
    for role in BOTH {
        let (bytes, _) = everything(role);
        let whole = seen(role, &bytes, usize::MAX);
        for step in 1..bytes.len() {
            assert_eq!(seen(role, &bytes, step), whole, "{step} at a time");
        }
    }
}

#[test]
fn a_message_read_straight_into_its_own_buffer_may_be_cut_at_every_byte() {
    for role in BOTH {
        // Long enough to be read directly even after its first bytes; each cut also falls into some character.
        let string = "aé€😀".repeat(1720);
        assert_eq!(string.len(), 17_200);
        for (opcode, expected) in
            [(Opcode::Text, text(&string)), (Opcode::Binary, binary(string.as_bytes()))]
        {
            let mut bytes = frame(role, opcode, true, string.as_bytes());
            bytes.extend(frame(role, Opcode::Ping, true, b"next"));
            let expected = [expected, Seen::Ping(b"next".to_vec())];
            // Where `direct` sets in and where the frame ends every byte, in between a prime's distance.
            let ends = (0..900).chain(bytes.len() - 60..=bytes.len());
            for cut in ends.chain((900..bytes.len() - 60).step_by(37)) {
                let seen = seen_cut(role, &bytes, &[cut], true);
                assert!(seen == expected, "{opcode:?} cut at {cut}");
            }
            for step in [1, 2, 3, 1000, 4095, 4096, 4097] {
                let cuts: Vec<_> = (step..bytes.len()).step_by(step).collect();
                assert!(seen_cut(role, &bytes, &cuts, true) == expected, "{step} at a time");
            }
        }
    }
}

#[test]
fn fragments_that_are_read_directly_join_with_those_that_are_not() {
    for role in BOTH {
        let whole: Vec<u8> = (0..=255).cycle().take(200_000).collect();
        let mut bytes = frame(role, Opcode::Binary, false, &whole[..3]);
        bytes.extend(frame(role, Opcode::Continuation, false, &whole[3..100_001]));
        bytes.extend(frame(role, Opcode::Ping, true, b"between"));
        bytes.extend(frame(role, Opcode::Continuation, false, b""));
        bytes.extend(frame(role, Opcode::Continuation, true, &whole[100_001..]));
        for step in [100, 1001, 16_384, 65_536] {
            let cuts: Vec<_> = (step..bytes.len()).step_by(step).collect();
            let got = seen_cut(role, &bytes, &cuts, true);
            assert!(got == [Seen::Ping(b"between".to_vec()), binary(&whole)], "{step} at a time");
        }
    }
}

/// A part of a stream.
#[derive(Debug, Clone)]
enum Part {
    Control(bool, Vec<u8>),
    /// A message, the places where it is cut into fragments, and what stands between them.
    Message(Message, Vec<usize>, Vec<Option<(bool, Vec<u8>)>>),
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => 0..20usize,
        4 => 120..132usize,
        1 => 65_530..65_542usize,
        1 => prop::sample::select(vec![125, 126, 65_535, 65_536]),
        1 => 0..40_000usize,
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let characters = vec!['a', 'é', '€', '😀', '\0', '\u{10FFFF}'];
    let string = (len(), vec(prop::sample::select(characters), 1..9)).prop_map(|(len, unit)| {
        let mut string = String::with_capacity(len + 4);
        for character in unit.into_iter().cycle().take_while({
            let mut left = len;
            move |c| {
                let fits = c.len_utf8() <= left;
                left = left.saturating_sub(c.len_utf8());
                fits
            }
        }) {
            string.push(character);
        }
        Message::from(string)
    });
    let binary = (len(), any::<u8>()).prop_map(|(len, first)| {
        Message::from((0..=255).cycle().skip(first.into()).take(len).collect::<Vec<u8>>())
    });
    prop_oneof![string, binary]
}

fn part() -> impl Strategy<Value = Part> {
    let control = || (any::<bool>(), vec(any::<u8>(), 0..=125));
    let fragments = vec((any::<prop::sample::Index>(), proptest::option::of(control())), 0..5);
    prop_oneof![
        1 => control().prop_map(|(is_ping, payload)| Part::Control(is_ping, payload)),
        3 => (message(), fragments).prop_map(|(message, fragments)| {
            let (mut cuts, between): (Vec<_>, Vec<_>) = fragments
                .into_iter()
                .map(|(cut, between)| (cut.index(message.len() + 1), between))
                .unzip();
            cuts.sort_unstable();
            Part::Message(message, cuts, between)
        }),
    ]
}

fn control(role: Role, is_ping: bool, payload: &[u8]) -> (Vec<u8>, Seen) {
    if is_ping {
        (frame(role, Opcode::Ping, true, payload), Seen::Ping(payload.to_vec()))
    } else {
        (frame(role, Opcode::Pong, true, payload), Seen::Pong(payload.to_vec()))
    }
}

/// The stream for `role` that consists of `parts`, and what is to be seen of it.
fn stream(role: Role, parts: &[Part]) -> (Vec<u8>, Vec<Seen>) {
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    let mut add = |(frame, event): (Vec<u8>, Option<Seen>)| {
        bytes.extend(frame);
        expected.extend(event);
    };
    for part in parts {
        match part {
            Part::Control(is_ping, payload) => {
                let (frame, event) = control(role, *is_ping, payload);
                add((frame, Some(event)));
            }
            Part::Message(message, cuts, between) => {
                let payload = message.as_bytes();
                let (mut opcode, mut at) = (message.opcode(), 0);
                for (cut, between) in cuts.iter().zip(between) {
                    add((frame(role, opcode, false, &payload[at..*cut]), None));
                    (opcode, at) = (Opcode::Continuation, *cut);
                    if let Some((is_ping, payload)) = between {
                        let (frame, event) = control(role, *is_ping, payload);
                        add((frame, Some(event)));
                    }
                }
                let last = frame(role, opcode, true, &payload[at..]);
                add((last, Some(Seen::Message(message.clone()))));
            }
        }
    }
    (bytes, expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_stream_of_frames_gives_the_same_events_wherever_it_is_cut(
        parts in vec(part(), 1..6),
        cuts in vec(any::<prop::sample::Index>(), 0..20),
        is_direct: bool,
    ) {
        for role in BOTH {
            let (bytes, expected) = stream(role, &parts);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            // Not `assert_eq`: megabytes in a message help nobody.
            prop_assert!(seen(role, &bytes, usize::MAX) == expected, "whole");
            prop_assert!(seen_cut(role, &bytes, &cuts, is_direct) == expected, "cut at {cuts:?}");
        }
    }

    #[test]
    fn any_messages_cross_the_wire_however_many_bytes_a_read_delivers(
        messages in vec((any::<bool>(), message()), 1..8),
        step in prop_oneof![1..10usize, 1..100_000usize],
    ) {
        let total: usize = messages.iter().map(|(_, message)| message.len()).sum();
        let mut wire = Wire::new(step.max(total / 2000));
        wire.server.is_direct = true;
        for (is_up, message) in &messages {
            let end = if *is_up { &mut wire.client } else { &mut wire.server };
            end.connection.send(message).unwrap();
        }
        wire.deliver();
        let of = |up| {
            let sent = messages.iter().filter(move |(is_up, _)| *is_up == up);
            sent.map(|(_, message)| Seen::Message(message.clone())).collect::<Vec<_>>()
        };
        prop_assert!(wire.server.seen == of(true) && wire.client.seen == of(false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn random_bytes_never_panic_and_mean_the_same_however_they_are_cut(
        // With a frame that is right before them, often enough.
        begin in proptest::option::of((0..16u8, any::<bool>(), vec(any::<u8>(), 0..130))),
        noise in vec(prop_oneof![any::<u8>(), 0x80..0x8Bu8, 0..3u8], 0..200),
        step in 1..20usize,
    ) {
        for role in BOTH {
            let mut bytes = Vec::new();
            if let Some((opcode, fin, payload)) = &begin
                && let Some(opcode) = Opcode::from_bits(*opcode)
            {
                bytes = frame(role, opcode, *fin, payload);
            }
            bytes.extend(&noise);
            let whole = seen(role, &bytes, usize::MAX);
            prop_assert_eq!(seen(role, &bytes, step), whole.clone());
            let cuts: Vec<_> = (step..bytes.len()).step_by(step).collect();
            prop_assert_eq!(seen_cut(role, &bytes, &cuts, true), whole);
        }
    }
}
