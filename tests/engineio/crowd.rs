//! Many clients at once on several threads, half of which move to a WebSocket while messages go both ways: every delivery accounted
//! for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sio::engine::Message;
use sio::engine::server::{
    Application, Engine, Fallback, Handle, Remote, SessionHandler, not_found,
};
use sio::engine::{CloseReason, Config};
use tokio::net::TcpListener;

use crate::client::{Polling, receive};
use crate::rig::out;

const CLIENTS: usize = 200;
const MESSAGES: u32 = 200;

/// Sends a row of numbers to each client, and holds what it gets from each to the same row.
struct Counter(Arc<AtomicU32>);

struct Count {
    next: u32,
    ended: Arc<AtomicU32>,
}

impl Application for Counter {
    fn on_open(&self, session: Handle) -> Box<dyn SessionHandler> {
        tokio::spawn(async move {
            for number in 0..MESSAGES {
                session.send_when_ready(&[out(&number.to_string())]).await.unwrap();
                if number % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
        Box::new(Count { next: 0, ended: self.0.clone() })
    }
}

impl SessionHandler for Count {
    fn on_message(&mut self, message: Message<'_>) {
        assert_eq!(message, Message::Text(&self.next.to_string()));
        self.next += 1;
    }

    fn on_close(&mut self, reason: CloseReason) {
        // One that has panicked has not heard of all.
        if self.next == MESSAGES && reason == CloseReason::TransportClose {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Default)]
struct Row(u32);

impl Row {
    fn see(&mut self, payload: &str) {
        for packet in payload.split('\x1e').filter(|packet| *packet != "6" && *packet != "2") {
            assert_eq!(packet, format!("4{}", self.0));
            self.0 += 1;
        }
    }
}

async fn client(addr: std::net::SocketAddr, index: usize) {
    let mut polling = Polling::open(addr).await;
    let (mut seen, mut sent) = (Row::default(), 0);
    // Each moves at another point, and every second one never.
    let moves_at =
        if index.is_multiple_of(2) { u32::MAX } else { u32::try_from(index).unwrap() % MESSAGES };
    while seen.0 < MESSAGES.min(moves_at) || (moves_at == u32::MAX && sent < MESSAGES) {
        if sent < MESSAGES {
            polling.send(&format!("4{sent}\x1e4{}", sent + 1)).await;
            sent += 2;
        }
        if seen.0 < MESSAGES {
            seen.see(&polling.receive().await);
        }
    }
    if moves_at == u32::MAX {
        assert_eq!(seen.0, MESSAGES);
        return polling.send("1").await;
    }
    let mut socket = polling.upgrade(addr).await;
    while sent < MESSAGES {
        socket.send(format!("4{sent}")).await.unwrap();
        sent += 1;
    }
    while seen.0 < MESSAGES {
        seen.see(&receive(&mut socket).await);
    }
    socket.send("1").await.unwrap();
    while socket.recv().await.is_ok_and(|message| message.is_some()) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rule_17_every_message_of_a_crowd_that_upgrades_arrives_once_and_in_order() {
    let mut config = Config::default();
    config.max_buffered_bytes = 200;
    let ended = Arc::new(AtomicU32::new(0));
    let engine = Engine::new(config, Arc::new(Counter(ended.clone()))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn({
        let engine = engine.clone();
        async move {
            let fallback: Fallback = Arc::new(|_| Box::pin(async { not_found() }));
            while let Ok((stream, addr)) = listener.accept().await {
                let (engine, fallback) = (engine.clone(), fallback.clone());
                let remote = Remote { addr: Some(addr), secure: false };
                tokio::spawn(
                    async move { engine.serve_connection(stream, remote, fallback, ()).await },
                );
            }
        }
    });
    let clients: Vec<_> = (0..CLIENTS).map(|index| tokio::spawn(client(addr, index))).collect();
    let all = async {
        for client in clients {
            client.await.unwrap();
        }
        while engine.session_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("it never ended");
    assert_eq!(ended.load(Ordering::Relaxed), u32::try_from(CLIENTS).unwrap());
}
