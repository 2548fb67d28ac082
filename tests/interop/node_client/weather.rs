//! Networks that delay, cut, half-close and truncate, between the client and Node's server.

use std::time::Duration;

use sio::client::{DisconnectReason, Socket};

use crate::node::Node;
use crate::relay::Relay;
use crate::support::{Seen, soon, until};
use crate::{WAYS, eager, via};

/// Until it goes through: while connections break, an answer may be lost with one.
async fn works(socket: &Socket) {
    while soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.is_err() {}
}

#[tokio::test]
async fn a_connection_that_is_cut_or_half_closed_or_slow_is_made_again() {
    let node = Node::start(&[]).await;
    for way in WAYS {
        let relay = Relay::to(node.addr).await;
        let (reasons, connects) = (Seen::new(), Seen::new());
        let (reason, connect) = (reasons.sender(), connects.sender());
        let socket = via(relay.addr, way, eager(|_| ()))
            .on_connect(async move |socket: Socket| _ = connect.send(socket.id()))
            .on_disconnect(async move |why: DisconnectReason| _ = reason.send(why));
        let socket = soon(socket.connect()).await.unwrap();
        let mut id = connects.next().await;
        for (delay, half) in [(0, false), (0, true), (30, false), (30, true)] {
            relay.delay(Duration::from_millis(delay));
            works(&socket).await;
            if half {
                relay.half_close()
            } else {
                relay.cut()
            }
            let reason = reasons.next().await.to_string();
            assert!(reason.starts_with("transport "), "{way:?}: {reason}");
            let next = connects.next().await;
            assert_ne!(id, next);
            id = next;
        }
        works(&socket).await;
    }
}

/// What the server says ends at every possible place of the first connection, and of the next few.
#[tokio::test]
async fn answers_that_end_anywhere_are_survived() {
    let node = Node::start(&[]).await;
    for way in WAYS {
        let relay = Relay::to(node.addr).await;
        let mut config = eager(|config| config.reconnection.first = true);
        config.reconnection.delay = Duration::from_millis(1);
        for length in (0..600).step_by(23) {
            relay.truncate(Some(length));
            let tries = relay.accepted();
            let socket = via(relay.addr, way, config.clone()).start().unwrap();
            // So much may be enough for all that is said until then.
            let done = || relay.accepted() > tries + 2 || socket.connected();
            until("it has tried", done).await;
            relay.truncate(None);
            // Those that were let in while answers broke off do so still.
            relay.cut();
            works(&socket).await;
            socket.disconnect();
        }
    }
}

/// A network that takes everything and brings nothing, as after a change from one to another.
#[tokio::test]
async fn a_network_that_falls_silent_is_left_by_the_heartbeat() {
    let node = Node::start(&["--ping-interval-ms", "200", "--ping-timeout-ms", "200"]).await;
    for way in WAYS {
        let relay = Relay::to(node.addr).await;
        let config = eager(|config| config.engine.open_timeout = Duration::from_millis(300));
        let reasons = Seen::new();
        let reason = reasons.sender();
        let socket = via(relay.addr, way, config)
            .on_disconnect(async move |why: DisconnectReason| _ = reason.send(why));
        let socket = soon(socket.connect()).await.unwrap();
        works(&socket).await;
        relay.swallow(true);
        assert_eq!(reasons.next().await, DisconnectReason::PingTimeout, "{way:?}");
        socket.emit("n", 7).unwrap();
        relay.swallow(false);
        works(&socket).await;
    }
    let socket = soon(via(node.addr, WAYS[0], eager(|_| ())).connect()).await.unwrap();
    let all: Vec<u32> = soon(socket.emit_with_ack("all", ())).await.unwrap();
    assert_eq!(all, [7; WAYS.len()], "what was emitted meanwhile has come, and once");
}
