//! Answers both ways: every one that is waited for comes, if only as an error.

use std::time::Duration;

use sio::client::{Data, EmitError, Socket};
use sio::server::{self, Io};

use crate::support::{OPEN, Seen, client, configured, connect, scripted, serve, soon};

fn answering() -> Io {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.on("both", async |Data((a, b)): Data<(i64, String)>| (a, b));
        socket.on("nothing", async || ());
        // In a task of its own: events of one socket are handled one after the other, and `add` is one.
        socket.on("ask aside", async |socket: server::Socket| {
            tokio::spawn(async move {
                let answer: i64 = socket.emit_with_ack("question", 20).await.unwrap();
                socket.emit("answered", answer).unwrap();
            });
        });
        socket.on("ask back", async |socket: server::Socket| -> i64 {
            socket.emit_with_ack::<i64>("question", 20).await.unwrap() + 1
        });
    });
    io
}

#[tokio::test]
async fn answers_are_read_like_arguments() {
    let socket = connect(serve(&answering()).await).await;
    assert_eq!(soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.unwrap(), 5);
    let both: (i64, String) = soon(socket.emit_with_ack("both", (1, "é"))).await.unwrap();
    assert_eq!(both, (1, "é".to_owned()));
    soon(socket.emit_with_ack::<()>("nothing", ())).await.unwrap();
    let misfit = soon(socket.emit_with_ack::<String>("add", (2, 3))).await;
    assert!(matches!(misfit, Err(EmitError::Answer(_))), "{misfit:?}");
}

#[tokio::test]
async fn an_event_is_sent_by_the_call_and_many_answers_may_be_waited_for() {
    let socket = connect(serve(&answering()).await).await;
    let answers: Vec<_> = (0..100).map(|n| socket.emit_with_ack::<i64>("add", (n, 1))).collect();
    for (n, answer) in (0..).zip(answers) {
        assert_eq!(soon(answer).await.unwrap(), n + 1);
    }
}

#[tokio::test]
async fn what_a_handler_returns_answers_the_server() {
    let socket = connect(serve(&answering()).await).await;
    socket.on("question", async |Data(n): Data<i64>| n * 2);
    assert_eq!(soon(socket.emit_with_ack::<i64>("ask back", ())).await.unwrap(), 41);
}

#[tokio::test]
async fn a_handler_may_wait_for_an_answer() {
    // The event queue is as short as can be: the answer must not wait behind it.
    let config = configured(|config| config.max_queued_events = 1);
    let socket = soon(client(serve(&answering()).await).config(config).connect()).await.unwrap();
    socket.on("question", async |socket: Socket, Data(n): Data<i64>| {
        socket.emit_with_ack::<i64>("add", (n, 1)).await.unwrap()
    });
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("answered", async move |Data(n): Data<i64>| {
        let _ = sender.send(n);
    });
    socket.emit("ask aside", ()).unwrap();
    assert_eq!(seen.next().await, 21);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let (addr, _heard) = scripted(&[OPEN, r#"40{"sid":"x"}"#]).await;
    let socket = connect(addr).await;
    let answer = socket.timeout(Duration::from_millis(20)).emit_with_ack::<()>("question", ());
    let answer = soon(answer).await;
    assert!(matches!(answer, Err(EmitError::Timeout)), "{answer:?}");
}

#[tokio::test]
async fn rule_27_second_and_unknown_answers_are_ignored() {
    let (addr, _heard) =
        scripted(&[OPEN, r#"40{"sid":"x"}"#, "430[1]", "437[1]", "43[1]", r#"420["question"]"#])
            .await;
    let socket = connect(addr).await;
    assert!(socket.connected());
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("question", async move || {
        let _ = sender.send(());
    });
    seen.next().await;
    assert!(socket.connected());
}

#[tokio::test]
async fn the_end_of_the_connection_resolves_all_answers() {
    let (addr, _heard) = scripted(&[OPEN, r#"40{"sid":"x"}"#]).await;
    let socket = connect(addr).await;
    let answer = socket.emit_with_ack::<()>("question", ());
    socket.disconnect();
    let answer = soon(answer).await;
    assert!(matches!(answer, Err(EmitError::Disconnected)), "{answer:?}");
    let late = soon(socket.emit_with_ack::<()>("question", ())).await;
    assert!(matches!(late, Err(EmitError::Disconnected)), "{late:?}");
}

#[tokio::test]
async fn answers_that_are_waited_for_are_bounded() {
    let (addr, _heard) = scripted(&[OPEN, r#"40{"sid":"x"}"#]).await;
    let config = configured(|config| config.max_pending_acks = 2);
    let socket = soon(client(addr).config(config).connect()).await.unwrap();
    let (_one, two) = (socket.emit_with_ack::<()>("a", ()), socket.emit_with_ack::<()>("b", ()));
    let three = soon(socket.emit_with_ack::<()>("c", ())).await;
    assert!(matches!(three, Err(EmitError::TooManyAcks)), "{three:?}");
    drop(two);
    let four = soon(socket.timeout(Duration::from_millis(5)).emit_with_ack::<()>("d", ())).await;
    assert!(matches!(four, Err(EmitError::Timeout)), "there is room again: {four:?}");
}
