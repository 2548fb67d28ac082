//! Polling, WebSocket, and the way from one to the other.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use sio::client::{Builder, ConnectError, Data, Socket, Transport};
use sio::engine::Cookie;
use sio::engine::client::ConnectError as SessionError;
use sio::server::{self, Io};

use crate::support::{Seen, client, configured, serve, soon, until};

/// The ways that a session can take.
const WAYS: [&[Transport]; 4] = [
    &[Transport::Polling],
    &[Transport::WebSocket],
    &[Transport::Polling, Transport::WebSocket],
    &[Transport::WebSocket, Transport::Polling],
];

fn via(builder: Builder, way: &[Transport]) -> Builder {
    builder.transports(way.iter().copied())
}

fn echoing() -> Io {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.on("echo", async |socket: server::Socket, Data(data): Data<(Bytes, String)>| {
            socket.emit("echo", data)
        });
        socket.on("n", async |socket: server::Socket, Data(n): Data<u32>| socket.emit("n", n));
        socket.on("ask", async |socket: server::Socket| {
            socket.emit_with_ack::<Bytes>("question", Bytes::from_static(b"?")).await.unwrap()
        });
        socket.on("leave me", async |socket: server::Socket| socket.disconnect(true));
    });
    io
}

async fn moved(socket: &Socket) {
    until("it has moved", || socket.transport() == Some(Transport::WebSocket)).await;
}

#[tokio::test]
async fn every_way_carries_events_answers_and_binary_data() {
    for way in WAYS {
        let addr = serve(&echoing()).await;
        let echoes = Seen::new();
        let sender = echoes.sender();
        let socket = via(client(addr), way)
            .on("echo", async move |Data(data): Data<(Bytes, String)>| _ = sender.send(data))
            .on("question", async |Data(data): Data<Bytes>| data)
            .connect();
        let socket = soon(socket).await.unwrap();
        assert_eq!(soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.unwrap(), 5, "{way:?}");
        let data = (Bytes::from(vec![255; 100_000]), "é\u{1e}\u{1f600}".repeat(1000));
        socket.emit("echo", &data).unwrap();
        assert_eq!(echoes.next().await, data);
        let asked: Bytes = soon(socket.emit_with_ack("ask", ())).await.unwrap();
        assert_eq!(asked, "?");
        let other = socket.namespace("/other").connect();
        assert!(matches!(soon(other).await, Err(ConnectError::Refused(_))));
    }
}

#[tokio::test]
async fn rule_17_nothing_is_lost_doubled_or_out_of_order_while_a_session_moves() {
    let addr = serve(&echoing()).await;
    let seen = Seen::new();
    let sender = seen.sender();
    let both = [Transport::Polling, Transport::WebSocket];
    let socket = client(addr)
        .transports(both)
        .on("n", async move |Data(n): Data<u32>| _ = sender.send(n))
        .connect();
    let socket = soon(socket).await.unwrap();
    let mut n = 0;
    while socket.transport() == Some(Transport::Polling) || n < 1000 {
        socket.emit("n", n).unwrap();
        n += 1;
        tokio::task::yield_now().await;
    }
    for expected in 0..n {
        assert_eq!(seen.next().await, expected);
    }
    seen.assert_nothing();
}

#[tokio::test]
async fn an_upgrade_happens_only_if_both_want_it() {
    let both = [Transport::Polling, Transport::WebSocket];
    let mut config = server::Config::default();
    config.engine.allow_upgrades = false;
    let unwilling = Io::with_config(config).unwrap();
    let no_upgrade = configured(|config| {
        config.engine.upgrade = false;
        config.engine.transports = both.to_vec();
    });
    for (addr, builder) in [
        (serve(&unwilling).await, Box::new(|b: Builder| b.transports(both)) as Box<dyn Fn(_) -> _>),
        (serve(&echoing()).await, Box::new(|b: Builder| b.config(no_upgrade.clone()))),
        (serve(&echoing()).await, Box::new(|b: Builder| b.transports([Transport::Polling]))),
    ] {
        let socket = soon(builder(client(addr)).connect()).await.unwrap();
        // Not to wait for something, but to give it the time in which it must not happen.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(socket.transport(), Some(Transport::Polling));
        assert!(socket.connected());
    }
}

#[tokio::test]
async fn the_next_transport_is_tried_if_the_server_does_not_have_the_first() {
    let mut config = server::Config::default();
    config.engine.transports = vec![Transport::Polling];
    let addr = serve(&Io::with_config(config).unwrap()).await;
    let socket = soon(client(addr).connect()).await.unwrap();
    assert_eq!(socket.transport(), Some(Transport::Polling));
    let only_first = configured(|config| config.engine.try_all_transports = false);
    let error = soon(client(addr).config(only_first).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Session(SessionError::WebSocket(_))), "{error:?}");
    let mut config = server::Config::default();
    config.engine.transports = vec![Transport::WebSocket];
    let addr = serve(&Io::with_config(config).unwrap()).await;
    let both = [Transport::Polling, Transport::WebSocket];
    let socket = soon(client(addr).transports(both).connect()).await.unwrap();
    assert_eq!(socket.transport(), Some(Transport::WebSocket));
}

#[tokio::test]
async fn an_upgrade_that_worked_is_remembered() {
    let io = Io::new();
    let seen = Seen::new();
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        let _ = sender.send(socket.handshake().uri().to_string());
    });
    let addr = serve(&io).await;
    let config = configured(|config| {
        config.engine.transports = vec![Transport::Polling, Transport::WebSocket];
        config.engine.remember_upgrade = true;
    });
    let first = soon(client(addr).config(config).connect()).await.unwrap();
    assert_eq!(seen.next().await, "/socket.io/?EIO=4&transport=polling");
    moved(&first).await;
    let second = soon(first.namespace("/").force_new().connect()).await.unwrap();
    assert_ne!(first.id(), second.id());
    assert_eq!(seen.next().await, "/socket.io/?EIO=4&transport=websocket", "at once");
}

#[tokio::test]
async fn cookies_of_the_server_and_of_the_application_are_sent_back() {
    // Rule 9: the server sets its cookie in answers to polling only.
    for way in WAYS.into_iter().filter(|way| way[0] == Transport::Polling) {
        let mut config = server::Config::default();
        config.engine.cookie = Some(Cookie::default());
        let io = Io::with_config(config).unwrap();
        let seen = Seen::new();
        let sender = seen.sender();
        io.on_connect(async move |socket: server::Socket| {
            let _ = sender.send(socket.handshake().headers().get("cookie").cloned());
        });
        let addr = serve(&io).await;
        let socket = soon(via(client(addr), way).header("cookie", "a=b").connect()).await.unwrap();
        assert_eq!(seen.next().await.unwrap(), "a=b");
        let second = soon(socket.namespace("/").force_new().connect()).await.unwrap();
        let cookies = seen.next().await.unwrap();
        let cookies = cookies.to_str().unwrap();
        assert!(cookies.starts_with("a=b; io="), "{way:?}: {cookies}");
        drop(second);
    }
}

#[tokio::test]
async fn headers_and_query_go_with_every_request() {
    for way in WAYS {
        let io = Io::new();
        let seen = Seen::new();
        let sender = seen.sender();
        io.on_connect(async move |socket: server::Socket| {
            let request = socket.handshake();
            let _ = sender.send((request.uri().to_string(), request.headers().clone()));
        });
        let addr = serve(&io).await;
        let socket = via(client(addr), way)
            .query("a b", "c&d")
            .header("x-static", "1")
            .headers_from(async || {
                Ok::<_, std::io::Error>(HeaderMap::from_iter([(
                    http::HeaderName::from_static("x-fresh"),
                    http::HeaderValue::from_static("2"),
                )]))
            })
            .connect();
        let _socket = soon(socket).await.unwrap();
        let (uri, headers) = seen.next().await;
        assert!(uri.starts_with("/socket.io/?a%20b=c%26d&EIO=4&transport="), "{uri}");
        assert!(headers["x-static"] == "1" && headers["x-fresh"] == "2", "{headers:?}");
    }
}

#[tokio::test]
async fn rule_15_posts_stay_within_what_the_server_takes() {
    let mut config = server::Config::default();
    config.engine.max_payload = 1000;
    let io = Io::with_config(config).unwrap();
    let seen = Seen::new();
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        socket.on("n", async move |Data((n, _)): Data<(u32, String)>| _ = sender.send(n));
    });
    let addr = serve(&io).await;
    let socket = soon(client(addr).transports([Transport::Polling]).connect()).await.unwrap();
    for n in 0..100 {
        socket.emit("n", (n, "x".repeat(300))).unwrap();
    }
    for n in 0..100 {
        assert_eq!(seen.next().await, n);
    }
    assert!(socket.connected());
}

#[tokio::test]
async fn a_polling_session_ends_in_order_from_either_side() {
    let io = echoing();
    let seen = Seen::new();
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        let (told, ended) = (sender.clone(), sender);
        socket.on("last", async move |Data(text): Data<String>| _ = told.send(text));
        socket.on("leave me", async |socket: server::Socket| socket.disconnect(true));
        socket.on_disconnect(async move |reason: server::DisconnectReason| {
            let _ = ended.send(reason.to_string());
        });
    });
    let addr = serve(&io).await;
    let polling = || client(addr).transports([Transport::Polling]);
    let socket = soon(polling().connect()).await.unwrap();
    socket.emit("last", "words").unwrap();
    socket.disconnect();
    assert_eq!(seen.next().await, "words", "what was sent before is heard");
    assert_eq!(seen.next().await, "client namespace disconnect");
    let socket = soon(polling().connect()).await.unwrap();
    socket.emit("leave me", ()).unwrap();
    assert_eq!(soon(socket.closed()).await.as_str(), "io server disconnect");
    assert_eq!(seen.next().await, "server namespace disconnect");
    let socket = soon(polling().connect()).await.unwrap();
    drop(socket);
    assert_eq!(seen.next().await, "client namespace disconnect", "so does who drops it");
}

#[tokio::test]
async fn a_heartbeat_is_kept_and_missed_over_polling() {
    let mut config = server::Config::default();
    config.engine.ping_interval = Duration::from_millis(50);
    config.engine.ping_timeout = Duration::from_millis(300);
    let addr = serve(&Io::with_config(config).unwrap()).await;
    let relay = crate::relay::Relay::to(addr).await;
    let off = configured(|config| {
        config.reconnection.enabled = false;
        config.engine.transports = vec![Transport::Polling];
    });
    let socket = soon(client(relay.addr).config(off).connect()).await.unwrap();
    // Not to wait for something, but to give it the time in which it must not happen.
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(socket.connected());
    relay.swallow(true);
    assert_eq!(soon(socket.closed()).await.as_str(), "ping timeout");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_given_up_by_the_server() {
    for way in [Transport::WebSocket, Transport::Polling] {
        let mut config = server::Config::default();
        config.engine.ping_interval = Duration::from_millis(100);
        config.engine.ping_timeout = Duration::from_millis(200);
        let io = Io::with_config(config).unwrap();
        let ends = Seen::new();
        let sender = ends.sender();
        io.on_connect(async move |socket: server::Socket| {
            (0..10).for_each(|n| socket.emit("n", n).unwrap());
            socket.on_disconnect(async move |reason: server::DisconnectReason| {
                let _ = sender.send(reason);
            });
        });
        let addr = serve(&io).await;
        let config = configured(|config| {
            config.max_queued_events = 2;
            config.engine.transports = vec![way];
        });
        let (seen, go) = (Seen::new(), std::sync::Arc::new(tokio::sync::Semaphore::new(0)));
        let (sender, wait) = (seen.sender(), go.clone());
        let socket = client(addr)
            .config(config)
            .on("n", async move |Data(n): Data<i64>| {
                wait.acquire().await.unwrap().forget();
                let _ = sender.send(n);
            })
            .connect();
        let socket = soon(socket).await.unwrap();
        // Long enough for the server to give it up several times.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        ends.assert_nothing();
        go.add_permits(10);
        for n in 0..10 {
            assert_eq!(seen.next().await, n);
        }
        assert!(socket.connected());
    }
}
