//! Answers of clients: rule 27, timeouts, and the end of the connection.

use std::time::Duration;

use bytes::Bytes;
use sio::server::{Data, EmitError, Io, Socket};
use tokio::sync::mpsc;

use crate::peer::{Peer, configured, serve, soon};

const SHORT: Duration = Duration::from_millis(50);

/// A server that asks each client, and what came of it.
fn asking(io: &Io) -> mpsc::UnboundedReceiver<Result<(i64, Option<String>), EmitError>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        let _ = sender.send(socket.emit_with_ack("question", "?").await);
    });
    receiver
}

#[tokio::test]
async fn rule_27_ids_count_from_zero_in_each_namespace_and_unknown_ones_are_ignored() {
    let io = Io::new();
    let mut answers = asking(&io);
    let addr = serve(&io).await;
    let (mut first, mut second) = (Peer::join(addr).await, Peer::join(addr).await);
    assert_eq!(first.recv().await, r#"20["question","?"]"#);
    assert_eq!(second.recv().await, r#"21["question","?"]"#);
    // Unknown, somebody else's, none at all.
    for packet in ["399[0]", "31[0]", "3[0]"] {
        first.send(packet).await;
    }
    first.send(r#"30[4,"four",{}]"#).await;
    assert_eq!(soon(answers.recv()).await.unwrap().unwrap(), (4, Some("four".into())));
    // The second time is one too many and ignored.
    first.send("30[5]").await;
    second.send("31[6]").await;
    assert_eq!(soon(answers.recv()).await.unwrap().unwrap(), (6, None));
}

#[tokio::test]
async fn an_answer_with_attachments_is_read_with_them() {
    let io = Io::new();
    let (sender, mut answers) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        let answer: Result<Bytes, _> =
            socket.emit_with_ack("question", Bytes::from_static(b"?")).await;
        let _ = sender.send(answer);
    });
    let mut peer = Peer::join(serve(&io).await).await;
    assert_eq!(peer.recv().await, r#"51-0["question",{"_placeholder":true,"num":0}]"#);
    assert_eq!(peer.recv_binary().await, b"?");
    peer.send(r#"61-0[{"_placeholder":true,"num":0}]"#).await;
    peer.send_binary(b"!").await;
    assert_eq!(soon(answers.recv()).await.unwrap().unwrap(), &b"!"[..]);
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_fit_is_an_error() {
    let io = configured(|config| config.ack_timeout = SHORT);
    let mut answers = asking(&io);
    let addr = serve(&io).await;
    let mut silent = Peer::join(addr).await;
    assert!(matches!(soon(answers.recv()).await.unwrap(), Err(EmitError::Timeout)));
    silent.recv().await;
    let mut wrong = Peer::join(addr).await;
    wrong.recv().await;
    wrong.send(r#"31["text"]"#).await;
    assert!(matches!(
        soon(answers.recv()).await.unwrap(),
        Err(EmitError::Answer(_) | EmitError::Timeout)
    ));
}

#[tokio::test]
async fn the_end_of_the_connection_ends_the_waiting() {
    let io = Io::new();
    let mut answers = asking(&io);
    let addr = serve(&io).await;
    let mut peer = Peer::join(addr).await;
    peer.recv().await;
    peer.vanish();
    assert!(matches!(soon(answers.recv()).await.unwrap(), Err(EmitError::Disconnected)));
    let mut peer = Peer::join(addr).await;
    peer.recv().await;
    peer.send("1").await;
    assert!(matches!(soon(answers.recv()).await.unwrap(), Err(EmitError::Disconnected)));
}

#[tokio::test]
async fn a_handler_may_wait_for_an_ack_of_its_own_client() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("deal", async |socket: Socket| {
            let price: i64 = socket.emit_with_ack("price", ()).await?;
            let sure: bool = socket.emit_with_ack("sure", price).await?;
            Ok::<_, EmitError>((price, sure))
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"29["deal"]"#, r#"20["price"]"#).await;
    peer.asks("30[42]", r#"21["sure",42]"#).await;
    peer.asks("31[true]", "39[42,true]").await;
}

#[tokio::test]
async fn the_number_of_answers_that_are_waited_for_is_bounded() {
    let io = configured(|config| config.max_pending_acks = 2);
    io.on_connect(async |socket: Socket| {
        let first = socket.emit_with_ack::<i64>("a", ());
        let second = socket.emit_with_ack::<i64>("b", ());
        let refused = socket.emit_with_ack::<i64>("c", ()).await;
        assert!(matches!(refused, Err(EmitError::TooManyAcks)));
        // Giving up makes room.
        drop(first);
        let third = socket.emit_with_ack::<i64>("d", ());
        socket.emit("sum", second.await? + third.await?)
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for packet in [r#"20["a"]"#, r#"21["b"]"#, r#"23["d"]"#] {
        assert_eq!(peer.recv().await, packet);
    }
    peer.send("30[100]").await;
    peer.send("33[2]").await;
    peer.asks("31[1]", r#"2["sum",3]"#).await;
}

#[tokio::test]
async fn a_broadcast_collects_answers_and_keeps_those_that_came_in_time() {
    let io = Io::new();
    io.on_connect(async |socket: Socket, io: Io| {
        socket.on("poll", async move |Data(room): Data<String>| {
            let asked = io.to(room).timeout(SHORT).emit_with_ack::<i64>("vote", ());
            let mut answers: Vec<String> = asked
                .await
                .unwrap()
                .into_iter()
                .map(|ack| match ack.answer {
                    Ok(vote) => vote.to_string(),
                    Err(EmitError::Timeout) => "late".into(),
                    Err(error) => panic!("{error}"),
                })
                .collect();
            answers.sort();
            answers
        });
        socket.join("voters");
    });
    let addr = serve(&io).await;
    let (mut first, mut second) = (Peer::join(addr).await, Peer::join(addr).await);
    first.send(r#"25["poll","voters"]"#).await;
    // One id for all (rule 27).
    assert_eq!(first.recv().await, r#"20["vote"]"#);
    assert_eq!(second.recv().await, r#"20["vote"]"#);
    first.send("30[7]").await;
    assert_eq!(first.recv().await, r#"35[["7","late"]]"#);
    first.asks(r#"26["poll","nobody"]"#, "36[[]]").await;
}

#[tokio::test]
async fn an_answer_may_be_waited_for_for_ever() {
    let io = Io::new();
    let (sender, mut answers) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        // No clock can count so far.
        let answer = socket.timeout(Duration::MAX).emit_with_ack::<u32>("ask", ());
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(answer.await.ok()) });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    assert_eq!(peer.recv().await, r#"20["ask"]"#);
    peer.send("30[7]").await;
    assert_eq!(soon(answers.recv()).await, Some(Some(7)));
}
