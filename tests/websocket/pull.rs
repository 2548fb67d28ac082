//! `WebSocket`, the API that is asked.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use ws::net::Stream;
use ws::{CloseCode, Config, Failure, Initiator, Message, Role, WebSocket};

use crate::raw;
use crate::server::echo;

fn pair_with(config: Config, buffer: usize) -> (WebSocket, WebSocket) {
    let (config, (a, b)) = (Arc::new(config), tokio::io::duplex(buffer));
    let socket = |stream: DuplexStream, role| {
        WebSocket::from_stream(Stream::new(stream), Bytes::new(), role, config.clone())
    };
    (socket(a, Role::Client), socket(b, Role::Server))
}

fn pair() -> (WebSocket, WebSocket) {
    pair_with(Config::default(), 1 << 16)
}

#[tokio::test]
async fn messages_of_every_size_come_back_as_they_were() {
    let (addr, _handle) = echo(ws::ServerConfig::default()).await;
    let mut stream = raw::connect(addr).await;
    for len in [0, 1, 125, 126, 65_535, 65_536, 300_000, 1 << 20] {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        let frame = raw::frame(0x82, &payload);
        let (mut read, mut write) = stream.split();
        let (echoed, ()) = tokio::join!(
            async {
                let mut frame = vec![0; frame.len() - 4];
                read.read_exact(&mut frame).await.unwrap();
                frame
            },
            async { write.write_all(&frame).await.unwrap() }
        );
        assert_eq!(echoed[echoed.len() - len..], payload, "{len}");
    }
}

#[tokio::test]
async fn a_message_above_the_limit_closes_with_1009_and_the_close_frame_arrives() {
    let (addr, _handle) = echo(ws::ServerConfig::default()).await;
    let mut stream = raw::connect(addr).await;
    let too_big = raw::frame(0x82, &vec![0; (1 << 20) + 1]);
    let _ = stream.write_all(&too_big).await;
    let (first, payload) = raw::read_frame(&mut stream).await;
    assert_eq!((first, &payload[..2]), (0x88, &1009u16.to_be_bytes()[..]));
}

#[tokio::test]
async fn pings_are_answered_while_the_application_only_receives() {
    let (addr, _handle) = echo(ws::ServerConfig::default()).await;
    let mut stream = raw::connect(addr).await;
    stream.write_all(&raw::frame(0x89, b"are you there")).await.unwrap();
    assert_eq!(raw::read_frame(&mut stream).await, (0x8A, b"are you there".to_vec()));
}

#[tokio::test]
async fn a_close_is_no_error_and_both_sides_tell_the_same_story() {
    let (mut client, mut server) = pair();
    client.send("last words").await.unwrap();
    let closing = tokio::spawn(async move { client.close(CloseCode::NORMAL, "bye").await });
    assert_eq!(server.recv().await.unwrap(), Some(Message::from("last words")));
    assert_eq!(server.recv().await.unwrap(), None);
    let (ours, theirs) = (closing.await.unwrap(), server.sender().report().unwrap());
    assert!(ours.is_clean() && theirs.is_clean());
    assert_eq!((ours.initiator, theirs.initiator), (Initiator::Local, Initiator::Peer));
    assert_eq!(theirs.received.unwrap().reason, "bye");
    assert_eq!(ours.received.unwrap().code, CloseCode::NORMAL);
    assert!(server.send("too late").await.is_err());
    assert_eq!(server.recv().await.unwrap(), None, "the end stays the end");
}

#[tokio::test]
async fn a_dropped_socket_still_says_goodbye() {
    let (mut client, server) = pair();
    drop(server);
    assert_eq!(client.recv().await.unwrap(), None);
    assert_eq!(client.sender().report().unwrap().code(), Some(CloseCode::NORMAL));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_a_close_costs_the_close_timeout_and_no_more() {
    let (a, b) = tokio::io::duplex(1 << 16);
    let mut socket =
        WebSocket::from_stream(Stream::new(a), Bytes::new(), Role::Server, Arc::default());
    let before = tokio::time::Instant::now();
    let report = socket.close(CloseCode::NORMAL, "").await;
    assert_eq!(report.failure, Some(Failure::CloseTimeout));
    let waited = before.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&waited), "{waited:?}");
    drop(b);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_given_up() {
    let (a, mut b) = tokio::io::duplex(1 << 16);
    let mut socket =
        WebSocket::from_stream(Stream::new(a), Bytes::new(), Role::Server, Arc::default());
    let before = tokio::time::Instant::now();
    let error = socket.recv().await.unwrap_err();
    assert_eq!(error.failure(), Failure::PongTimeout);
    let waited = before.elapsed();
    assert!((Duration::from_secs(50)..Duration::from_secs(51)).contains(&waited), "{waited:?}");
    drop(socket);
    let mut seen = Vec::new();
    b.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, [0x89, 4, 0, 0, 0, 1], "a ping, and nothing more to the dead");
}

#[tokio::test(start_paused = true)]
async fn an_answered_ping_keeps_the_connection_and_measures_the_latency() {
    let (mut client, mut server) = pair();
    let sender = client.sender();
    tokio::spawn(async move { while let Ok(Some(_)) = server.recv().await {} });
    let idle = tokio::time::timeout(Duration::from_secs(600), client.recv()).await;
    assert!(idle.is_err(), "still open");
    assert!(sender.latency().is_some());
}

#[tokio::test]
async fn the_end_of_the_stream_without_a_close_frame_is_an_error() {
    let (a, b) = tokio::io::duplex(1 << 16);
    let mut socket =
        WebSocket::from_stream(Stream::new(a), Bytes::new(), Role::Server, Arc::default());
    drop(b);
    assert_eq!(socket.recv().await.unwrap_err().failure(), Failure::Eof);
}

#[tokio::test]
async fn a_sender_sends_from_any_task_and_a_burst_keeps_its_order() {
    let (client, mut server) = pair();
    let (mut reader, sender) = client.split();
    tokio::spawn(async move { while let Ok(Some(_)) = reader.recv().await {} });
    for i in 0..1000 {
        sender.send(i.to_string()).await.unwrap();
    }
    for i in 0..1000 {
        assert_eq!(server.recv().await.unwrap(), Some(Message::from(i.to_string())));
    }
}

#[tokio::test]
async fn what_a_task_sends_leaves_when_it_yields_although_it_never_receives_again() {
    let (mut client, mut server) = pair();
    client.send("one").await.unwrap();
    client.send("two").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), Some(Message::from("one")));
    server.send("answer").await.unwrap();
    // `server` is not touched any more: "two" waits in it, and what it sent must not.
    assert_eq!(client.recv().await.unwrap(), Some(Message::from("answer")));
}

#[tokio::test]
async fn a_peer_that_does_not_read_costs_bounded_memory_and_gets_all_once_it_does() {
    let mut config = Config::default();
    config.max_buffered_bytes = 10_000;
    let (mut client, mut server) = pair_with(config, 1000);
    let mut taken = 0;
    let refused = loop {
        match server.try_send(vec![taken as u8; 100]) {
            Ok(()) => taken += 1,
            Err(error) => break error.into_message(),
        }
        assert!(server.sender().buffered_bytes() <= 10_200);
    };
    assert_eq!(refused.len(), 100, "the message comes back");
    let sending = tokio::spawn(async move {
        server.send(refused).await.unwrap();
        server.flush().await;
        assert_eq!(server.sender().buffered_bytes(), 0);
        server
    });
    for i in 0..=taken {
        assert_eq!(client.recv().await.unwrap(), Some(Message::from(vec![i as u8; 100])));
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn overflow_by_policy_drops_the_connection() {
    let mut config = Config::default();
    config.max_buffered_bytes = 1000;
    config.overflow = ws::OverflowPolicy::Disconnect;
    let (_client, mut server) = pair_with(config, 100);
    while server.try_send(vec![0; 100]).is_ok() {}
    assert_eq!(server.recv().await.unwrap_err().failure(), Failure::Overflow);
}

#[tokio::test]
async fn streams_and_sinks_work_with_futures() {
    let (mut client, mut server) = pair();
    let echo = tokio::spawn(async move {
        while let Some(Ok(message)) = server.next().await {
            SinkExt::send(&mut server, message).await.unwrap();
        }
    });
    let mut outgoing =
        futures_util::stream::iter((0..10).map(|i| Ok(Message::from(i.to_string()))));
    SinkExt::send_all(&mut client, &mut outgoing).await.unwrap();
    for i in 0..10 {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::from(i.to_string()));
    }
    SinkExt::close(&mut client).await.unwrap();
    assert!(client.next().await.is_none());
    echo.await.unwrap();
}

#[tokio::test]
async fn a_receive_that_is_dropped_anywhere_loses_nothing() {
    let (mut client, mut server) = pair_with(Config::default(), 64);
    tokio::spawn(async move {
        for i in 0u32..200 {
            client.send(vec![i as u8; i as usize]).await.unwrap();
        }
        client.flush().await;
        std::future::pending::<()>().await;
    });
    for i in 0u32..200 {
        let message = loop {
            // Polled once and dropped, again and again.
            let mut recv = std::pin::pin!(server.recv());
            let attempt = std::future::poll_fn(|cx| Poll::Ready(recv.as_mut().poll(cx))).await;
            match attempt {
                Poll::Ready(message) => break message.unwrap().unwrap(),
                Poll::Pending => tokio::task::yield_now().await,
            }
        };
        assert_eq!(message, Message::from(vec![i as u8; i as usize]));
    }
}
