//! Every wait ends: whatever a peer has said before it fell silent, and whether it takes what is sent to it or not, who waits
//! is told within the configured time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::time::Instant;
use ws::net::Stream;
use ws::{Client, CloseCode, Config, ConnectError, Failure, Message, Role, WebSocket};

use crate::flood::Flood;
use crate::raw::{close, frame};

/// Keepalive finds the dead after 30 s of silence and 20 s more, or after 60 and 20 if something was heard in the first 30.
const DEAD: (u64, u64) = (50, 81);
/// A closing handshake, or the wait for the end of the byte stream.
const CLOSE: (u64, u64) = (5, 6);
/// One behind the other.
const CLOSE_TWICE: (u64, u64) = (5, 11);
const AT_ONCE: (u64, u64) = (0, 1);

/// A peer that has said this, and says no more.
fn said(bytes: impl Into<Vec<u8>>, reads: bool) -> Flood {
    let mut peer = Flood::new([(bytes.into(), 1)]);
    peer.reads = reads;
    peer
}

/// What a peer may have said last.
fn states() -> Vec<(&'static str, Vec<u8>)> {
    let message = frame(0x82, &[7; 1000]);
    vec![
        ("nothing", vec![]),
        ("a byte of a header", message[..1].to_vec()),
        ("a header", message[..8].to_vec()),
        ("half a message", message[..500].to_vec()),
        ("half a big message", frame(0x82, &[7; 100_000])[..50_000].to_vec()),
        ("half a ping", frame(0x89, b"are you there")[..9].to_vec()),
        ("half a close frame", close(1000)[..7].to_vec()),
        ("a fragment", frame(0x02, b"part")),
        ("a ping", frame(0x89, b"are you there")),
    ]
}

#[track_caller]
fn within(begun: Instant, (from, to): (u64, u64), what: &str) {
    let waited = begun.elapsed();
    let bounds = Duration::from_secs(from)..Duration::from_secs(to);
    assert!(bounds.contains(&waited), "{what}: {waited:?}");
}

/// A socket to a peer that takes nothing, with more waiting for it than may wait.
fn stuck(said_before: &[u8]) -> WebSocket {
    let mut socket = said(said_before, false).pull(Config::default());
    while socket.try_send(vec![0; 1 << 20]).is_ok() {}
    socket
}

#[tokio::test(start_paused = true)]
async fn who_receives_hears_of_a_silent_peer() {
    for (state, bytes) in states() {
        for reads in [true, false] {
            let begun = Instant::now();
            let mut socket = said(bytes.clone(), reads).pull(Config::default());
            let failure = socket.recv().await.unwrap_err().failure();
            assert_eq!(failure, Failure::PongTimeout, "{state}");
            within(begun, DEAD, state);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_a_handler_hears_of_a_silent_peer() {
    for (state, bytes) in states() {
        for reads in [true, false] {
            let begun = Instant::now();
            let (_sender, report) = said(bytes.clone(), reads).push(Config::default());
            assert_eq!(report.await.unwrap().failure, Some(Failure::PongTimeout), "{state}");
            within(begun, DEAD, state);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_hears_of_a_peer_that_does_not_read() {
    for (state, bytes) in states() {
        let begun = Instant::now();
        let (mut socket, message) = (stuck(&bytes), Message::from("the last one"));
        assert_eq!(socket.send(message.clone()).await.unwrap_err().into_message(), message);
        within(begun, DEAD, state);

        let (begun, mut socket) = (Instant::now(), stuck(&bytes));
        socket.flush().await;
        within(begun, DEAD, state);

        let (begun, socket) = (Instant::now(), stuck(&bytes));
        let (sender, again) = (socket.sender(), socket.sender());
        let (sent, ()) = tokio::join!(sender.send(message.clone()), again.drained());
        assert_eq!(sent.unwrap_err().into_message(), message);
        within(begun, DEAD, state);

        let (begun, mut socket) = (Instant::now(), stuck(&bytes));
        socket.feed(message.clone()).await.unwrap_err();
        within(begun, DEAD, state);

        let (begun, mut socket) = (Instant::now(), stuck(&bytes));
        SinkExt::flush(&mut socket).await.unwrap();
        within(begun, DEAD, state);

        let (begun, socket) = (Instant::now(), stuck(&bytes));
        let sent = socket.sender().send_timeout(message.clone(), Duration::from_secs(5)).await;
        assert_eq!(sent.unwrap_err(), ws::SendError::Timeout(message));
        within(begun, (5, 6), state);
    }
}

#[tokio::test(start_paused = true)]
async fn who_closes_waits_for_no_longer_than_the_close_timeout() {
    for (state, bytes) in states() {
        for reads in [true, false] {
            let mut socket = if reads {
                said(bytes.clone(), true).pull(Config::default())
            } else {
                stuck(&bytes)
            };
            let begun = Instant::now();
            let report = socket.close(CloseCode::NORMAL, "").await;
            assert_eq!(report.failure, Some(Failure::CloseTimeout), "{state}");
            within(begun, CLOSE, state);
        }
        let (begun, mut socket) = (Instant::now(), stuck(&bytes));
        SinkExt::close(&mut socket).await.unwrap();
        within(begun, CLOSE, state);

        let (sender, report) = said(bytes.clone(), true).push(Config::default());
        let begun = Instant::now();
        sender.close(CloseCode::NORMAL, "");
        assert_eq!(report.await.unwrap().failure, Some(Failure::CloseTimeout), "{state}");
        within(begun, CLOSE, state);

        let (sender, report) = said(bytes, false).push(Config::default());
        sender.pause_reading();
        while sender.try_send(vec![0; 1 << 20]).is_ok() {}
        let begun = Instant::now();
        sender.close(CloseCode::NORMAL, "");
        assert_eq!(report.await.unwrap().failure, Some(Failure::CloseTimeout), "{state}");
        within(begun, CLOSE, state);
    }
}

/// The peer has closed, or broken the protocol, but does not end its side of the byte stream.
#[tokio::test(start_paused = true)]
async fn who_is_closed_waits_for_the_end_of_the_stream_for_no_longer_than_the_close_timeout() {
    for reads in [true, false] {
        for role in [Role::Server, Role::Client] {
            let bytes = if role == Role::Server { close(1000) } else { vec![0x88, 0] };
            let mut socket = said(bytes, reads).pull_as(role, Config::default());
            let begun = Instant::now();
            assert_eq!(socket.recv().await.unwrap(), None);
            within(begun, CLOSE, "closed");
            assert!(socket.sender().report().unwrap().is_clean());

            let mut socket = said([0xFF; 8], reads).pull_as(role, Config::default());
            let begun = Instant::now();
            assert!(matches!(socket.recv().await.unwrap_err().failure(), Failure::Protocol(_)));
            within(begun, CLOSE, "violation");
        }
        let peer = said(close(1000), reads);
        let (seen, begun) = (peer.seen(), Instant::now());
        let (_sender, report) = peer.push(Config::default());
        assert!(report.await.unwrap().is_clean());
        within(begun, AT_ONCE, "told at once");
        let_go(&seen).await;
        within(begun, CLOSE, "and let go of");
    }
}

/// Waits until the stream of this peer was dropped.
async fn let_go<T>(seen: &Arc<T>) {
    let begun = Instant::now();
    while Arc::strong_count(seen) > 1 {
        assert!(begun.elapsed() < Duration::from_secs(600), "it never is");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_let_go_of() {
    for (state, bytes) in states() {
        for (reads, keeps) in [(true, true), (true, false), (false, true), (false, false)] {
            let peer = said(bytes.clone(), reads);
            let (seen, begun) = (peer.seen(), Instant::now());
            let mut socket = peer.pull(Config::default());
            let _ = socket.try_send(vec![0; 1 << 20]);
            let _kept = keeps.then(|| socket.sender());
            drop(socket);
            let_go(&seen).await;
            within(begun, CLOSE, state);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_given_up_is_let_go_of_at_once() {
    for (state, bytes) in states().into_iter().chain([("a close frame", close(1000))]) {
        for reads in [true, false] {
            let peer = said(bytes.clone(), reads);
            let (seen, begun) = (peer.seen(), Instant::now());
            let (sender, report) = peer.push(Config::default());
            let _ = sender.try_send(vec![0; 1 << 20]);
            tokio::time::sleep(Duration::from_millis(100)).await;
            sender.abort();
            assert!(report.await.is_ok());
            let_go(&seen).await;
            within(begun, AT_ONCE, state);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_pings_the_idle_timeout_ends_what_is_idle() {
    let mut config = Config::default();
    config.ping_interval = None;
    config.idle_timeout = Some(Duration::from_secs(60));
    for (state, bytes) in states() {
        for reads in [true, false] {
            let begun = Instant::now();
            let mut socket = said(bytes.clone(), reads).pull(config.clone());
            let failure = socket.recv().await.unwrap_err().failure();
            assert_eq!(failure, Failure::IdleTimeout, "{state}");
            within(begun, (60, 66), state);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_was_sent_is_written_once_it_is_drained_the_close_frame_too() {
    let (mut peer, ours) = tokio::io::duplex(100);
    let mut socket =
        WebSocket::from_stream(Stream::new(ours), Bytes::new(), Role::Server, Arc::default());
    socket.try_send(vec![7; 10_000]).unwrap();
    let sender = socket.sender();
    sender.close(CloseCode::NORMAL, "");
    let mut drained = tokio::spawn({
        let sender = sender.clone();
        async move { sender.drained().await }
    });
    let waited = tokio::time::timeout(Duration::from_secs(1), &mut drained).await;
    assert!(waited.is_err(), "{} bytes wait", sender.buffered_bytes());
    let mut all = vec![0; 4 + 10_000 + 4];
    tokio::io::AsyncReadExt::read_exact(&mut peer, &mut all).await.unwrap();
    drained.await.unwrap();
    // And if the peer never reads, the close timeout ends that wait too.
    let (begun, mut socket) = (Instant::now(), stuck(b""));
    socket.sender().close(CloseCode::NORMAL, "");
    socket.flush().await;
    within(begun, CLOSE, "drained");
}

/// A client against a server in memory that answers so, a byte in each interval, and then is silent.
async fn client_against(answer: &str, interval: Duration) -> Result<WebSocket, ConnectError> {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let answer = answer.to_owned();
    tokio::spawn(async move {
        for byte in answer.bytes() {
            tokio::io::AsyncWriteExt::write_all(&mut theirs, &[byte]).await.unwrap_or_default();
            tokio::time::sleep(interval).await;
        }
        std::future::pending::<()>().await;
    });
    let connected = Client::builder("ws://a.test/").handshake_over(Stream::new(ours)).await;
    connected.map(ws::client::Connected::into_websocket)
}

#[tokio::test(start_paused = true)]
async fn who_connects_waits_for_no_longer_than_the_handshake_timeout() {
    let switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(1000);
    for (answer, interval) in [("", 0), ("HTTP/1.1 101", 0), (switching, 1000), (&interim, 10)] {
        let begun = Instant::now();
        let error = client_against(answer, Duration::from_millis(interval)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Timeout), "{answer}: {error}");
        within(begun, (10, 11), answer);
    }
    let refused = "HTTP/1.1 503 Busy\r\nContent-Length: 5000\r\n\r\nno";
    for interval in [0, 100] {
        let begun = Instant::now();
        let error = client_against(refused, Duration::from_millis(interval)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused(_)), "{error}");
        within(begun, (2, 12), refused);
    }
}

/// Durations that mean never must not end anything with a panic instead.
#[tokio::test(start_paused = true)]
async fn a_timeout_of_forever_is_no_reason_to_panic() {
    let mut config = Config::default();
    config.close_timeout = Duration::MAX;
    config.pong_timeout = Duration::MAX;
    config.ping_interval = Some(Duration::MAX);
    config.idle_timeout = Some(Duration::MAX);
    let mut peer = said(close(1000), true);
    peer.ends = true;
    let mut socket = peer.pull(config.clone());
    assert_eq!(socket.recv().await.unwrap(), None);
    let (_sender, report) = said([0xFF; 8], true).push(config);
    assert!(report.await.unwrap().failure.is_some());
}

#[tokio::test(start_paused = true)]
async fn twice_the_close_timeout_is_the_most_that_a_close_takes() {
    let (mut peer, ours) = tokio::io::duplex(1 << 10);
    let mut socket =
        WebSocket::from_stream(Stream::new(ours), Bytes::new(), Role::Server, Arc::default());
    let begun = Instant::now();
    let closing = tokio::spawn(async move { socket.close(CloseCode::NORMAL, "").await });
    tokio::time::sleep(Duration::from_millis(4900)).await;
    // The answer comes late, the end of the stream never.
    tokio::io::AsyncWriteExt::write_all(&mut peer, &close(1000)).await.unwrap();
    assert!(closing.await.unwrap().is_clean());
    within(begun, CLOSE_TWICE, "close");
}

/// The application has better things to do than to receive; the peer lives, and answers every ping. What it sends is not looked
/// at, so its silence says nothing.
#[tokio::test(start_paused = true)]
async fn a_peer_that_lives_is_not_given_up_because_nobody_receives() {
    let long = Duration::from_secs(600);
    for way in 0..5 {
        let (theirs, ours) = tokio::io::duplex(1 << 16);
        let socket = |stream, role| {
            let mut config = Config::default();
            if role == Role::Client {
                // Its own pings are not answered while nobody receives them.
                config.ping_interval = None;
            }
            WebSocket::from_stream(Stream::new(stream), Bytes::new(), role, Arc::new(config))
        };
        let (mut peer, mut ours) = (socket(theirs, Role::Client), socket(ours, Role::Server));
        peer.send("one").await.unwrap();
        let peer = tokio::spawn(async move {
            while peer.recv().await.unwrap().is_some() {}
            peer.sender().report().unwrap()
        });
        match way {
            0 => tokio::time::sleep(long).await,
            1 => {
                for _ in 0..60 {
                    ours.send("news").await.unwrap();
                    tokio::time::sleep(long / 60).await;
                }
            }
            2 => {
                ours.recv().await.unwrap();
                tokio::time::sleep(long).await;
            }
            3 => {
                ours.recv().await.unwrap();
                let waited = tokio::time::timeout(Duration::from_secs(1), ours.recv()).await;
                assert!(waited.is_err());
                tokio::time::sleep(long).await;
            }
            _ => {
                tokio::time::sleep(long).await;
                assert_eq!(ours.recv().await.unwrap(), Some("one".into()));
                let waited = tokio::time::timeout(long, ours.recv()).await;
                assert!(waited.is_err(), "{waited:?}");
            }
        }
        assert!(ours.sender().is_open(), "way {way}: {:?}", ours.sender().report());
        assert!(ours.close(CloseCode::NORMAL, "").await.is_clean());
        assert!(peer.await.unwrap().is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn who_receives_again_after_a_long_time_hears_of_a_silent_peer() {
    for bytes in [vec![], frame(0x82, b"hello")] {
        let mut socket = said(bytes.clone(), true).pull(Config::default());
        tokio::time::sleep(Duration::from_secs(600)).await;
        let begun = Instant::now();
        if !bytes.is_empty() {
            assert_eq!(socket.recv().await.unwrap(), Some(b"hello".to_vec().into()));
        }
        assert_eq!(socket.recv().await.unwrap_err().failure(), Failure::PongTimeout);
        within(begun, (0, 111), "again");
    }
}
