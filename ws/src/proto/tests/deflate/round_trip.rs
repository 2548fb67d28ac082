//! Messages of all kinds across a wire that compresses.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::proto::{Compress, Message};

/// What applications send, and what they should not.
fn samples() -> Vec<Message> {
    vec![
        "Hello".into(),
        "".into(),
        json(5).into(),
        Vec::new().into(),
        noise(3000, 1).into(),
        json(400).into(),
        json(400).into(),
        vec![0; 70_000].into(),
        "aé€😀".repeat(300).into(),
        noise(40_000, 2).into(),
        json(6).into(),
    ]
}

#[test]
fn every_window_and_takeover_carries_everything_both_ways() {
    for bits in 8..=15 {
        for takes_over in 0..4 {
            let config = DeflateConfig {
                server_max_window_bits: bits,
                client_max_window_bits: 23 - bits,
                server_no_context_takeover: takes_over & 1 == 0,
                client_no_context_takeover: takes_over & 2 == 0,
                ..takeover()
            };
            let mut wire = wire(1000, &config, &takeover());
            let mut expected = Vec::new();
            for (i, message) in samples().into_iter().enumerate() {
                let compress = [Compress::Auto, Compress::Always, Compress::Never][i % 5 % 3];
                for end in [&mut wire.client, &mut wire.server] {
                    end.connection.send_with(&message, compress).unwrap();
                    end.connection.ping(b"").unwrap();
                }
                expected.push(Seen::Message(message));
                expected.push(Seen::Ping(Vec::new()));
                wire.deliver();
            }
            for end in [wire.client, wire.server] {
                let seen = end.seen.into_iter().filter(|seen| !matches!(seen, Seen::Pong(_)));
                assert!(seen.eq(expected.clone()), "{bits} bits, {takes_over}");
            }
        }
    }
}

#[test]
fn what_we_compress_stays_in_the_agreed_window_at_every_level() {
    // Above all for 8 bits, for which zlib takes 9: the peer has 256 bytes.
    for bits in 8..=15 {
        // Each of its ways to search, and for the narrowest windows every level.
        let levels: &[u8] = if bits < 10 { &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } else { &[1, 2, 6, 9] };
        for &level in levels {
            let config = DeflateConfig { server_max_window_bits: bits, level, ..takeover() };
            let mut server = end(Role::Server, &config);
            let (mut history, mut farthest) = (Vec::new(), 0);
            // Repeated at every distance around the window.
            let window = 1 << bits;
            let mut messages: Vec<Message> = samples();
            for distance in (window - 300..window + 300).step_by(if bits < 11 { 1 } else { 97 }) {
                let distance = usize::try_from(distance).unwrap_or(0).max(20);
                let mut bytes = noise(distance, distance as u64);
                bytes.extend_from_within(..20);
                messages.push(bytes.into());
            }
            for message in messages {
                server.connection.send(&message).unwrap();
                let (rsv, payload) = payloads(&server.write(usize::MAX)).remove(0);
                if rsv == RSV1 {
                    let (inflated, distance) = oracle::inflate(&mut history, &payload);
                    assert!(inflated == message.as_bytes(), "{bits} bits, level {level}");
                    farthest = farthest.max(distance);
                }
            }
            assert!(farthest <= 1 << bits, "{farthest} bytes back with {bits} bits");
            assert!(level == 0 || farthest > (1 << bits) / 4, "the window is used");
        }
    }
}

#[test]
fn each_message_stands_alone_without_context_takeover() {
    for role in BOTH {
        let mut end = end(role, &alone());
        for _ in 0..3 {
            end.connection.send(&json(20).into()).unwrap();
            let (_, payload) = payloads(&end.write(usize::MAX)).remove(0);
            assert_eq!(oracle::inflate(&mut Vec::new(), &payload).0, json(20).as_bytes());
        }
    }
}

#[test]
fn messages_may_be_cut_at_every_byte() {
    for config in [alone(), takeover()] {
        for role in BOTH {
            let mut sender = end(role.peer(), &config);
            let messages: [Message; 3] = [json(3).into(), "é".into(), json(4).into()];
            for (message, compress) in
                messages.iter().zip([Compress::Always, Compress::Never, Compress::Always])
            {
                sender.connection.send_with(message, compress).unwrap();
                sender.connection.ping(b"p").unwrap();
            }
            let bytes = sender.write(usize::MAX);
            let expected: Vec<_> = { messages.into_iter() }
                .flat_map(|message| [Seen::Message(message), Seen::Ping(b"p".to_vec())])
                .collect();
            for cut in 0..=bytes.len() {
                let mut receiver = end(role, &config);
                receiver.feed(&bytes[..cut], usize::MAX);
                receiver.feed(&bytes[cut..], usize::MAX);
                assert_eq!(receiver.seen, expected, "cut at {cut}");
            }
            for step in 1..30 {
                let mut receiver = end(role, &config);
                receiver.feed(&bytes, step);
                assert_eq!(receiver.seen, expected, "{step} at a time");
            }
        }
    }
}

#[test]
fn threshold_and_switch_decide_what_is_compressed() {
    let config = DeflateConfig { threshold: 100, ..takeover() };
    let mut end = end(Role::Client, &config);
    let (short, long) = (Message::from("a".repeat(99)), Message::from("a".repeat(100)));
    let cases = [
        (&short, Compress::Auto, 0),
        (&long, Compress::Auto, RSV1),
        (&short, Compress::Always, RSV1),
        (&long, Compress::Never, 0),
    ];
    for (message, compress, rsv) in cases {
        end.connection.send_with(message, compress).unwrap();
        assert_eq!(payloads(&end.write(usize::MAX))[0].0, rsv, "{} {compress:?}", message.len());
    }
    end.connection.send_with(&"".into(), Compress::Always).unwrap();
    assert_eq!(payloads(&end.write(usize::MAX)), [(0, vec![])]);
}

#[test]
fn what_does_not_become_shorter_is_sent_as_it_is_where_no_context_is_taken_over() {
    for role in BOTH {
        let mut sender = end(role, &alone());
        let payload = noise(1000, 4);
        sender.connection.send(&payload.clone().into()).unwrap();
        sender.connection.send(&json(5).into()).unwrap();
        let sent = payloads(&sender.write(usize::MAX));
        assert_eq!((sent[0].0, &sent[0].1, sent[1].0), (0, &payload, RSV1));
    }
}

fn config() -> impl Strategy<Value = DeflateConfig> {
    (any::<bool>(), any::<bool>(), 8..=15u8, 8..=15u8, 0..=9u8, 0..300usize).prop_map(
        |(server, client, server_bits, client_bits, level, threshold)| DeflateConfig {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
            level,
            threshold,
            ..DeflateConfig::default()
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (0..200usize).prop_map(|count| json(count).into()),
        (0..5000usize, any::<u64>()).prop_map(|(len, seed)| noise(len, seed).into()),
        (0..40_000usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len].into()),
        "\\PC{0,60}".prop_map(Message::from),
    ]
}

fn compress() -> impl Strategy<Value = Compress> {
    prop::sample::select(vec![Compress::Auto, Compress::Always, Compress::Never])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_messages_cross_any_agreement(
        server in config(),
        client in config(),
        messages in vec((any::<bool>(), message(), compress(), any::<bool>()), 1..12),
        step in prop_oneof![1..50usize, 1..100_000usize],
    ) {
        let total: usize = messages.iter().map(|(_, message, ..)| message.len()).sum();
        // A client that demands more than the server has is a matter of the handshake: here they always agree.
        let mut wire = wire(step.max(total / 2000), &server, &client);
        for (is_up, message, compress, pings) in &messages {
            let end = if *is_up { &mut wire.client } else { &mut wire.server };
            end.connection.send_with(message, *compress).unwrap();
            if *pings {
                wire.deliver();
            }
        }
        wire.deliver();
        let of = |up| {
            let sent = messages.iter().filter(move |(is_up, ..)| *is_up == up);
            sent.map(|(_, message, ..)| Seen::Message(message.clone())).collect::<Vec<_>>()
        };
        prop_assert!(wire.server.seen == of(true) && wire.client.seen == of(false));
    }

    #[test]
    fn random_payloads_never_panic_and_mean_the_same_however_they_are_cut(
        payloads in vec(vec(any::<u8>(), 0..60), 1..4),
        step in 1..20usize,
        takes_over: bool,
    ) {
        let config = if takes_over { takeover() } else { alone() };
        for role in BOTH {
            let frames: Vec<u8> =
                payloads.iter().flat_map(|payload| deflated(role, Opcode::Binary, payload)).collect();
            let (mut whole, mut cut) = (end(role, &config), end(role, &config));
            whole.feed(&frames, usize::MAX);
            cut.feed(&frames, step);
            prop_assert!(whole.seen == cut.seen);
        }
    }
}
