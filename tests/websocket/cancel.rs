//! Futures that are dropped at every await: nothing is lost, nothing comes twice, the order stays.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::yield_now;
use ws::net::Stream;
use ws::{Client, CloseCode, Config, Message, Role, Sender, WebSocket, WebSocketReader};

use crate::{raw, server};

/// How often a future is polled before it is dropped, each in turn.
const POLLS: std::ops::Range<usize> = 1..12;
/// Bytes that the pipe between the two ends takes: the fewer, the more awaits.
const PIPES: [usize; 3] = [1, 7, 100];

/// Polls a future up to so many times, and lets others run in between; then drops it.
async fn attempt<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

fn socket(stream: DuplexStream, role: Role, config: &Config) -> WebSocket {
    WebSocket::from_stream(Stream::new(stream), Bytes::new(), role, Arc::new(config.clone()))
}

fn message(i: usize) -> Message {
    if i.is_multiple_of(2) { vec![i as u8; i * 3].into() } else { "é".repeat(i).into() }
}

const MESSAGES: usize = 40;

/// The messages as a client may send them: in frames, in fragments, with pings in between.
async fn send_raw(mut peer: DuplexStream) {
    for i in 0..MESSAGES {
        let (message, kind) = (message(i), if i % 2 == 0 { 0x02 } else { 0x01 });
        let (front, back) = message.as_bytes().split_at(message.len() / 2);
        let mut bytes = raw::frame(kind, front);
        bytes.extend(raw::frame(0x89, &[i as u8]));
        bytes.extend(raw::frame(0x80, back));
        let (mut read, mut write) = tokio::io::split(&mut peer);
        let mut pong = [0; 3];
        let (written, _) = tokio::join!(write.write_all(&bytes), read.read_exact(&mut pong));
        written.unwrap();
        assert_eq!(pong, [0x8A, 1, i as u8], "each ping has its pong, once");
    }
    peer.write_all(&raw::close(1000)).await.unwrap();
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, [0x88, 2, 3, 0xE8]);
}

/// Receives all by futures that are dropped, until one of them has it.
async fn receive_all<T>(
    polls: usize,
    state: &mut T,
    mut receive: impl AsyncFnMut(&mut T) -> Option<Message>,
) {
    for i in 0..=MESSAGES {
        let received = loop {
            match attempt(receive(state), polls).await {
                Some(received) => break received,
                None => yield_now().await,
            }
        };
        assert_eq!(received, (i < MESSAGES).then(|| message(i)), "{polls} polls");
    }
}

#[tokio::test]
async fn a_receive_dropped_at_every_await_loses_nothing() {
    for (pipe, polls) in PIPES.iter().flat_map(|pipe| POLLS.map(move |polls| (*pipe, polls))) {
        for way in 0..4 {
            let (peer, ours) = tokio::io::duplex(pipe);
            let peer = tokio::spawn(send_raw(peer));
            let mut socket = socket(ours, Role::Server, &Config::default());
            match way {
                0 => {
                    receive_all(polls, &mut socket, async |s: &mut WebSocket| {
                        s.recv().await.unwrap()
                    })
                    .await;
                }
                1 => {
                    receive_all(polls, &mut socket, async |s: &mut WebSocket| {
                        s.next().await.transpose().unwrap()
                    })
                    .await;
                }
                2 => {
                    let (mut reader, _sender) = socket.split();
                    receive_all(polls, &mut reader, async |r: &mut WebSocketReader| {
                        r.recv().await.unwrap()
                    })
                    .await;
                }
                _ => {
                    let (mut reader, _sender) = socket.split();
                    receive_all(polls, &mut reader, async |r: &mut WebSocketReader| {
                        r.next().await.transpose().unwrap()
                    })
                    .await;
                }
            }
            peer.await.unwrap();
        }
    }
}

/// What became of a message whose send was dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dropped {
    /// Only a send that waits for room can be dropped, and then nothing was queued.
    IsGone,
    /// A sink also waits until it is written.
    MayArrive,
}

/// Sends by futures that are dropped, and holds what arrives against what was told.
async fn send_all<T>(
    (pipe, polls): (usize, usize),
    dropped: Dropped,
    make: impl FnOnce(WebSocket) -> (T, Option<WebSocketReader>),
    mut send: impl AsyncFnMut(&mut T, Message) -> bool,
) {
    let mut config = Config::default();
    config.max_buffered_bytes = 60;
    let (theirs, ours) = tokio::io::duplex(pipe);
    let mut peer = socket(theirs, Role::Client, &Config::default());
    let receiving = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(message) = peer.recv().await.unwrap() {
            all.push(message);
            yield_now().await;
        }
        all
    });
    let socket = socket(ours, Role::Server, &config);
    let sender = socket.sender();
    let (mut state, reader) = make(socket);
    let reading = reader.map(|mut reader| {
        tokio::spawn(async move { assert_eq!(reader.recv().await.unwrap(), None) })
    });
    let mut sent = Vec::new();
    for i in 0..MESSAGES {
        let done = attempt(send(&mut state, message(i)), polls).await;
        assert_ne!(done, Some(false), "the connection is open");
        sent.push((message(i), done.is_some()));
    }
    sender.close(CloseCode::NORMAL, "");
    drop(state);
    if let Some(reading) = reading {
        reading.await.unwrap();
    }
    let mut arrived = receiving.await.unwrap().into_iter().peekable();
    for (message, done) in sent {
        let came = arrived.next_if_eq(&message).is_some();
        assert!(came || !done, "{polls} polls: lost, or out of order: {message:?}");
        assert!(done || !came || dropped == Dropped::MayArrive, "sent although it was dropped");
    }
    assert_eq!(arrived.next(), None, "{polls} polls: came twice");
}

#[tokio::test]
async fn a_send_dropped_at_every_await_has_sent_the_whole_message_or_nothing() {
    for case in PIPES.iter().flat_map(|pipe| POLLS.map(move |polls| (*pipe, polls))) {
        let whole = |socket| (socket, None);
        let halves = |socket: WebSocket| {
            let (reader, sender) = socket.split();
            (sender, Some(reader))
        };
        send_all(case, Dropped::IsGone, whole, async |s: &mut WebSocket, m| {
            s.send(m).await.is_ok()
        })
        .await;
        send_all(case, Dropped::IsGone, halves, async |s: &mut Sender, m| s.send(m).await.is_ok())
            .await;
        send_all(case, Dropped::IsGone, halves, async |s: &mut Sender, m| {
            s.send_timeout(m, Duration::from_secs(3600)).await.is_ok()
        })
        .await;
        send_all(case, Dropped::IsGone, whole, async |s: &mut WebSocket, m| {
            s.feed(m).await.is_ok()
        })
        .await;
        send_all(case, Dropped::MayArrive, whole, async |s: &mut WebSocket, m| {
            SinkExt::send(s, m).await.is_ok()
        })
        .await;
        send_all(case, Dropped::MayArrive, whole, async |s: &mut WebSocket, m| {
            let sent = s.send(m).await.is_ok();
            s.flush().await;
            sent
        })
        .await;
        send_all(case, Dropped::MayArrive, halves, async |s: &mut Sender, m| {
            let sent = s.send(m).await.is_ok();
            s.drained().await;
            sent
        })
        .await;
    }
}

/// Both at once on one socket, each dropped when the other is done.
#[tokio::test]
async fn receiving_and_sending_may_interrupt_each_other_at_every_await() {
    for pipe in PIPES {
        let mut config = Config::default();
        config.max_buffered_bytes = 60;
        let run = async |mut socket: WebSocket, polls: usize| {
            let (mut sent, mut received) = (0, 0);
            while sent < MESSAGES || received < MESSAGES {
                if sent < MESSAGES && attempt(socket.send(message(sent)), polls).await.is_some() {
                    sent += 1;
                }
                if let Some(incoming) = attempt(socket.recv(), polls).await {
                    assert_eq!(incoming.unwrap().unwrap(), message(received), "{polls}");
                    received += 1;
                }
            }
            while attempt(socket.flush(), polls).await.is_none() {}
            socket
        };
        for polls in POLLS {
            let (a, b) = tokio::io::duplex(pipe);
            let client = socket(a, Role::Client, &config);
            let server = socket(b, Role::Server, &config);
            let (mut client, mut server) =
                tokio::join!(run(client, polls), run(server, 12 - polls));
            let (ours, theirs) = tokio::join!(client.close(CloseCode::NORMAL, ""), server.recv());
            assert!(ours.is_clean());
            assert_eq!(theirs.unwrap(), None);
        }
    }
}

/// A close that is dropped after any number of polls, until it is not dropped any more.
#[tokio::test]
async fn a_close_dropped_at_every_await_goes_on_and_may_be_called_again() {
    for pipe in PIPES {
        for polls in 1.. {
            let (theirs, ours) = tokio::io::duplex(pipe);
            let (mut peer, mut ours) = (
                socket(theirs, Role::Client, &Config::default()),
                socket(ours, Role::Server, &Config::default()),
            );
            let receiving = tokio::spawn(async move {
                let mut all = Vec::new();
                while let Some(message) = peer.recv().await.unwrap() {
                    all.push(message);
                }
                (all, peer.sender().report().unwrap())
            });
            for i in 0..4 {
                ours.try_send(message(i)).unwrap();
            }
            let done = attempt(ours.close(CloseCode::NORMAL, "bye"), polls).await;
            assert!(!ours.sender().is_open(), "on its way since it was polled");
            assert!(ours.send("more").await.is_err());
            let again = ours.close(CloseCode::GOING_AWAY, "again").await;
            assert!(again.is_clean(), "{again:?}");
            assert_eq!(again.sent.as_ref().unwrap().reason, "bye", "the first one counts");
            assert!(done.as_ref().is_none_or(|report| *report == again));
            let (all, report) = receiving.await.unwrap();
            assert_eq!(all, (0..4).map(message).collect::<Vec<_>>());
            assert_eq!(report.received.unwrap().reason, "bye");
            if done.is_some() {
                break;
            }
        }
    }
}

/// The same by a socket that is then dropped: it is closed in the background.
#[tokio::test]
async fn a_socket_dropped_after_a_close_that_was_dropped_still_closes() {
    for (pipe, polls) in PIPES.iter().flat_map(|pipe| POLLS.map(move |polls| (*pipe, polls))) {
        let (theirs, ours) = tokio::io::duplex(pipe);
        let mut peer = socket(theirs, Role::Client, &Config::default());
        let mut ours = socket(ours, Role::Server, &Config::default());
        ours.try_send(message(7)).unwrap();
        let _ = attempt(SinkExt::close(&mut ours), polls).await;
        drop(ours);
        assert_eq!(peer.recv().await.unwrap(), Some(message(7)));
        assert_eq!(peer.recv().await.unwrap(), None);
        assert!(peer.sender().report().unwrap().is_clean());
    }
}

#[tokio::test]
async fn a_sink_that_was_ready_takes_the_message_whoever_was_faster() {
    let mut config = Config::default();
    config.max_buffered_bytes = 100;
    let (theirs, ours) = tokio::io::duplex(10);
    let mut ours = socket(ours, Role::Server, &config);
    let sender = ours.sender();
    std::future::poll_fn(|cx| ours.poll_ready_unpin(cx)).await.unwrap();
    while sender.try_send("faster").is_ok() {}
    ours.start_send_unpin("promised".into()).unwrap();
    let mut peer = socket(theirs, Role::Client, &config);
    while peer.recv().await.unwrap().unwrap().as_text() != Some("promised") {}
}

#[tokio::test]
async fn one_message_always_finds_room() {
    let mut config = Config::default();
    config.max_buffered_bytes = 0;
    let (theirs, ours) = tokio::io::duplex(10);
    let (mut ours, mut peer) =
        (socket(ours, Role::Server, &config), socket(theirs, Role::Client, &config));
    tokio::spawn(async move {
        for i in 0..10 {
            ours.send(message(i)).await.unwrap();
        }
        ours.recv().await
    });
    for i in 0..10 {
        assert_eq!(peer.recv().await.unwrap(), Some(message(i)));
    }
}

/// A handshake over a pipe of one byte, dropped after any number of polls.
#[tokio::test]
async fn a_handshake_dropped_at_every_await_leaves_nothing_but_the_end_of_the_stream() {
    for polls in 0.. {
        let (ours, mut theirs) = tokio::io::duplex(1);
        let server = tokio::spawn(async move {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                match theirs.read(&mut byte).await {
                    Ok(1) => head.push(byte[0]),
                    _ => return head,
                }
            }
            let mut reader = ws::handshake::HeadReader::default();
            let (request, _) = reader.request(&head).unwrap().unwrap();
            let upgrade = ws::handshake::check(&request).unwrap();
            let answer = upgrade.accept(None, http::HeaderMap::new()).unwrap();
            let _ = theirs.write_all(&ws::handshake::encode_response(&answer)).await;
            // Until the client is gone.
            while theirs.read(&mut byte).await.is_ok_and(|count| count > 0) {}
            head
        });
        let client = Client::builder("ws://a.test/");
        let done = attempt(client.handshake_over(Stream::new(ours)), polls).await;
        let complete = done.is_some();
        drop(done.map(Result::unwrap));
        let head = server.await.unwrap();
        assert!(b"GET / HTTP/1.1\r\n".starts_with(&head[..head.len().min(16)]));
        if complete {
            assert!(polls > 100, "there were awaits");
            break;
        }
    }
}

#[tokio::test]
async fn a_connect_dropped_at_any_await_does_not_keep_the_next_one_from_connecting() {
    let (addr, handle) = server::echo(ws::ServerConfig::default()).await;
    let client = Client::builder(format!("ws://{addr}"));
    for polls in 0..20 {
        let _ = attempt(client.connect(), polls).await;
        let mut socket = client.connect().await.unwrap();
        socket.send("still there?").await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some("still there?".into()));
        assert!(socket.close(CloseCode::NORMAL, "").await.is_clean());
    }
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0, "those dropped are gone too");
}

#[tokio::test]
async fn a_shutdown_dropped_at_any_await_has_begun_and_may_be_called_again() {
    for polls in 1..5 {
        let (addr, handle) = server::echo(ws::ServerConfig::default()).await;
        let mut socket = ws::connect(&format!("ws://{addr}")).await.unwrap();
        let again = handle.clone();
        assert_eq!(attempt(handle.shutdown(Duration::from_secs(60)), polls).await, None);
        let waiting = tokio::spawn(async move { again.shutdown(Duration::from_secs(10)).await });
        assert_eq!(socket.recv().await.unwrap(), None);
        let report = socket.sender().report().unwrap();
        assert_eq!(report.code(), Some(CloseCode::GOING_AWAY));
        drop(socket);
        assert_eq!(waiting.await.unwrap(), 0);
    }
}
