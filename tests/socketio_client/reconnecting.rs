//! A connection that is lost and made again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sio::client::{
    Builder, Client, Config, ConnectError, Data, DisconnectReason, EmitError, ManagerEvent,
    OnOverflow, OnRefusal, Socket, Transport,
};
use sio::server::{self, Auth, Io};

use crate::relay::Relay;
use crate::support::{OPEN, Seen, client, configured, scripted, serve, soon, until};

/// Reconnects soon.
fn eager(change: impl FnOnce(&mut Config)) -> Config {
    configured(|config| {
        config.reconnection.delay = Duration::from_millis(5);
        config.reconnection.max_delay = Duration::from_millis(20);
        change(config);
    })
}

fn adding() -> (Io, Seen<String>) {
    let (io, seen) = (Io::new(), Seen::new());
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        let sender = sender.clone();
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.on("never", async || std::future::pending::<()>().await);
        socket.on("note", async move |Data(text): Data<String>| _ = sender.send(text));
    });
    (io, seen)
}

/// Tells each time that it is connected and disconnected.
fn watched(builder: Builder) -> (Builder, Seen<String>) {
    let seen = Seen::new();
    let (connects, disconnects) = (seen.sender(), seen.sender());
    let builder = builder
        .on_connect(async move |socket: Socket| {
            assert!(socket.connected() && !socket.id().is_empty());
            let _ = connects.send("connect".to_owned());
        })
        .on_disconnect(async move |socket: Socket, reason: DisconnectReason| {
            assert!(!socket.connected());
            let _ = disconnects.send(reason.to_string());
        });
    (builder, seen)
}

const WAYS: [&[Transport]; 3] =
    [&[Transport::WebSocket], &[Transport::Polling], &[Transport::Polling, Transport::WebSocket]];

#[tokio::test]
async fn a_lost_connection_is_made_again_over_every_transport() {
    for way in WAYS {
        let (io, _) = adding();
        let relay = Relay::to(serve(&io).await).await;
        let builder = client(relay.addr).config(eager(|_| ())).transports(way.iter().copied());
        let (builder, seen) = watched(builder);
        let socket = soon(builder.connect()).await.unwrap();
        assert_eq!(seen.next().await, "connect");
        for cut in 0..6 {
            let id = socket.id();
            relay.delay(Duration::from_millis(cut));
            match cut % 3 {
                0 => relay.cut(),
                1 => relay.half_close(),
                // New connections break off in the middle of something, until one is let through.
                _ => {
                    relay.truncate(Some(150));
                    relay.cut();
                    let before = relay.accepted();
                    until("it has tried", || relay.accepted() > before + 2).await;
                    relay.truncate(None);
                    relay.cut();
                }
            }
            let reason = seen.next().await;
            assert!(reason.starts_with("transport "), "{way:?}: {reason}");
            until("it is connected again", || socket.connected() && socket.id() != id).await;
            loop {
                // It may be cut once more, if what was let through was cut with the rest.
                if let Ok(sum) = soon(socket.emit_with_ack::<i64>("add", (2, 3))).await {
                    assert_eq!(sum, 5);
                    break;
                }
            }
            while seen.try_next().is_some() {}
        }
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_lost_and_comes_back() {
    let mut config = server::Config::default();
    config.engine.ping_interval = Duration::from_millis(50);
    config.engine.ping_timeout = Duration::from_millis(150);
    let relay = Relay::to(serve(&Io::with_config(config).unwrap()).await).await;
    let config = eager(|config| config.engine.open_timeout = Duration::from_millis(200));
    let (builder, seen) = watched(client(relay.addr).config(config));
    let _socket = soon(builder.connect()).await.unwrap();
    assert_eq!(seen.next().await, "connect");
    relay.swallow(true);
    assert_eq!(seen.next().await, "ping timeout");
    relay.swallow(false);
    assert_eq!(seen.next().await, "connect");
}

#[tokio::test]
async fn rule_30_what_is_emitted_offline_waits_and_what_was_asked_before_fails() {
    let (io, notes) = adding();
    let relay = Relay::to(serve(&io).await).await;
    let (builder, seen) = watched(client(relay.addr).config(eager(|_| ())));
    let socket = soon(builder.connect()).await.unwrap();
    assert_eq!(seen.next().await, "connect");
    let asked = socket.emit_with_ack::<()>("never", ());
    relay.set_closed(true);
    relay.cut();
    assert_eq!(seen.next().await, "transport close");
    assert!(matches!(soon(asked).await, Err(EmitError::Disconnected)));
    for n in 0..100 {
        socket.emit("note", format!("{n}")).unwrap();
    }
    let sum = socket.emit_with_ack::<i64>("add", (20, 22));
    let late = socket.timeout(Duration::from_millis(10)).emit_with_ack::<()>("note", "too late");
    assert!(matches!(soon(late).await, Err(EmitError::Timeout)));
    socket.emit("note", "last").unwrap();
    assert!(socket.buffered_bytes() > 100);
    relay.set_closed(false);
    for n in 0..100 {
        assert_eq!(notes.next().await, n.to_string());
    }
    assert_eq!(notes.next().await, "last", "what nobody waits for any more is not sent");
    assert_eq!(soon(sum).await.unwrap(), 42);
    assert_eq!(socket.buffered_bytes(), 0);
}

#[tokio::test]
async fn what_waits_is_bounded_by_a_policy() {
    for (policy, expected) in [
        (OnOverflow::Refuse, ["0", "1"]),
        (OnOverflow::DropOldest, ["2", "3"]),
        (OnOverflow::DropNewest, ["0", "1"]),
    ] {
        let (io, notes) = adding();
        let config = eager(|config| {
            (config.offline.max_events, config.offline.policy) = (2, policy);
        });
        let relay = Relay::to(serve(&io).await).await;
        let (builder, seen) = watched(client(relay.addr).config(config));
        let socket = soon(builder.connect()).await.unwrap();
        relay.set_closed(true);
        relay.cut();
        assert_eq!([seen.next().await, seen.next().await], ["connect", "transport close"]);
        for n in 0..4 {
            let emitted = socket.emit("note", n.to_string());
            let refused = policy == OnOverflow::Refuse && n >= 2;
            assert_eq!(matches!(emitted, Err(EmitError::Full)), refused, "{emitted:?}");
        }
        let in_time = socket.send_timeout("note", "patient", Duration::from_millis(5)).await;
        assert_eq!(in_time.is_err(), policy == OnOverflow::Refuse);
        relay.set_closed(false);
        if policy == OnOverflow::Refuse {
            soon(socket.send("note", "waited")).await.unwrap();
            assert_eq!([notes.next().await, notes.next().await], expected);
            assert_eq!(notes.next().await, "waited");
        } else if policy == OnOverflow::DropNewest {
            assert_eq!([notes.next().await, notes.next().await], expected);
        } else {
            assert_eq!([notes.next().await, notes.next().await], ["3", "patient"]);
        }
    }
}

#[tokio::test]
async fn url_headers_and_auth_are_asked_for_again_before_each_try() {
    let (first, second) = (Io::new(), Io::new());
    let seen = Seen::new();
    for (io, name) in [(&first, "first"), (&second, "second")] {
        let sender = seen.sender();
        io.on_connect(async move |socket: server::Socket, Auth(auth): Auth<Value>| {
            let header = socket.handshake().headers()["x-try"].to_str().unwrap().to_owned();
            let _ = sender.send((name, auth["try"].clone(), header));
        });
    }
    let relay = Relay::to(serve(&first).await).await;
    let urls = [format!("http://{}", relay.addr), format!("http://{}", serve(&second).await)];
    let counter = || {
        let count = Arc::new(AtomicU32::new(0));
        move || count.fetch_add(1, Ordering::Relaxed)
    };
    let (url, header, auth) = (counter(), counter(), counter());
    let socket = Client::builder("http://nobody.invalid")
        .config(eager(|_| ()))
        .url_from(async move || Ok::<_, ConnectError>(urls[url().min(1) as usize].clone()))
        .headers_from(async move || {
            let value = http::HeaderValue::from(header());
            Ok::<_, ConnectError>(
                [(http::HeaderName::from_static("x-try"), value)].into_iter().collect(),
            )
        })
        .auth(async move || json!({ "try": auth() }))
        .connect();
    let _socket = soon(socket).await.unwrap();
    assert_eq!(seen.next().await, ("first", json!(0), "0".to_owned()));
    relay.cut();
    assert_eq!(seen.next().await, ("second", json!(1), "1".to_owned()));
}

#[tokio::test]
async fn auth_that_expires_is_refused_and_asked_for_again_by_policy() {
    for (policy, lives) in [(OnRefusal::Stop, false), (OnRefusal::Retry, true)] {
        let io = Io::new();
        let valid = Arc::new(Mutex::new(0));
        let current = valid.clone();
        io.middleware(async move |Auth(auth): Auth<Value>| {
            if auth["token"] == *current.lock().unwrap() { Ok(()) } else { Err("expired") }
        });
        let relay = Relay::to(serve(&io).await).await;
        let tokens = Arc::new(AtomicU32::new(0));
        let next = tokens.clone();
        let builder = client(relay.addr)
            .config(eager(|config| config.on_refusal = policy))
            .auth(async move || json!({ "token": next.fetch_add(1, Ordering::Relaxed) }));
        let (builder, seen) = watched(builder);
        let refusals = Seen::new();
        let sender = refusals.sender();
        let builder = builder.on_manager(move |event| {
            if let ManagerEvent::ConnectError { error: ConnectError::Refused(refusal), .. } = event
            {
                let _ = sender.send(refusal.message.clone());
            }
        });
        let socket = soon(builder.connect()).await.unwrap();
        // The next token that is good is two tries away.
        *valid.lock().unwrap() = 2;
        relay.cut();
        assert_eq!([seen.next().await, seen.next().await], ["connect", "transport close"]);
        assert_eq!(refusals.next().await, "expired");
        if lives {
            assert_eq!(seen.next().await, "connect");
        } else {
            assert_eq!(soon(socket.closed()).await, DisconnectReason::Refused);
            assert!(matches!(socket.emit("note", ()), Err(EmitError::Disconnected)));
        }
    }
}

#[tokio::test]
async fn attempts_are_counted_told_and_end() {
    let (io, _) = adding();
    let relay = Relay::to(serve(&io).await).await;
    let told = Seen::new();
    let sender = told.sender();
    let config = eager(|config| config.reconnection.attempts = Some(2));
    let builder = client(relay.addr).config(config).on_manager(move |event| {
        let _ = sender.send(match event {
            ManagerEvent::Open => "open".to_owned(),
            ManagerEvent::Close(reason) => format!("close: {reason}"),
            ManagerEvent::ReconnectAttempt(n) => format!("attempt {n}"),
            ManagerEvent::Reconnect(n) => format!("reconnect {n}"),
            ManagerEvent::ReconnectError(_) => "error".to_owned(),
            ManagerEvent::ReconnectFailed => "failed".to_owned(),
            _ => return,
        });
    });
    let (builder, seen) = watched(builder);
    let socket = soon(builder.connect()).await.unwrap();
    assert_eq!(told.next().await, "open");
    // Longer than the longest delay, so that the next try is the first again.
    tokio::time::sleep(Duration::from_millis(25)).await;
    relay.cut();
    for event in ["close: transport close", "attempt 1", "open", "reconnect 1"] {
        assert_eq!(told.next().await, event);
    }
    until("it is connected again", || socket.connected()).await;
    tokio::time::sleep(Duration::from_millis(25)).await;
    relay.set_closed(true);
    relay.cut();
    let waiting = socket.emit_with_ack::<()>("never", ());
    for event in ["close: transport close", "attempt 1", "error", "attempt 2", "error", "failed"] {
        assert_eq!(told.next().await, event);
    }
    assert_eq!(soon(socket.closed()).await, DisconnectReason::ReconnectFailed);
    assert!(matches!(soon(waiting).await, Err(EmitError::Disconnected)));
    for event in ["connect", "transport close", "connect", "transport close"] {
        assert_eq!(seen.next().await, event, "and nothing more");
    }
    seen.assert_nothing();
}

#[tokio::test]
async fn the_first_connection_is_tried_for_if_that_is_wanted() {
    let (io, notes) = adding();
    let relay = Relay::to(serve(&io).await).await;
    relay.set_closed(true);
    let error = soon(client(relay.addr).config(eager(|_| ())).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Session(_)), "{error:?}");
    let patient = client(relay.addr).config(eager(|config| config.reconnection.first = true));
    let connecting = tokio::spawn(patient.connect());
    let started = client(relay.addr).config(eager(|_| ())).start().unwrap();
    assert!(!started.connected());
    started.emit("note", "early").unwrap();
    let before = relay.accepted();
    until("both have tried", || relay.accepted() > before + 4).await;
    relay.set_closed(false);
    assert!(soon(connecting).await.unwrap().unwrap().connected());
    assert_eq!(notes.next().await, "early");
    assert!(client(relay.addr).header("a b", "c").start().is_err(), "mistakes are told at once");
}

#[tokio::test]
async fn run_is_one_connection_and_says_why_it_ended() {
    let (io, notes) = adding();
    io.on_connect(async |socket: server::Socket| {
        socket.on("leave me", async |socket: server::Socket| socket.disconnect(true));
        socket.on("note", async |socket: server::Socket| socket.emit("noted", ()));
    });
    let relay = Arc::new(Relay::to(serve(&io).await).await);
    let cutting = relay.clone();
    let count = Arc::new(AtomicU32::new(0));
    let builder = client(relay.addr).on_connect(async move |socket: Socket| {
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => socket.emit("leave me", ()).unwrap(),
            1 => cutting.cut(),
            _ => socket.disconnect(),
        }
    });
    for reason in [
        DisconnectReason::IoServerDisconnect,
        DisconnectReason::TransportClose,
        DisconnectReason::IoClientDisconnect,
    ] {
        assert_eq!(soon(builder.run()).await.unwrap(), reason);
    }
    relay.set_closed(true);
    assert!(soon(builder.run()).await.is_err());
    drop(notes);
}

#[tokio::test]
async fn an_answer_is_not_given_to_another_connection() {
    let io = Io::new();
    let answers = Seen::new();
    let sender = answers.sender();
    io.on_connect(async move |socket: server::Socket| {
        let sender = sender.clone();
        tokio::spawn(async move {
            let answer = socket.emit_with_ack::<String>("question", ()).await;
            let _ = sender.send(answer.map_err(|error| error.to_string()));
        });
    });
    let relay = Relay::to(serve(&io).await).await;
    let asked = Arc::new(AtomicU32::new(0));
    let (go, count) = (Arc::new(tokio::sync::Notify::new()), asked.clone());
    let wait = go.clone();
    let socket = client(relay.addr)
        .config(eager(|_| ()))
        .on("question", async move || {
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                wait.notified().await;
                return "to the first";
            }
            "to the second"
        })
        .connect();
    let socket = soon(socket).await.unwrap();
    until("it was asked", || asked.load(Ordering::Relaxed) == 1).await;
    let id = socket.id();
    relay.cut();
    until("it is connected again", || socket.connected() && socket.id() != id).await;
    go.notify_one();
    let both = [answers.next().await, answers.next().await];
    assert!(both.contains(&Ok("to the second".to_owned())), "{both:?}");
    assert!(!both.contains(&Ok("to the first".to_owned())), "{both:?}");
}

#[tokio::test]
async fn rule_30_with_retries_nothing_is_lost_or_out_of_order_while_connections_break() {
    const EVENTS: u32 = 300;
    for way in WAYS {
        let io = Io::new();
        let seen = Seen::new();
        let sender = seen.sender();
        io.on_connect(async move |socket: server::Socket| {
            let sender = sender.clone();
            socket.on("n", async move |Data(n): Data<u32>| {
                let _ = sender.send(n);
                n
            });
        });
        let relay = Relay::to(serve(&io).await).await;
        let config = eager(|config| config.retries = Some(3));
        let builder = client(relay.addr).config(config).transports(way.iter().copied());
        let socket = soon(builder.connect()).await.unwrap();
        let answers: Vec<_> =
            (0..EVENTS).map(|n| (n, socket.emit_with_ack::<u32>("n", n))).collect();
        let cutting = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(15)).await;
                relay.cut();
            }
        });
        for (n, answer) in answers {
            assert_eq!(soon(answer).await.unwrap(), n, "{way:?}");
        }
        cutting.abort();
        // At least once, in order: each is the one before or the next.
        let mut last = seen.next().await;
        assert_eq!(last, 0);
        while last + 1 < EVENTS {
            let n = seen.next().await;
            assert!(n == last || n == last + 1, "{n} after {last}");
            last = n;
        }
    }
}

#[tokio::test]
async fn rule_30_with_retries_an_event_that_is_never_answered_is_given_up() {
    let io = Io::new();
    let seen = Seen::new();
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        let sender = sender.clone();
        socket.on_any(async move |sio::server::Event(name): sio::server::Event| {
            let _ = sender.send(name);
        });
        socket.on("answered", async || 1);
    });
    let addr = serve(&io).await;
    let config = configured(|config| {
        config.retries = Some(2);
        config.ack_timeout = Duration::from_millis(60);
    });
    let socket = soon(client(addr).config(config).connect()).await.unwrap();
    let silent = socket.emit_with_ack::<()>("silent", ());
    let answered = socket.emit_with_ack::<i64>("answered", ());
    assert!(matches!(soon(silent).await, Err(EmitError::Timeout)));
    assert_eq!(soon(answered).await.unwrap(), 1);
    for name in ["silent", "silent", "silent", "answered"] {
        assert_eq!(&*seen.next().await, name);
    }
}

#[tokio::test]
async fn with_retries_an_event_is_given_up_after_its_time_though_the_server_is_gone() {
    let (io, _) = adding();
    let relay = Relay::to(serve(&io).await).await;
    let config = eager(|config| {
        config.retries = Some(2);
        config.retry_for = Duration::from_millis(300);
    });
    let socket = soon(client(relay.addr).config(config).connect()).await.unwrap();
    relay.set_closed(true);
    relay.cut();
    until("it is lost", || !socket.connected()).await;
    let answers = [(); 3].map(|()| socket.emit_with_ack::<i64>("add", (1, 2)));
    for answer in answers {
        assert!(matches!(soon(answer).await, Err(EmitError::Timeout)));
    }
    assert_eq!(socket.buffered_bytes(), 0);
    relay.set_closed(false);
    until("it is back", || socket.connected()).await;
    assert_eq!(soon(socket.emit_with_ack::<i64>("add", (3, 4))).await.unwrap(), 7);
}

#[tokio::test]
async fn with_retries_an_event_that_breaks_the_connection_does_not_do_so_for_ever() {
    let io = Io::new();
    let broken = Arc::new(AtomicU32::new(0));
    let (count, times) = (broken.clone(), broken.clone());
    io.on_connect(async move |socket: server::Socket| {
        let count = count.clone();
        socket.on("poison", async move |socket: server::Socket| {
            count.fetch_add(1, Ordering::Relaxed);
            socket.disconnect(true);
        });
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    });
    let config = eager(|config| {
        config.retries = Some(0);
        config.resends = 5;
        config.reconnection.after_server_disconnect = true;
    });
    let socket = soon(client(serve(&io).await).config(config).connect()).await.unwrap();
    socket.emit("poison", ()).unwrap();
    assert_eq!(soon(socket.emit_with_ack::<i64>("add", (1, 2))).await.unwrap(), 3);
    assert_eq!(times.load(Ordering::Relaxed), 6);
    let poisoned = soon(socket.emit_with_ack::<()>("poison", ())).await;
    assert!(matches!(poisoned, Err(EmitError::Disconnected)), "{poisoned:?}");
}

#[tokio::test]
async fn rule_29_a_session_of_which_not_all_could_be_kept_is_not_recovered() {
    let event = format!(r#"42["e","{}"]"#, "x".repeat(100));
    let mut messages = vec![OPEN];
    messages.extend([event.as_str(); 3000]);
    messages.push(r#"40{"sid":"a","pid":"p"}"#);
    let (addr, _heard) = scripted(&messages).await;
    for (max_bytes, recovered) in [(4 << 20, true), (10_000, false)] {
        let relay = Relay::to(addr).await;
        let (seen, events) = (Seen::new(), Arc::new(AtomicU32::new(0)));
        let (sender, count) = (seen.sender(), events.clone());
        let socket = client(relay.addr)
            .config(eager(|config| config.max_queued_bytes = max_bytes))
            .on("e", async move || _ = count.fetch_add(1, Ordering::Relaxed))
            .on_connect(async move |socket: Socket| _ = sender.send(socket.recovered()))
            .connect();
        let _socket = soon(socket).await.unwrap();
        assert!(!seen.next().await, "the first time");
        relay.cut();
        assert_eq!(seen.next().await, recovered);
        if recovered {
            until("each has come", || events.load(Ordering::Relaxed) == 6000).await;
        }
    }
}

/// They were once forgotten, and not asked for again.
#[tokio::test]
async fn rule_29_what_was_missed_is_asked_for_again_if_the_connection_breaks_before_it_was_given_out()
 {
    let server = ws::Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap();
    let (asked, count) = (Seen::new(), Arc::new(AtomicU32::new(0)));
    let sender = asked.sender();
    tokio::spawn(server.serve(move |mut socket: ws::WebSocket| {
        let (sender, count) = (sender.clone(), count.clone());
        async move {
            let (answer, first, second) =
                (r#"40{"sid":"a","pid":"p"}"#, r#"42["e","o1"]"#, r#"42["e","o2"]"#);
            let messages = match count.fetch_add(1, Ordering::Relaxed) {
                0 => vec![answer, first],
                1 => vec![second],
                _ => vec![second, answer],
            };
            socket.send(OPEN).await?;
            if let Some(connect) = socket.recv().await? {
                let _ = sender.send(connect.as_text().unwrap_or_default().to_owned());
            }
            for message in &messages {
                socket.send(*message).await?;
            }
            if messages.last() == Some(&answer) {
                socket.recv().await?;
            }
            socket.close(ws::CloseCode::NORMAL, "").await;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }
    }));
    let events = Seen::new();
    let sender = events.sender();
    let builder = client(addr)
        .config(eager(|_| ()))
        .on("e", async move |Data(offset): Data<String>| _ = sender.send(offset));
    let _socket = soon(builder.connect()).await.unwrap();
    let again = r#"40{"pid":"p","offset":"o1"}"#;
    for connect in ["40", again, again] {
        assert_eq!(asked.next().await, connect);
    }
    assert_eq!([events.next().await, events.next().await], ["o1", "o2"]);
    events.assert_nothing();
}

#[tokio::test]
async fn a_namespace_comes_back_with_the_connection() {
    let (io, _) = adding();
    io.of("/other").on_connect(async |socket: server::Socket| {
        socket.on("where", async || "/other");
    });
    let relay = Relay::to(serve(&io).await).await;
    let root = soon(client(relay.addr).config(eager(|_| ())).connect()).await.unwrap();
    let other = soon(root.namespace("/other").connect()).await.unwrap();
    let id = other.id();
    relay.cut();
    until("both are back", || root.connected() && other.connected() && other.id() != id).await;
    assert_eq!(soon(other.emit_with_ack::<String>("where", ())).await.unwrap(), "/other");
    assert_eq!(relay.accepted(), 2, "one connection for both");
    relay.set_closed(true);
    relay.cut();
    until("it is lost", || !root.connected()).await;
    let late = tokio::spawn(root.namespace("/").force_new().connect());
    assert!(soon(late).await.unwrap().is_err(), "a connection of its own, which is the first");
    let joining = tokio::spawn(other.namespace("/late").connect());
    relay.set_closed(false);
    let late = soon(joining).await.unwrap();
    assert!(matches!(late, Err(ConnectError::Refused(_))), "it waits for the next: {late:?}");
}

#[tokio::test]
async fn who_was_put_out_stays_out_unless_told_otherwise() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("leave me", async |socket: server::Socket| socket.disconnect(true));
    });
    let addr = serve(&io).await;
    let config = eager(|config| config.reconnection.after_server_disconnect = true);
    let (builder, seen) = watched(client(addr).config(config));
    let socket = soon(builder.connect()).await.unwrap();
    socket.emit("leave me", ()).unwrap();
    for event in ["connect", "io server disconnect", "connect"] {
        assert_eq!(seen.next().await, event);
    }
}

#[tokio::test]
async fn a_namespace_that_never_answers_is_asked_again() {
    let (addr, mut heard) = scripted(&[OPEN]).await;
    let config = eager(|config| {
        config.timeout = Duration::from_millis(50);
        config.reconnection.first = true;
    });
    let socket = client(addr).config(config).start().unwrap();
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"));
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"));
    drop(socket);
    while soon(heard.recv()).await.as_deref() != Some("closed") {}
}

#[tokio::test]
async fn panics_of_the_application_do_not_end_the_tries() {
    let (io, _) = adding();
    let relay = Relay::to(serve(&io).await).await;
    let asked = Arc::new(AtomicU32::new(0));
    let (count, addr) = (asked.clone(), relay.addr);
    let builder = client(relay.addr)
        .config(eager(|_| ()))
        .url_from(async move || {
            assert_ne!(count.fetch_add(1, Ordering::Relaxed), 1, "the second time it panics");
            Ok::<_, ConnectError>(format!("http://{addr}"))
        })
        .on_manager(|event| assert!(!matches!(event, ManagerEvent::ReconnectAttempt(_))));
    let (builder, seen) = watched(builder);
    let _socket = soon(builder.connect()).await.unwrap();
    relay.cut();
    for event in ["connect", "transport close", "connect"] {
        assert_eq!(seen.next().await, event);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}
