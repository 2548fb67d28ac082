//! Several namespaces on one connection.

use sio::client::{ConnectError, Data, DisconnectReason};
use sio::server::{self, Auth, Io};

use crate::support::{Seen, connect, serve, soon};

fn two() -> Io {
    let io = Io::new();
    let wheres = |io: &Io, name: &'static str| {
        io.of(name).on_connect(async move |socket: server::Socket| {
            socket.on("where", async move || name);
            socket.on("leave me", async |socket: server::Socket| socket.disconnect(false));
        });
    };
    wheres(&io, "/");
    wheres(&io, "/other");
    io.of("/admin").middleware(async |Auth(token): Auth<Option<Token>>| match token {
        Some(token) if token.token == "open sesame" => Ok(()),
        _ => Err("not authorized"),
    });
    io
}

#[derive(serde::Deserialize)]
struct Token {
    token: String,
}

#[tokio::test]
async fn namespaces_share_a_connection_and_nothing_else() {
    let root = connect(serve(&two()).await).await;
    let other = soon(root.namespace("/other").connect()).await.unwrap();
    assert_ne!(root.id(), other.id());
    assert_eq!(soon(root.emit_with_ack::<String>("where", ())).await.unwrap(), "/");
    assert_eq!(soon(other.emit_with_ack::<String>("where", ())).await.unwrap(), "/other");
    let again = soon(root.namespace("other").connect()).await.unwrap_err();
    assert!(matches!(again, ConnectError::AlreadyJoined), "{again:?}");
    root.disconnect();
    assert_eq!(
        soon(other.emit_with_ack::<String>("where", ())).await.unwrap(),
        "/other",
        "lives on"
    );
    let root = soon(other.namespace("/").connect()).await.unwrap();
    assert_eq!(
        soon(root.emit_with_ack::<String>("where", ())).await.unwrap(),
        "/",
        "and may come back"
    );
}

#[tokio::test]
async fn a_namespace_that_refuses_leaves_the_others_alone() {
    let root = connect(serve(&two()).await).await;
    let refused = soon(root.namespace("/admin").connect()).await.unwrap_err();
    assert!(
        matches!(&refused, ConnectError::Refused(refusal) if refusal.message == "not authorized"),
        "{refused:?}"
    );
    assert_eq!(soon(root.emit_with_ack::<String>("where", ())).await.unwrap(), "/");
    let admin = root
        .namespace("/admin")
        .auth(async || serde_json::json!({ "token": "open sesame" }))
        .connect();
    assert!(soon(admin).await.unwrap().connected());
}

#[tokio::test]
async fn the_server_puts_out_of_one_namespace_only() {
    let root = connect(serve(&two()).await).await;
    let other = soon(root.namespace("/other").connect()).await.unwrap();
    let seen = Seen::new();
    let sender = seen.sender();
    other.on_disconnect(async move |reason: DisconnectReason| {
        let _ = sender.send(reason);
    });
    other.emit("leave me", ()).unwrap();
    assert_eq!(seen.next().await, DisconnectReason::IoServerDisconnect);
    assert_eq!(soon(root.emit_with_ack::<String>("where", ())).await.unwrap(), "/");
}

#[tokio::test]
async fn a_broadcast_reaches_the_namespace_that_it_is_for() {
    let io = two();
    let root = connect(serve(&io).await).await;
    let other = soon(root.namespace("/other").connect()).await.unwrap();
    let seen = Seen::new();
    for (socket, name) in [(&root, "root"), (&other, "other")] {
        let sender = seen.sender();
        socket.on("news", async move |Data(news): Data<String>| {
            let _ = sender.send(format!("{name} {news}"));
        });
    }
    io.of("/other").emit("news", "x").unwrap();
    assert_eq!(seen.next().await, "other x");
    io.emit("news", "y").unwrap();
    assert_eq!(seen.next().await, "root y");
    seen.assert_nothing();
}
