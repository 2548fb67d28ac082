//! Sending: now, as soon as there is room, only if it leaves at once; what waits, and what happens when too much does.

use std::time::Duration;

use futures_util::FutureExt;
use sio::engine::{CloseReason, Config, Outgoing, OverflowPolicy, SendError};

use crate::client::{Polling, WEBSOCKET, receive, websocket};
use crate::rig::{Rig, out, soon};

/// More than what the kernel buffers between two sockets.
const LARGE: usize = 16 << 20;

fn small_buffer(overflow: OverflowPolicy) -> Config {
    let mut config = Config::default();
    config.max_buffered_bytes = 10;
    config.overflow = overflow;
    config
}

#[tokio::test]
async fn who_waits_for_room_sends_once_a_get_has_made_some() {
    let mut rig = Rig::with(small_buffer(OverflowPolicy::Refuse)).await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.send(out("0123456789")).unwrap();
    assert_eq!(handle.send(out("no")), Err(SendError::Full));
    assert_eq!(
        handle.send_within(&[out("no")], Duration::from_millis(20)).await,
        Err(SendError::Full)
    );
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.send_when_ready(&[out("a"), out("b")]).await }
    });
    assert!(handle.drained().now_or_never().is_none() && handle.ready().now_or_never().is_none());
    assert_eq!(client.receive().await, "40123456789");
    soon(waiting).await.unwrap().unwrap();
    assert_eq!(handle.buffered_bytes(), 4);
    assert_eq!(client.receive().await, "4a\x1e4b");
    soon(handle.drained()).await;
    soon(handle.ready()).await;
    assert_eq!(handle.buffered_bytes(), 0);
}

#[tokio::test]
async fn who_waits_for_room_on_a_websocket_sends_once_the_client_reads() {
    let mut rig = Rig::with(small_buffer(OverflowPolicy::Refuse)).await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    let handle = rig.opened().await;
    handle.send(Outgoing::binary(&vec![7; LARGE])).unwrap();
    // The first flush fills the kernel's buffer.
    tokio::task::yield_now().await;
    assert!(!handle.is_writable());
    assert_eq!(handle.send_volatile(&[out("late")]), Ok(false));
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.send_when_ready(&[out("a"), out("b")]).await }
    });
    assert!(receive(&mut socket).await.starts_with('0'));
    let large = soon(socket.recv()).await.unwrap().unwrap();
    assert_eq!(large.len(), LARGE);
    soon(waiting).await.unwrap().unwrap();
    for text in ["4a", "4b"] {
        assert_eq!(receive(&mut socket).await, text);
    }
    soon(handle.drained()).await;
    assert!(handle.is_writable());
}

#[tokio::test]
async fn who_waits_for_room_learns_that_the_session_has_ended() {
    let mut rig = Rig::with(small_buffer(OverflowPolicy::Refuse)).await;
    let _client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.send(out("0123456789")).unwrap();
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.send_when_ready(&[out("a")]).await }
    });
    tokio::task::yield_now().await;
    handle.close();
    assert_eq!(soon(waiting).await.unwrap(), Err(SendError::Closed));
}

#[tokio::test]
async fn the_policy_may_be_to_disconnect() {
    let mut rig = Rig::with(small_buffer(OverflowPolicy::Disconnect)).await;
    let _client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.send(out("0123456789")).unwrap();
    assert_eq!(handle.send(out("no")), Err(SendError::Closed));
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);

    let _socket = websocket(rig.addr, WEBSOCKET).await;
    let handle = rig.opened().await;
    handle.send(Outgoing::binary(&vec![7; LARGE])).unwrap();
    tokio::task::yield_now().await;
    assert_eq!(handle.send(out("no")), Err(SendError::Closed));
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
}

#[tokio::test]
async fn volatile_messages_need_a_get_that_waits() {
    let mut rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    assert!(!handle.is_writable());
    assert_eq!(handle.send_volatile(&[out("lost")]), Ok(false));
    client.get.send("GET", &client.target, "", "").await;
    soon(async {
        while !handle.is_writable() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(handle.send_volatile(&[out("a"), out("b")]), Ok(true));
    client.get.answer().await.assert(200, "4a\x1e4b");
    handle.close();
    assert_eq!(handle.send_volatile(&[out("late")]), Err(SendError::Closed));
}

#[tokio::test]
async fn volatile_messages_leave_on_a_websocket_that_is_read() {
    let mut rig = Rig::start().await;
    let mut socket = websocket(rig.addr, WEBSOCKET).await;
    let handle = rig.opened().await;
    for text in ["a", "b", "c"] {
        assert_eq!(handle.send_volatile(&[out(text)]), Ok(true));
    }
    assert!(receive(&mut socket).await.starts_with('0'));
    for text in ["4a", "4b", "4c"] {
        assert_eq!(receive(&mut socket).await, text);
    }
}
