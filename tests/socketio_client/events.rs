//! Listeners, their order, and events that come before them.

use std::time::Duration;

use sio::client::{AckSender, Data, Event, HandlerError, Socket};
use sio::server::{self, Io};

use crate::support::{OPEN, Seen, client, configured, connect, scripted, serve, soon};

/// A server that emits back what it gets.
fn echo() -> Io {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("echo", async |socket: server::Socket, Data(args): Data<(String, i64)>| {
            socket.emit("echo", args)
        });
        socket.on("many", async |socket: server::Socket, Data(count): Data<u64>| {
            (0..count).try_for_each(|n| socket.emit("n", n))
        });
    });
    io
}

#[tokio::test]
async fn several_arguments_and_unicode_go_both_ways() {
    let socket = connect(serve(&echo()).await).await;
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("echo", async move |Data((text, number)): Data<(String, i64)>| {
        let _ = sender.send((text, number));
    });
    socket.emit("echo", ("žluťoučký kůň 🐎\u{1e}", -7)).unwrap();
    assert_eq!(seen.next().await, ("žluťoučký kůň 🐎\u{1e}".to_owned(), -7));
}

#[tokio::test]
async fn on_once_on_any_off_and_remove() {
    let socket = connect(serve(&echo()).await).await;
    let seen = Seen::new();
    let tell = |what: &'static str| {
        let sender = seen.sender();
        async move || {
            let _ = sender.send(what.to_owned());
        }
    };
    socket.once("echo", tell("once"));
    let removed = socket.on("echo", tell("removed"));
    socket.on("echo", tell("on"));
    let sender = seen.sender();
    socket.on_any(async move |Event(name): Event, socket: Socket| {
        let _ = sender.send(format!("any {name} {}", socket.namespace_name()));
    });
    assert!(socket.remove_listener(removed) && !socket.remove_listener(removed));
    socket.emit("echo", ("a", 1)).unwrap();
    assert_eq!(
        [seen.next().await, seen.next().await, seen.next().await],
        ["once", "on", "any echo /"]
    );
    socket.emit("echo", ("a", 1)).unwrap();
    assert_eq!([seen.next().await, seen.next().await], ["on", "any echo /"]);
    assert!(socket.off("echo") && !socket.off("echo"));
    socket.emit("echo", ("a", 1)).unwrap();
    assert_eq!(seen.next().await, "any echo /");
    seen.assert_nothing();
}

#[tokio::test]
async fn events_are_handled_one_after_the_other_however_long_it_takes() {
    const COUNT: u64 = 3_000;
    // Far less than come, so that the connection is paused and resumed many times.
    let config = configured(|config| config.max_queued_events = 8);
    let addr = serve(&echo()).await;
    let socket = soon(client(addr).config(config).connect()).await.unwrap();
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("n", async move |Data(n): Data<u64>| {
        for _ in 0..n % 5 {
            tokio::task::yield_now().await;
        }
        let _ = sender.send(n);
    });
    socket.emit("many", COUNT).unwrap();
    for n in 0..COUNT {
        assert_eq!(seen.next().await, n);
    }
}

#[tokio::test]
async fn an_event_that_comes_before_its_listener_is_kept_for_it() {
    let (addr, mut heard) = scripted(&[
        OPEN,
        r#"40{"sid":"x"}"#,
        r#"42["hello",1]"#,
        r#"42["other",2]"#,
        r#"42["hello",3]"#,
        "2sync",
    ])
    .await;
    let socket = connect(addr).await;
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"));
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("3sync"), "all of it was read by now");
    let seen = Seen::new();
    for event in ["hello", "other"] {
        let sender = seen.sender();
        socket.on(event, async move |Data(n): Data<i64>| {
            let _ = sender.send(n);
        });
    }
    assert_eq!([seen.next().await, seen.next().await, seen.next().await], [1, 2, 3]);
    // Kept for the first listener, not for later ones.
    let sender = seen.sender();
    socket.on("hello", async move |Data(n): Data<i64>| {
        let _ = sender.send(n + 100);
    });
    tokio::task::yield_now().await;
    seen.assert_nothing();
}

#[tokio::test]
async fn early_events_are_not_kept_if_nobody_wants_them() {
    let (addr, mut heard) =
        scripted(&[OPEN, r#"40{"sid":"x"}"#, r#"42["hello",1]"#, "2sync"]).await;
    let config = configured(|config| config.early_events = Duration::ZERO);
    let socket = soon(client(addr).config(config).connect()).await.unwrap();
    soon(heard.recv()).await;
    soon(heard.recv()).await;
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("hello", async move || {
        let _ = sender.send(());
    });
    tokio::task::yield_now().await;
    seen.assert_nothing();
}

#[tokio::test]
async fn a_listener_of_the_builder_misses_nothing() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| socket.emit("welcome", "you"));
    let seen = Seen::new();
    let sender = seen.sender();
    let config = configured(|config| config.early_events = Duration::ZERO);
    let builder = client(serve(&io).await).config(config).on(
        "welcome",
        async move |Data(who): Data<String>| {
            let _ = sender.send(who);
        },
    );
    let _socket = soon(builder.connect()).await.unwrap();
    assert_eq!(seen.next().await, "you");
}

#[tokio::test]
async fn what_goes_wrong_in_a_handler_is_told() {
    let io = Io::new();
    let (answers, answered) = (Seen::new(), Seen::new());
    let sender = answers.sender();
    io.on_connect(async move |socket: server::Socket| {
        for event in ["mismatch", "fails", "panics", "late"] {
            let answer: Result<serde_json::Value, _> = socket.emit_with_ack(event, "text").await;
            let _ = sender.send(answer.unwrap().to_string());
        }
    });
    let sender = answered.sender();
    let builder = client(serve(&io).await)
        .on_error(move |socket, event, error| {
            let kind = match error {
                HandlerError::Rejected(_) => "rejected",
                HandlerError::Failed(_) => "failed",
                HandlerError::Panicked(_) => "panicked",
                _ => "other",
            };
            let _ = sender.send(format!("{event} {kind} {}", socket.namespace_name()));
        })
        .on("mismatch", async |Data(_): Data<u64>| ())
        .on("fails", async || Err::<(), _>(std::io::Error::other("sorry")))
        .on("panics", async || -> () { panic!("as the test wants") })
        .on("late", async |ack: AckSender| {
            tokio::spawn(async move { ack.send("by hand") });
        });
    let _socket = soon(builder.connect()).await.unwrap();
    assert_eq!(answered.next().await, "mismatch rejected /");
    assert_eq!(answered.next().await, "fails failed /");
    assert_eq!(answered.next().await, "panics panicked /");
    assert!(answers.next().await.starts_with(r#"{"error":"#));
    assert_eq!(answers.next().await, r#"{"error":"sorry"}"#);
    assert_eq!(answers.next().await, r#"{"error":"Internal error"}"#);
    assert_eq!(answers.next().await, r#""by hand""#);
}
