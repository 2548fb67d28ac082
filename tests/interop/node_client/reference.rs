//! Against `reference_server.js`, the same that the official client is held against ours with.

use bytes::Bytes;
use serde_json::{Value, json};
use sio::client::{ConnectError, Data, DisconnectReason, Event};

use crate::node::Node;
use crate::support::{Seen, client, connect, soon};
use crate::{WAYS, ask};

async fn start(flags: &[&str]) -> Node {
    Node::run("reference_server.js", flags).await
}

#[tokio::test]
async fn events_and_answers_both_ways() {
    let node = start(&[]).await;
    let socket = connect(node.addr).await;
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("echo", async move |Data(args): Data<(String, i64, Value, Option<bool>)>| {
        let _ = sender.send(args);
    });
    let args = ("žluťoučký 🐎".to_owned(), -7, json!({ "a": [1, null] }), None);
    socket.emit("echo", &args).unwrap();
    assert_eq!(seen.next().await, args);
    assert_eq!(ask::<i64>(&socket, "add", (2, 3)).await, 5);
    assert_eq!(
        ask::<(String, [u8; 2])>(&socket, "give back", ("a", [1, 2])).await,
        ("a".to_owned(), [1, 2])
    );
    socket.on("question", async |Data((a, b)): Data<(i64, i64)>| (a + b, "sum"));
    assert_eq!(ask::<i64>(&socket, "ask me", (20, 22)).await, 42);
    socket.off("question");
    socket.on("question", async |Event(_): Event| std::future::pending::<()>().await);
    assert_eq!(ask::<String>(&socket, "ask me within", 20).await, "timed out");
}

#[tokio::test]
async fn binary_at_any_depth_both_ways() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Sent {
        first: Bytes,
        list: (Bytes, Deep),
        text: String,
    }
    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct Deep {
        deep: Bytes,
    }
    let node = start(&[]).await;
    let socket = connect(node.addr).await;
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("binary", async move |Data(data): Data<(Sent, Bytes)>| {
        let _ = sender.send(data);
    });
    ask::<()>(&socket, "send binary", ()).await;
    let (sent, last) = seen.next().await;
    assert_eq!(
        (sent.first.as_ref(), sent.list.0.as_ref(), sent.text.as_str()),
        (&[1, 2, 3][..], &[][..], "plain")
    );
    assert_eq!((sent.list.1.deep.as_ref(), last.as_ref()), (&[0xff, 0][..], &[0x7f][..]));
    let deep = Deep { deep: Bytes::from_static(&[0xca, 0xfe]) };
    assert_eq!(
        ask::<Value>(&socket, "describe", &deep).await,
        json!({ "deep": { "bytes": "cafe" } })
    );
    assert_eq!(ask::<Deep>(&socket, "give back", &deep).await, deep);
    socket.on("question", async |Data(data): Data<Bytes>| Deep { deep: data });
    let answer: Deep = ask(&socket, "ask me", Bytes::from_static(b"?")).await;
    assert_eq!(answer, Deep { deep: Bytes::from_static(b"?") });
}

#[tokio::test]
async fn order_and_large_messages() {
    let node = start(&[]).await;
    let socket = connect(node.addr).await;
    for n in 0..1_000 {
        socket.emit("item", n).unwrap();
    }
    assert_eq!(ask::<Vec<i64>>(&socket, "items", ()).await, (0..1_000).collect::<Vec<_>>());
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on("item", async move |Data(n): Data<i64>| {
        let _ = sender.send(n);
    });
    ask::<()>(&socket, "send items", 1_000).await;
    for n in 0..1_000 {
        assert_eq!(seen.next().await, n);
    }
    let large = "x".repeat(900_000);
    assert_eq!(ask::<usize>(&socket, "length of", &large).await, large.len());
    assert!(socket.emit("length of", "x".repeat(1_000_001)).is_err(), "more than the server takes");
    assert_eq!(ask::<i64>(&socket, "add", (1, 1)).await, 2, "and it knows nothing of it");
}

#[tokio::test]
async fn namespaces_auth_and_refusals() {
    let node = start(&[]).await;
    let socket = soon(client(node.addr).auth(async || json!({ "name": "x", "n": 1 })).connect())
        .await
        .unwrap();
    assert_eq!(ask::<Value>(&socket, "auth", ()).await, json!({ "name": "x", "n": 1 }));
    let other = soon(socket.namespace("/other").connect()).await.unwrap();
    assert_eq!(ask::<String>(&other, "where", ()).await, "/other");
    let Err(ConnectError::Refused(refusal)) = soon(socket.namespace("/admin").connect()).await
    else {
        panic!()
    };
    assert_eq!(refusal.message, "not authorized");
    assert_eq!(refusal.data::<Value>().unwrap(), json!({ "code": 401, "hint": "wrong token" }));
    let admin =
        socket.namespace("/admin").auth(async || json!({ "token": "open sesame" })).connect();
    assert_eq!(ask::<String>(&soon(admin).await.unwrap(), "where", ()).await, "/admin");
    let Err(ConnectError::Refused(refusal)) =
        soon(client(node.addr).namespace("/none").connect()).await
    else {
        panic!()
    };
    assert_eq!((refusal.message.as_str(), refusal.data), ("Invalid namespace", None));
}

#[tokio::test]
async fn disconnection_from_either_side() {
    let node = start(&[]).await;
    let watcher = connect(node.addr).await;
    ask::<()>(&watcher, "join", "watchers").await;
    let gone = Seen::new();
    let sender = gone.sender();
    watcher.on("gone", async move |Data(told): Data<(String, String, Vec<String>)>| {
        let _ = sender.send(told);
    });
    let ends = [
        ("leave me", DisconnectReason::IoServerDisconnect, "server namespace disconnect"),
        ("close me", DisconnectReason::IoServerDisconnect, "server namespace disconnect"),
        ("", DisconnectReason::IoClientDisconnect, "client namespace disconnect"),
    ];
    for (way, (event, reason, told)) in WAYS.iter().flat_map(|way| ends.map(|end| (way, end))) {
        let builder = client(node.addr).transports(way.iter().copied());
        let builder = builder.auth(async || json!({ "name": "x" }));
        let socket = soon(builder.connect()).await.unwrap();
        ask::<()>(&socket, "join", "room").await;
        let reasons = Seen::new();
        let sender = reasons.sender();
        socket.on_disconnect(async move |reason: DisconnectReason| {
            let _ = sender.send(reason);
        });
        match event {
            "" => socket.disconnect(),
            event => socket.emit(event, ()).unwrap(),
        }
        assert_eq!(reasons.next().await, reason, "{event} over {way:?}");
        assert_eq!(gone.next().await, ("x".to_owned(), told.to_owned(), vec!["room".to_owned()]));
    }
}

#[tokio::test]
async fn the_heartbeat_of_node_is_kept() {
    let node = start(&["--ping-interval-ms", "100", "--ping-timeout-ms", "200"]).await;
    let socket = connect(node.addr).await;
    // Not to wait for something, but to give it the time in which it must not happen.
    tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    assert_eq!(ask::<i64>(&socket, "add", (1, 1)).await, 2);
}
