//! Frames that are illegal, too big, too small or too many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ws::net::Stream;
use ws::{Config, Failure, ProtocolError, Role, WebSocket};

use crate::flood::{Flood, echo, many, warm_up};
use crate::memory::Meter;
use crate::raw::frame;

/// What a connection may own at any time, whatever it is that its peer does, if nothing was said that is worth to be kept.
/// It is itself about 1 KiB; the rest is for what it says at the end.
const SMALL: isize = 4 * 1024;
/// Answers that are collected before they are written: 64 KiB, in a vector that has doubled to hold a few bytes more.
const BATCH: isize = 128 * 1024 + SMALL;
/// What takes a second on an idle machine.
const SOON: Duration = Duration::from_secs(60);

fn unlimited() -> Config {
    let mut config = Config::default();
    config.max_message_size = usize::MAX;
    config
}

#[tokio::test(start_paused = true)]
async fn illegal_frames_fail_the_connection_at_once_with_the_right_code_and_cost_nothing() {
    use ProtocolError::*;
    let huge = |len: u64| [&[0x82, 0xFF][..], &len.to_be_bytes()].concat();
    let table: &[(Role, Vec<u8>, ProtocolError, u16)] = &[
        (Role::Server, huge(1 << 63), LengthHighBit, 1002),
        (Role::Server, huge(u64::MAX), LengthHighBit, 1002),
        (Role::Server, [huge(1 << 62), vec![0; 4]].concat(), MessageTooBig, 1009),
        (Role::Server, [huge((1 << 20) + 1), vec![0; 4]].concat(), MessageTooBig, 1009),
        (Role::Server, vec![0x82, 0xFE, 0, 125], NonMinimalLength, 1002),
        (Role::Server, vec![0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], NonMinimalLength, 1002),
        (Role::Server, vec![0x82, 0x02, 1, 2], MaskMissing, 1002),
        (Role::Client, frame(0x82, b"hi"), MaskUnexpected, 1002),
        (Role::Client, [huge(1 << 62), vec![0; 4]].concat(), MaskUnexpected, 1002),
        (Role::Server, frame(0x83, b""), ReservedOpcode, 1002),
        (Role::Server, frame(0xC2, b""), ReservedBits, 1002),
        (Role::Server, frame(0x09, b""), FragmentedControl, 1002),
        (Role::Server, vec![0x89, 0xFE], LongControl, 1002),
        (Role::Server, frame(0x80, b"more"), ContinuationWithoutMessage, 1002),
        (Role::Server, frame(0x88, &[3]), CloseTooShort, 1002),
        (Role::Server, frame(0x88, &[3, 0xED]), CloseCodeInvalid, 1002),
        (Role::Server, frame(0x81, b"\xFF"), TextNotUtf8, 1007),
    ];
    warm_up().await;
    for (role, bytes, error, code) in table {
        let meter = Meter::start();
        // Ten thousand times, in case it is looked at what follows the first.
        let peer = Flood::new([(bytes.clone(), 10_000)]);
        let (seen, owned) = (peer.seen(), meter.live());
        let mut socket = peer.pull_as(*role, Config::default());
        let failure = socket.recv().await.unwrap_err().failure();
        assert_eq!(failure, Failure::Protocol(*error));
        let first = seen.first();
        let (payload, mask) = match role {
            Role::Server => (&first[2..], [0; 2]),
            Role::Client => (&first[6..], [first[2], first[3]]),
        };
        let sent = u16::from_be_bytes([payload[0] ^ mask[0], payload[1] ^ mask[1]]);
        assert_eq!((first[0], sent), (0x88, *code), "{error}");
        assert_eq!(
            seen.taken(),
            u64::from(first[1] & 0x7F) + 2 + (first.len() - payload.len() - 2) as u64,
            "{error}"
        );
        assert!(meter.peak() - owned < SMALL, "{error}: {}", meter.peak() - owned);
    }
}

#[tokio::test(start_paused = true)]
async fn memory_follows_what_arrives_not_what_was_declared() {
    warm_up().await;
    let idle = each_of_100(b"").await;
    for first_byte in [0x81, 0x82, 0x01, 0x02] {
        let mut header = vec![first_byte, 0xFF];
        header.extend_from_slice(&(1u64 << 40).to_be_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&[b'x'; 100]);
        let cost = each_of_100(&header).await - idle;
        // Twice the 4 KiB by which a message grows at least, and what it takes to note that one has begun.
        assert!((100..8192 + 128).contains(&cost), "{cost}");
    }
}

/// What each connection owns whose peer has sent this and nothing more.
async fn each_of_100(sent: &[u8]) -> isize {
    let peers: Vec<_> = (0..100).map(|_| Flood::new([(sent.to_vec(), 1)])).collect();
    let meter = Meter::start();
    let tasks: Vec<_> =
        peers.into_iter().map(|peer| tokio::spawn(echo(peer.pull(unlimited())))).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let live = meter.live() / 100;
    tasks.iter().for_each(|task| task.abort());
    live
}

/// After a big message the next one is read to where it may stay, which is as much memory as the last one took.
#[tokio::test(start_paused = true)]
async fn what_is_kept_ready_for_messages_like_the_last_is_bounded_for_all_connections_together() {
    const PEERS: usize = 200;
    // So that reads of 32 KiB, of which the second is as long as the first was without its header, end with it.
    const LEN: usize = 2 * (32 * 1024 - 14) + 29 * 32 * 1024 + 20_000;
    warm_up().await;
    let mut header = vec![0x82, 0xFF];
    header.extend_from_slice(&(LEN as u64).to_be_bytes());
    header.extend_from_slice(&[0; 4]);
    let peers: Vec<_> = (0..PEERS)
        .map(|_| {
            // A message, and the header of the next one, which comes by itself.
            let payload = [(vec![7; 1024], LEN / 1024), (vec![7; LEN % 1024], 1)];
            let header = || [(header.clone(), 1)];
            let mut peer = Flood::new(header().into_iter().chain(payload).chain(header()));
            // As the segments of TCP come.
            peer.step = 32 * 1024;
            peer
        })
        .collect();
    let meter = Meter::start();
    let held: Vec<_> = peers.into_iter().map(|peer| peer.push(Config::default())).collect();
    // A stopped clock goes on whenever a task gives way to others.
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let live = meter.live();
    assert!(live > 32 << 20, "nothing is kept ready: {live}");
    assert!(live < (64 << 20) + (PEERS * 16 * 1024) as isize, "{live}");
    drop(held);
}

#[tokio::test]
async fn a_million_empty_fragments_make_an_empty_message() {
    warm_up().await;
    let (many, times) = many(&frame(0x00, b""));
    let flood = [(frame(0x02, b""), 1), (many, 1_000_000 / times), (frame(0x80, b""), 1)];
    let mut socket = Flood::new(flood).pull(Config::default());
    let (meter, begun) = (Meter::start(), Instant::now());
    assert_eq!(socket.recv().await.unwrap().unwrap().len(), 0);
    assert!(meter.peak() < SMALL, "{}", meter.peak());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn fragments_of_one_byte_cost_as_much_as_their_message() {
    warm_up().await;
    for first_byte in [0x01, 0x02] {
        let (many, times) = many(&frame(0x00, b"x"));
        let rounds = (1 << 20) / times;
        let flood = [(frame(first_byte, b""), 1), (many, rounds), (frame(0x80, b""), 1)];
        let mut socket = Flood::new(flood).pull(Config::default());
        let (meter, begun) = (Meter::start(), Instant::now());
        let message = socket.recv().await.unwrap().unwrap();
        assert_eq!(message.len(), rounds * times);
        // A vector that has doubled when it was full, and not more.
        assert!(meter.peak() < (2 << 20) + SMALL, "{}", meter.peak());
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn fragments_without_end_fail_with_1009_once_they_are_too_many_bytes() {
    warm_up().await;
    let (many, _) = many(&frame(0x00, &[7; 1000]));
    let mut peer = Flood::new([(frame(0x02, b""), 1), (many, 1000)]);
    peer.ends = true;
    let seen = peer.seen();
    let (meter, mut socket) = (Meter::start(), peer.pull(Config::default()));
    let failure = socket.recv().await.unwrap_err().failure();
    assert_eq!(failure, Failure::Protocol(ProtocolError::MessageTooBig));
    assert_eq!(seen.first()[2..4], 1009u16.to_be_bytes());
    assert!(meter.peak() < (2 << 20) + SMALL, "{}", meter.peak());
    drop(socket);
    assert!(meter.live() < SMALL, "{}", meter.live());
}

#[tokio::test]
async fn a_message_that_arrives_byte_by_byte_costs_linear_time() {
    warm_up().await;
    for len in [1000, 100_000] {
        let mut peer = Flood::new([(frame(0x81, &vec![b'x'; len]), 1)]);
        peer.step = 1;
        let mut socket = peer.pull(Config::default());
        let (meter, begun) = (Meter::start(), Instant::now());
        assert_eq!(socket.recv().await.unwrap().unwrap().len(), len);
        assert!(meter.peak() < 2 * len as isize + 2 * SMALL, "{}", meter.peak());
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

/// A flood of pings, and whether the peer reads the pongs.
async fn ping_flood(reads: bool, pull: bool) {
    warm_up().await;
    for payload in [&[][..], &[b'p'; 125]] {
        let (many, times) = many(&frame(0x89, payload));
        let mut peer = Flood::new([(many, 200_000 / times), (frame(0x88, b""), 1)]);
        (peer.reads, peer.ends) = (reads, true);
        let seen = peer.seen();
        let (meter, begun) = (Meter::start(), Instant::now());
        let failure = if pull {
            let mut socket = peer.pull(Config::default());
            socket.recv().await.map_err(|error| error.failure())
        } else {
            let report = peer.push(Config::default()).1.await.unwrap();
            report.failure.map_or(Ok(None), Err)
        };
        if pull || reads {
            assert_eq!(failure, Ok(None), "the close was heard behind all the pings");
        } else {
            // What a handler's peer does not read holds off what it sends.
            let close_heard = failure == Ok(None) || failure == Err(Failure::PongTimeout);
            assert!(close_heard, "{failure:?}");
        }
        // A handler that is held off keeps the rest of one read.
        let rest = if pull || reads { 0 } else { 256 * 1024 };
        assert!(meter.peak() < BATCH + rest, "{}", meter.peak());
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        if reads {
            let pongs = (200_000 / times * times * (2 + payload.len())) as u64;
            assert!(seen.taken() <= pongs + 2, "not more pongs than pings");
            assert!(seen.first().starts_with(&[0x8A, payload.len() as u8]));
        }
    }
}

#[tokio::test]
async fn a_flood_of_pings_to_a_pulled_socket_costs_one_batch_of_pongs() {
    ping_flood(true, true).await;
}

#[tokio::test]
async fn a_flood_of_pings_to_a_handler_costs_one_batch_of_pongs() {
    ping_flood(true, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_from_who_reads_no_pongs_costs_one_batch_when_pulled() {
    ping_flood(false, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_from_who_reads_no_pongs_costs_one_batch_with_a_handler() {
    ping_flood(false, false).await;
}

#[tokio::test]
async fn a_flood_of_close_frames_gets_one_answer() {
    warm_up().await;
    let (many, times) = many(&frame(0x88, &1000u16.to_be_bytes()));
    let mut peer = Flood::new([(many, 1_000_000 / times)]);
    peer.ends = true;
    let seen = peer.seen();
    let (meter, begun) = (Meter::start(), Instant::now());
    let report = peer.push(Config::default()).1.await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    // It is told as soon as it is known; what the peer still sends is discarded afterwards.
    while seen.given() < 7_000_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(seen.first(), [0x88, 2, 3, 0xE8]);
    assert!(meter.peak() < SMALL, "{}", meter.peak());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

const BIG: usize = 16 << 20;

/// 16 MiB of text, with a byte that is none.
async fn bad_text(at: usize) -> (u64, isize) {
    warm_up().await;
    let header = &frame(0x81, &vec![0; BIG])[..14];
    let mut pieces = vec![(header.to_vec(), 1)];
    let ascii = vec![b'x'; 64 * 1024];
    let rounds = at / ascii.len();
    let mut bad = ascii.clone();
    bad[at % ascii.len()] = 0xFF;
    pieces.extend([(ascii.clone(), rounds), (bad, 1), (ascii, BIG / (64 * 1024) - rounds - 1)]);
    let mut peer = Flood::new(pieces);
    peer.ends = true;
    let seen = peer.seen();
    let (meter, mut socket) = (Meter::start(), peer.pull(unlimited()));
    let failure = socket.recv().await.unwrap_err().failure();
    assert_eq!(failure, Failure::Protocol(ProtocolError::TextNotUtf8));
    assert_eq!(seen.first()[..4], [0x88, 2 + 17, 3, 0xEF], "1007, text is not UTF-8");
    (seen.given_before(), meter.peak())
}

#[tokio::test]
async fn text_that_is_wrong_in_its_first_byte_fails_early() {
    let (given, peak) = bad_text(0).await;
    assert!(given <= 512 * 1024, "{given}");
    assert!(peak < 512 * 1024, "{peak}");
}

#[tokio::test]
async fn text_that_is_wrong_in_its_last_byte_of_16_mib_fails_too() {
    let (given, peak) = bad_text(BIG - 1).await;
    assert_eq!(given, BIG as u64 + 14);
    assert!(peak < 2 * BIG as isize, "{peak}");
}

/// The code units of a character, cut by frames: valid as a whole, and known to be wrong as early as can be.
#[tokio::test]
async fn text_that_can_not_become_valid_fails_before_its_message_ends() {
    for (pieces, valid) in
        [(&[&b"\xF0"[..], b"\x9F", b"\x98", b"\x80"], true), (&[b"\xF4", b"\x90", b"", b""], false)]
    {
        let (mut peer, ours) = tokio::io::duplex(1 << 10);
        let mut socket =
            WebSocket::from_stream(Stream::new(ours), Bytes::new(), Role::Server, Arc::default());
        peer.write_all(&frame(0x01, pieces[0])).await.unwrap();
        for piece in &pieces[1..] {
            peer.write_all(&frame(0x00, piece)).await.unwrap();
        }
        if valid {
            peer.write_all(&frame(0x80, b"")).await.unwrap();
            assert_eq!(socket.recv().await.unwrap().unwrap().as_text(), Some("😀"));
        } else {
            let closing = tokio::spawn(async move { socket.recv().await });
            let mut close = [0; 4];
            peer.read_exact(&mut close).await.unwrap();
            assert_eq!(close[2..], 1007u16.to_be_bytes());
            drop(peer);
            assert!(closing.await.unwrap().is_err());
        }
    }
}
