//! Events with types that server and client share.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sio::server::{self, Io};
use sio::{TypedEvent, events};

use crate::support::{Seen, client, connect, serve, soon};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    from: String,
    text: String,
}

events! {
    /// The sum of two numbers.
    pub Add = "add": (i64, i64) => i64;
    Divide = "divide": (i64, i64) => i64;
    Say = "say": Message;
    Said = "said": Message;
    /// How many there are.
    Count = "count": () => usize;
    Names = "names": Vec<String> => (u8, String);
}

fn message() -> Message {
    Message { from: "Ada".into(), text: "hello".into() }
}

fn typed() -> Io {
    let io = Io::new();
    let all = io.clone();
    io.on_connect(async move |socket: server::Socket| {
        socket.event(Add).on(async |_, (a, b)| a + b);
        socket.event(Divide).on(async |_, (a, b)| a.checked_div(b).ok_or("by zero"));
        socket.event(Say).on(async move |_, message| {
            let _ = all.event(Said).emit(&message);
        });
        let everybody = socket.io().clone();
        socket.event(Count).on(async move |_, ()| everybody.sockets().len());
        socket.event(Names).on(async |_, names| (7, names.join(" ")));
    });
    io
}

#[tokio::test]
async fn an_event_is_sent_answered_and_heard_with_its_types() {
    let (addr, seen) = (serve(&typed()).await, Seen::new());
    let sender = seen.sender();
    let builder = client(addr).event(Said).on(async move |_, message| _ = sender.send(message));
    let socket = soon(builder.connect()).await.unwrap();
    assert_eq!(soon(socket.event(Add).emit_with_ack((2, 3))).await.unwrap(), 5);
    assert_eq!(soon(socket.event(Count).emit_with_ack(())).await.unwrap(), 1);
    let names = ["a".to_owned(), "b".to_owned()];
    let answer = soon(socket.event(Names).emit_with_ack(&names[..])).await;
    assert_eq!(answer.unwrap(), (7, "a b".to_owned()));
    let within = socket.timeout(Duration::from_secs(20)).event(Divide);
    assert_eq!(soon(within.emit_with_ack((7, 2))).await.unwrap(), 3);
    assert!(soon(within.emit_with_ack((7, 0))).await.is_err(), "an error is no answer of the type");
    socket.event(Say).emit(message()).unwrap();
    assert_eq!(seen.next().await, message());
}

#[tokio::test]
async fn once_is_for_the_next_event_only() {
    let (io, seen) = (Io::new(), Seen::new());
    io.on_connect(async |socket: server::Socket| {
        socket.event(Add).once(async |_, (a, b)| a + b);
        socket.event(Add).on(async |_, (a, b)| a * b);
        socket.event(Say).on(async |socket, message| socket.event(Said).emit(message).unwrap());
    });
    let (early, late) = (seen.sender(), seen.sender());
    let builder = client(serve(&io).await).event(Said);
    let builder = builder.once(async move |_, message| _ = early.send((0, message)));
    let socket = soon(builder.connect()).await.unwrap();
    socket.event(Said).once(async move |_, message| _ = late.send((1, message)));
    for sum_or_product in [5, 6, 6] {
        assert_eq!(soon(socket.event(Add).emit_with_ack((2, 3))).await.unwrap(), sum_or_product);
        socket.event(Say).emit(message()).unwrap();
    }
    assert_eq!(seen.next().await, (0, message()));
    assert_eq!(seen.next().await, (1, message()));
    // The answer comes after all that was said before.
    assert_eq!(soon(socket.event(Add).emit_with_ack((2, 3))).await.unwrap(), 6);
    seen.assert_nothing();
}

#[tokio::test]
async fn it_is_the_same_event_as_by_its_name() {
    let io = typed();
    let socket = connect(serve(&io).await).await;
    assert_eq!(soon(socket.emit_with_ack::<i64>(Add::NAME, (2, 3))).await.unwrap(), 5);
    socket.on("add", async |server::Data((a, b)): server::Data<(i64, i64)>| a * b);
    let answers = soon(io.to(socket.id().to_string()).event(Add).emit_with_ack((4, 5))).await;
    let answers = answers.unwrap();
    assert_eq!(answers.into_iter().map(|ack| ack.answer.unwrap()).collect::<Vec<_>>(), [20]);
}

#[tokio::test]
async fn events_that_are_asked_for_are_told_apart_by_type() {
    let io = typed();
    let socket = soon(client(serve(&io).await).keep_events().connect()).await.unwrap();
    io.event(Said).emit(message()).unwrap();
    io.emit("said", "no message").unwrap();
    let said = soon(socket.next()).await.unwrap();
    assert!(said.typed(Say).is_none());
    assert_eq!(said.typed(Said).unwrap().unwrap(), message());
    assert!(soon(socket.next()).await.unwrap().typed(Said).unwrap().is_err());
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_does_not_reach_the_handler() {
    let (io, failed) = (typed(), Seen::new());
    let sender = failed.sender();
    io.on_error(move |_, event, error| _ = sender.send(format!("{event}: {error}")));
    let socket = connect(serve(&io).await).await;
    let answer = soon(socket.emit_with_ack::<serde_json::Value>("add", "two")).await.unwrap();
    assert!(answer["error"].is_string(), "{answer}");
    assert!(failed.next().await.starts_with("add: "));
    assert_ne!(answer, json!(null));
}
