//! Attachments both ways, nested, in events and in answers.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sio::client::{Data, DisconnectReason};
use sio::server::{self, Io};

use crate::support::{OPEN, Seen, client, configured, connect, scripted, serve, soon};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct File {
    name: String,
    parts: Vec<Bytes>,
    empty: Bytes,
}

fn file() -> File {
    let big = vec![7; 100_000];
    File {
        name: "ö".into(),
        parts: vec![Bytes::from_static(&[0, 255]), big.into()],
        empty: Bytes::new(),
    }
}

#[tokio::test]
async fn nested_binary_goes_there_and_back() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("event", async |socket: server::Socket, Data(data): Data<(File, Bytes)>| {
            socket.emit("event", data)
        });
        socket.on("ack", async |Data(data): Data<(File, Bytes)>| data);
        socket.on("ask", async |socket: server::Socket| -> usize {
            let file: File =
                socket.emit_with_ack("question", Bytes::from_static(b"?")).await.unwrap();
            file.parts.iter().map(Bytes::len).sum()
        });
    });
    let socket = connect(serve(&io).await).await;
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("event", async move |Data(data): Data<(File, Bytes)>| {
        let _ = sender.send(data);
    });
    let last = Bytes::from_static(b"last");
    socket.emit("event", (file(), &last)).unwrap();
    assert_eq!(seen.next().await, (file(), last.clone()));
    let answer: (File, Bytes) = soon(socket.emit_with_ack("ack", (file(), &last))).await.unwrap();
    assert_eq!(answer, (file(), last));
    socket.on("question", async |Data(question): Data<Bytes>| {
        assert_eq!(question, "?");
        file()
    });
    assert_eq!(soon(socket.emit_with_ack::<usize>("ask", ())).await.unwrap(), 100_002);
}

#[tokio::test]
async fn attachments_that_never_come_close_the_connection() {
    let (addr, mut heard) =
        scripted(&[OPEN, r#"40{"sid":"x"}"#, r#"451-["e",{"_placeholder":true,"num":0}]"#]).await;
    let reasons = Seen::new();
    let sender = reasons.sender();
    let config = configured(|config| config.limits.attachment_timeout = Duration::from_millis(100));
    let socket = soon(client(addr).config(config).connect()).await.unwrap();
    socket.on_disconnect(async move |reason: DisconnectReason| {
        let _ = sender.send(reason);
    });
    assert_eq!(reasons.next().await, DisconnectReason::ParseError);
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"));
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("closed"));
}
