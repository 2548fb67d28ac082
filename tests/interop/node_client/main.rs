//! All that the Socket.IO client can do, against Node's own server (`client_server.js` and `reference_server.js`), over each transport.
//! Needs node and the packages of this folder (`npm ci`), hence the feature `interop`: who asks for these tests is told what is missing.

mod node;
mod reference;
#[path = "../../socketio_client/relay.rs"]
mod relay;
#[allow(dead_code, reason = "its scripted servers are for the tests without node")]
#[path = "../../socketio_client/support.rs"]
mod support;
mod tls;
mod weather;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sio::client::{
    Builder, Config, ConnectError, Data, DisconnectReason, OnRefusal, Socket, Transport,
};

use node::Node;
use relay::Relay;
use support::{Seen, client, configured, soon, until};

const WAYS: [&[Transport]; 4] = [
    &[Transport::Polling],
    &[Transport::WebSocket],
    &[Transport::Polling, Transport::WebSocket],
    &[Transport::WebSocket, Transport::Polling],
];

fn eager(change: impl FnOnce(&mut Config)) -> Config {
    configured(|config| {
        config.reconnection.delay = Duration::from_millis(10);
        config.reconnection.max_delay = Duration::from_millis(50);
        change(config);
    })
}

fn via(addr: SocketAddr, way: &[Transport], config: Config) -> Builder {
    client(addr).config(config).transports(way.iter().copied())
}

async fn ask<T: serde::de::DeserializeOwned + Send + 'static>(
    socket: &Socket,
    event: &str,
    data: impl Serialize,
) -> T {
    soon(socket.emit_with_ack(event, data)).await.unwrap()
}

#[derive(Debug, Deserialize)]
struct Who {
    id: String,
    recovered: bool,
    transport: String,
    rooms: Vec<String>,
    cookie: Option<String>,
    header: Option<String>,
}

async fn who(socket: &Socket) -> Who {
    ask(socket, "who", ()).await
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct File {
    name: String,
    parts: Vec<Bytes>,
}

async fn events_answers_and_binary_data(socket: &Socket, seen: &Seen<(File, Bytes)>) {
    assert_eq!(ask::<i64>(socket, "add", (2, 3)).await, 5);
    let file = File {
        name: "žluťoučký 🐎\u{1e}".into(),
        parts: vec![Bytes::from(vec![255; 70_000]), Bytes::new()],
    };
    let data = (file, Bytes::from_static(&[0, 1]));
    assert_eq!(ask::<(File, Bytes)>(socket, "give back", &data).await, data);
    socket.emit("echo", &data).unwrap();
    assert_eq!(seen.next().await, data);
    assert_eq!(ask::<Bytes>(socket, "ask", ()).await, "answer");
}

fn echoed(builder: Builder) -> (Builder, Seen<(File, Bytes)>) {
    let seen = Seen::new();
    let sender = seen.sender();
    let builder = builder
        .on("echo", async move |Data(data): Data<(File, Bytes)>| _ = sender.send(data))
        .on("question", async || Bytes::from_static(b"answer"));
    (builder, seen)
}

#[tokio::test]
async fn every_transport_carries_everything() {
    let node = Node::start(&["--cookie"]).await;
    for way in WAYS {
        let builder = via(node.addr, way, eager(|_| ())).header("x-test", "1");
        let (builder, seen) = echoed(builder);
        let socket = soon(builder.connect()).await.unwrap();
        events_answers_and_binary_data(&socket, &seen).await;
        let other = soon(socket.namespace("/other").connect()).await.unwrap();
        assert_eq!(ask::<i64>(&other, "add", (1, 1)).await, 2);
        let refused = soon(socket.namespace("/none").connect()).await;
        assert!(
            matches!(refused, Err(ConnectError::Refused(r)) if r.message == "Invalid namespace")
        );
        if way.len() > 1 {
            until("it is on a WebSocket", || socket.transport() == Some(Transport::WebSocket))
                .await;
            events_answers_and_binary_data(&socket, &seen).await;
        }
        let told = who(&socket).await;
        assert_eq!(told.transport, socket.transport().unwrap().name(), "{way:?}");
        assert_eq!((told.id.as_str(), told.header.as_deref()), (&*socket.id(), Some("1")));
        assert!(!told.recovered && told.rooms == [told.id.clone()]);
        // The cookie came with the first answer over HTTP, and goes back with a new connection.
        let again = soon(socket.namespace("/").force_new().connect()).await.unwrap();
        let cookie = who(&again).await.cookie;
        assert_eq!(cookie.is_some_and(|c| c.starts_with("io=")), way[0] == Transport::Polling);
    }
}

#[tokio::test]
async fn rule_17_order_is_kept_while_a_session_moves() {
    let node = Node::start(&[]).await;
    let both = [Transport::Polling, Transport::WebSocket];
    let seen = Seen::new();
    let sender = seen.sender();
    let socket = client(node.addr)
        .transports(both)
        .on("echo", async move |Data(n): Data<u32>| _ = sender.send(n))
        .connect();
    let socket = soon(socket).await.unwrap();
    let mut n = 0;
    while socket.transport() == Some(Transport::Polling) || n < 2000 {
        socket.emit("echo", n).unwrap();
        n += 1;
        if n % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for expected in 0..n {
        assert_eq!(seen.next().await, expected);
    }
    seen.assert_nothing();
}

#[tokio::test]
async fn a_server_with_one_transport_is_found() {
    for (only, transport) in [("polling", Transport::Polling), ("websocket", Transport::WebSocket)]
    {
        let node = Node::start(&["--transports", only]).await;
        for way in [WAYS[2], WAYS[3]] {
            let socket = soon(via(node.addr, way, eager(|_| ())).connect()).await.unwrap();
            assert_eq!(socket.transport(), Some(transport));
            assert_eq!(ask::<i64>(&socket, "add", (2, 3)).await, 5);
        }
    }
}

sio::events! {
    Add = "add": (i64, i64) => i64;
    GiveBack = "give back": File => File;
    Echo = "echo": (String, u32);
}

#[tokio::test]
async fn events_have_types() {
    let node = Node::start(&[]).await;
    let seen = Seen::new();
    let sender = seen.sender();
    let builder = client(node.addr).event(Echo).on(async move |_, both| _ = sender.send(both));
    let socket = soon(builder.connect()).await.unwrap();
    assert_eq!(soon(socket.event(Add).emit_with_ack((2, 3))).await.unwrap(), 5);
    let file = File { name: "x".into(), parts: vec![Bytes::from_static(&[1, 2])] };
    assert_eq!(soon(socket.event(GiveBack).emit_with_ack(&file)).await.unwrap(), file);
    socket.event(Echo).emit(("a".to_owned(), 1)).unwrap();
    assert_eq!(seen.next().await, ("a".to_owned(), 1));
}

#[tokio::test]
async fn a_program_without_tokio_talks_with_node() {
    let node = Node::start(&[]).await;
    for way in WAYS {
        let builder = via(node.addr, way, eager(|_| ()));
        let talk = move || {
            let socket = builder.connect_blocking().unwrap();
            socket.on("question", |text: String| text + "!");
            assert_eq!(socket.event(Add).emit_with_ack((2, 3)).unwrap(), 5);
            assert_eq!(socket.emit_with_ack::<String>("ask", ()).unwrap(), "?!");
            socket.emit("echo", 7).unwrap();
            assert_eq!(socket.next().unwrap().data::<i64>().unwrap(), 7);
            assert_eq!(
                socket.namespace("/other").unwrap().emit_with_ack::<i64>("add", (1, 1)).unwrap(),
                2
            );
            socket.emit("leave me", ()).unwrap();
            assert_eq!(socket.closed(), DisconnectReason::IoServerDisconnect);
        };
        soon(tokio::task::spawn_blocking(talk)).await.unwrap();
    }
}

#[tokio::test]
async fn messagepack_both_ways() {
    let node = Node::start(&["--msgpack"]).await;
    for way in WAYS {
        let config = eager(|config| config.parser = Some(Arc::new(sio::packet::Msgpack)));
        let (builder, seen) = echoed(via(node.addr, way, config));
        let socket = soon(builder.connect()).await.unwrap();
        events_answers_and_binary_data(&socket, &seen).await;
    }
}

#[tokio::test]
async fn rule_29_a_session_is_recovered_with_what_was_missed() {
    for way in WAYS {
        let node = Node::start(&["--recovery"]).await;
        let relay = Relay::to(node.addr).await;
        let seen = Seen::new();
        let sender = seen.sender();
        let teller = soon(client(node.addr).connect()).await.unwrap();
        let connects = Seen::new();
        let connected = connects.sender();
        let socket = via(relay.addr, way, eager(|_| ()))
            .on("told", async move |Data(n): Data<u32>| _ = sender.send(n))
            .on_connect(async move |socket: Socket| _ = connected.send(socket.recovered()))
            .connect();
        let socket = soon(socket).await.unwrap();
        assert!(!connects.next().await);
        ask::<()>(&socket, "room", "a").await;
        ask::<()>(&teller, "tell", ("a", 0)).await;
        assert_eq!(seen.next().await, 0);
        let (id, mut n) = (socket.id(), 1);
        for _ in 0..3 {
            relay.set_closed(true);
            relay.cut();
            until("it is lost", || !socket.connected()).await;
            for _ in 0..5 {
                ask::<()>(&teller, "tell", ("a", n)).await;
                n += 1;
            }
            relay.set_closed(false);
            assert!(connects.next().await, "{way:?}: not recovered");
            ask::<()>(&teller, "tell", ("a", n)).await;
            n += 1;
        }
        assert_eq!(socket.id(), id);
        for expected in 1..n {
            assert_eq!(seen.next().await, expected);
        }
        let told = who(&socket).await;
        assert!(told.recovered && told.rooms.contains(&"a".to_owned()));
        seen.assert_nothing();
        // Another process knows nothing of it.
        drop(teller);
        let _node = Node::again(node.kill().await, &["--recovery"]).await;
        assert!(!connects.next().await);
        assert_ne!(socket.id(), id);
    }
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_is_found_again() {
    for way in WAYS {
        let mut node = Node::start(&[]).await;
        let seen = Seen::new();
        let sender = seen.sender();
        let socket = via(node.addr, way, eager(|_| ()))
            .on_disconnect(async move |reason: DisconnectReason| _ = sender.send(reason))
            .connect();
        let socket = soon(socket).await.unwrap();
        for round in 0..3 {
            let port = node.kill().await;
            let reason = seen.next().await;
            assert!(
                matches!(
                    reason,
                    DisconnectReason::TransportClose | DisconnectReason::TransportError
                ),
                "{reason}"
            );
            for n in 0..10 {
                socket.emit("n", n).unwrap();
            }
            let all = socket.emit_with_ack::<Vec<u32>>("all", ());
            node = Node::again(port, &[]).await;
            let all = soon(all).await.unwrap();
            assert_eq!(all, (0..10).collect::<Vec<_>>(), "{way:?}, round {round}");
        }
    }
}

#[tokio::test]
async fn a_token_that_expires_is_renewed() {
    let node = Node::start(&["--token", "t0"]).await;
    let relay = Relay::to(node.addr).await;
    let count = Arc::new(AtomicU32::new(0));
    let tokens = count.clone();
    let builder = client(relay.addr)
        .config(eager(|config| config.on_refusal = OnRefusal::Retry))
        .auth(async move || json!({ "token": format!("t{}", tokens.fetch_add(1, Ordering::Relaxed)) }));
    let socket = soon(builder.clone().connect()).await.unwrap();
    ask::<()>(&socket, "expect", "t4").await;
    relay.cut();
    until("it has a new token", || count.load(Ordering::Relaxed) == 5).await;
    assert_eq!(ask::<i64>(&socket, "add", (2, 3)).await, 5);
    let Err(ConnectError::Refused(refusal)) = soon(builder.connect()).await else { panic!() };
    assert_eq!(refusal.message, "expired");
    assert_eq!(refusal.data::<Value>().unwrap(), json!({ "got": "t5" }));
}

#[tokio::test]
async fn the_server_closes_and_puts_out() {
    let node = Node::start(&[]).await;
    for way in WAYS {
        let seen = Seen::new();
        let sender = seen.sender();
        let socket = via(node.addr, way, eager(|_| ()))
            .on_disconnect(async move |reason: DisconnectReason| _ = sender.send(reason))
            .connect();
        let socket = soon(socket).await.unwrap();
        let id = socket.id();
        socket.emit("drop me", ()).unwrap();
        assert_eq!(seen.next().await, DisconnectReason::TransportClose, "{way:?}");
        until("it is back", || socket.connected() && socket.id() != id).await;
        socket.emit("leave me", ()).unwrap();
        assert_eq!(soon(socket.closed()).await, DisconnectReason::IoServerDisconnect);
    }
}

#[tokio::test]
async fn node_does_not_give_up_a_client_that_does_not_read() {
    for way in [Transport::WebSocket, Transport::Polling] {
        let node = Node::start(&["--ping-interval-ms", "100", "--ping-timeout-ms", "200"]).await;
        let config = eager(|config| config.max_queued_events = 2);
        let builder = client(node.addr).config(config).transports([way]).keep_events();
        let socket = soon(builder.connect()).await.unwrap();
        let id = socket.id();
        for n in 0..20 {
            socket.emit("echo", n).unwrap();
        }
        // Long enough for the server to give it up several times.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        for n in 0..20 {
            assert_eq!(soon(socket.next()).await.unwrap().data::<i64>().unwrap(), n);
        }
        assert_eq!(ask::<i64>(&socket, "add", (2, 3)).await, 5);
        assert_eq!(socket.id(), id);
    }
}

/// Of some events the answer is waited for, and comes exactly once: an event that the server saw twice is one for its sender.
#[tokio::test]
async fn rule_30_nothing_is_lost_or_out_of_order_in_a_thousand_reconnects() {
    for (way, reconnects) in WAYS.into_iter().zip([250, 1000, 250, 250]) {
        let node = Node::start(&[]).await;
        let relay = Relay::to(node.addr).await;
        let connects = Seen::new();
        let sender = connects.sender();
        let config = configured(|config| {
            config.reconnection.delay = Duration::from_millis(1);
            config.reconnection.max_delay = Duration::from_millis(2);
            config.retries = Some(3);
            config.offline.max_events = 10_000;
            config.max_pending_acks = 10_000;
        });
        let socket = via(relay.addr, way, config).on_connect(async move || _ = sender.send(()));
        let socket = soon(socket.connect()).await.unwrap();
        let (mut n, mut answers, mut round) = (0, Vec::new(), 0);
        while round < reconnects {
            // A session over polling that is cut between two requests goes on as if nothing had happened.
            let patience = if way == WAYS[1] { 20_000 } else { 50 };
            let connected = tokio::time::timeout(Duration::from_millis(patience), connects.next());
            round += u64::from(connected.await.is_ok());
            for _ in 0..2 {
                socket.emit("n", n).unwrap();
                answers.push(socket.emit_with_ack::<()>("n", n + 1));
                n += 2;
            }
            if round % 3 == 0 {
                tokio::time::sleep(Duration::from_micros(round * 3)).await;
            }
            relay.cut();
        }
        let all = socket.emit_with_ack::<Vec<u32>>("all", ());
        let all = tokio::time::timeout(Duration::from_secs(60), all).await.unwrap().unwrap();
        for answer in answers {
            answer.await.unwrap();
        }
        let mut expected = 0;
        for got in &all {
            // At least once, in order: each is the one before or the next.
            assert!(*got == expected || *got + 1 == expected, "{got} instead of {expected}");
            expected = got + 1;
        }
        assert_eq!(expected, n);
        eprintln!("{way:?}: {n} events, {} of them twice", all.len() - n as usize);
    }
}

/// The lines of the README; the next test compares them.
async fn readme(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    use sio::client::Client;
    let socket = Client::builder(url)
        .auth(async || serde_json::json!({ "token": "8f1c" }))
        .connect()
        .await?; // joined: the namespace has answered
    socket.on("chat message", async |Data(text): Data<String>| tracing::info!(text));
    socket.emit("chat message", "hello")?;
    let sum: i64 = socket.emit_with_ack("add", (2, 3)).await?;
    assert_eq!(sum, 5);
    Ok(())
}

#[tokio::test]
async fn the_lines_of_the_readme_run_against_node() {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let readme_text = include_str!("../../../README.md");
    let (_, block) = readme_text.split_once("use sio::client::{Client, Data};").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let shown = block.lines().filter(|line| !line.starts_with('#')).collect::<String>();
    let shown = dense(&shown.replace("\"http://127.0.0.1:3000\"", "url"));
    assert!(dense(include_str!("main.rs")).contains(&shown), "it is another: {shown}");
    let node = Node::start(&[]).await;
    soon(readme(&format!("http://{}", node.addr))).await.unwrap();
}
