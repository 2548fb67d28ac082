//! Compression: of polling responses by `Accept-Encoding` (rule 6), of WebSocket messages by permessage-deflate, and the choice that
//! each message has.

use std::io::Read as _;

use flate2::read::{GzDecoder, ZlibDecoder};
use sio::engine::{Config, HttpCompression, Outgoing};
use tokio::io::AsyncReadExt;
use ws::DeflateConfig;

use crate::client::{Answer, HANDSHAKE, Http, OPEN, WEBSOCKET};
use crate::rig::{Rig, out, soon};

fn long() -> String {
    "all work and no play ".repeat(100)
}

fn unpack(answer: &Answer) -> String {
    let mut text = String::new();
    match answer.header("content-encoding") {
        Some("gzip") => GzDecoder::new(&answer.bytes[..]).read_to_string(&mut text).unwrap(),
        Some("deflate") => ZlibDecoder::new(&answer.bytes[..]).read_to_string(&mut text).unwrap(),
        other => panic!("{other:?}"),
    };
    text
}

/// What a client that accepts this gets for these packets.
async fn poll(config: Config, accept: &str, packets: &[Outgoing]) -> Answer {
    let mut rig = Rig::with(config).await;
    let mut http = Http::connect(rig.addr).await;
    let open = http.get(OPEN).await;
    let sid = open.body.split('"').nth(3).unwrap();
    rig.opened().await.send_all(packets).unwrap();
    let headers = format!("Accept-Encoding: {accept}\r\n");
    http.send("GET", &format!("{OPEN}&sid={sid}"), &headers, "").await;
    http.answer().await
}

#[tokio::test]
async fn rule_6_long_answers_are_compressed_for_who_accepts_it() {
    for (accept, coding) in [("gzip, deflate, br", "gzip"), ("deflate", "deflate"), ("*", "gzip")] {
        let answer = poll(Config::default(), accept, &[out(&long())]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-encoding"), Some(coding), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert!(answer.bytes.len() < 200);
        assert_eq!(unpack(&answer), format!("4{}", long()));
    }
}

#[tokio::test]
async fn rule_6_answers_that_are_too_long_for_the_task_are_compressed_too() {
    let huge = long().repeat(100);
    let answer = poll(Config::default(), "gzip", &[out(&huge), out("b")]).await;
    assert_eq!(unpack(&answer), format!("4{huge}\x1e4b"));
}

#[tokio::test]
async fn rule_6_other_answers_are_not_compressed() {
    let off = || {
        let mut config = Config::default();
        config.http_compression = None;
        config
    };
    let secret = out(&long()).compress(false);
    for (name, config, accept, packets) in [
        ("short", Config::default(), "gzip", vec![out("short")]),
        ("not accepted", Config::default(), "br;q=1, gzip;q=0", vec![out(&long())]),
        ("off", off(), "gzip", vec![out(&long())]),
        ("not to be compressed", Config::default(), "gzip", vec![secret.clone()]),
        ("one not to be compressed", Config::default(), "gzip", vec![out("a"), secret]),
    ] {
        let answer = poll(config, accept, &packets).await;
        assert_eq!(answer.header("content-encoding"), None, "{name}");
        assert!(answer.body.starts_with('4'), "{name}");
    }
}

#[tokio::test]
async fn rule_6_the_threshold_can_be_set() {
    let mut config = Config::default();
    let mut compression = HttpCompression::default();
    compression.threshold = 10;
    config.http_compression = Some(compression);
    let text = "x".repeat(100);
    assert_eq!(unpack(&poll(config, "gzip", &[out(&text)]).await), format!("4{text}"));
}

/// The first bytes of the frames that the client of a new session gets, after the open packet.
async fn frames(
    config: Config,
    offer: &str,
    packets: &[Outgoing],
) -> (Option<String>, Vec<(u8, usize)>) {
    let mut rig = Rig::with(config).await;
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", WEBSOCKET, &format!("{HANDSHAKE}{offer}"), "").await;
    let answer = http.answer().await;
    assert_eq!(answer.status, 101);
    let extension = answer.header("sec-websocket-extensions").map(str::to_owned);
    let handle = rig.opened().await;
    handle.send_all(packets).unwrap();
    handle.close();
    let mut bytes = http.take_read();
    soon(async {
        // Until the close frame.
        while parse(&bytes).last().is_none_or(|(first, _)| first & 0x0f != 8) {
            assert_ne!(http.stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
    })
    .await;
    let mut frames = parse(&bytes);
    frames.remove(0);
    frames.pop();
    (extension, frames)
}

fn parse(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (length, rest) = match (*second, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (length @ ..126, rest) => (usize::from(length), rest),
            _ => break,
        };
        let Some(rest) = rest.get(length..) else { break };
        frames.push((*first, length));
        bytes = rest;
    }
    frames
}

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

#[tokio::test]
async fn permessage_deflate_is_off_by_default_and_asks_the_client() {
    let packets = [out(&long())];
    let (extension, frames_off) = frames(Config::default(), OFFER, &packets).await;
    assert_eq!((extension, frames_off[0].0), (None, 0x81));
    let mut config = Config::default();
    config.per_message_deflate = Some(DeflateConfig::default());
    let (extension, frames_unasked) = frames(config, "", &packets).await;
    assert_eq!((extension, frames_unasked[0].0), (None, 0x81));
}

#[tokio::test]
async fn each_message_says_whether_it_is_compressed() {
    let mut config = Config::default();
    config.per_message_deflate = Some(DeflateConfig::default());
    let packets =
        [out(&long()), out(&long()).compress(false), out("short"), Outgoing::binary(&[7; 2000])];
    let (extension, frames) = frames(config, OFFER, &packets).await;
    assert!(extension.is_some_and(|extension| extension.starts_with("permessage-deflate")));
    let first_bytes: Vec<_> = frames.iter().map(|(first, _)| *first).collect();
    assert_eq!(first_bytes, [0xc1, 0x81, 0x81, 0xc2], "RSV1 marks what is compressed");
    assert!(frames[0].1 < 200 && frames[1].1 == long().len() + 1);
}

#[tokio::test]
async fn compressed_messages_of_clients_are_read() {
    let mut config = Config::default();
    config.per_message_deflate = Some(DeflateConfig::default());
    let mut rig = Rig::with(config).await;
    let client = ws::Client::builder(format!("ws://{}{WEBSOCKET}", rig.addr))
        .deflate(DeflateConfig::default());
    let mut socket = soon(client.connect()).await.unwrap();
    rig.opened().await;
    assert!(soon(socket.recv()).await.unwrap().unwrap().as_text().unwrap().starts_with('0'));
    socket.send(format!("4echo {}", long())).await.unwrap();
    assert_eq!(rig.text().await, format!("echo {}", long()));
    let back = soon(socket.recv()).await.unwrap().unwrap();
    assert_eq!(back.as_text(), Some(format!("4{}", long()).as_str()));
}
