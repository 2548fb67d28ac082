//! Attachments both ways, nested, in events and in answers.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sio::client::Data;
use sio::server::{self, Io};

use crate::support::{Seen, connect, serve, soon};

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
