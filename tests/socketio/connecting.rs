//! Joining namespaces: rules 24 to 26.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sio::server::{Auth, ConnectError, Io, Socket};
use tokio::sync::Notify;

use crate::peer::{Peer, configured, serve, soon};

#[tokio::test]
async fn rule_26_a_namespace_is_granted_with_a_sid_of_its_own() {
    let io = Io::new();
    let _ = io.of("/admin");
    let mut peer = Peer::open(serve(&io).await).await;
    peer.send("0").await;
    let root = peer.granted("0").await;
    peer.send("0/admin,").await;
    let admin = peer.granted("0/admin,").await;
    assert_eq!((root.len(), admin.len()), (20, 20));
    assert!(root != admin && root != peer.engine_sid && admin != peer.engine_sid);
}

#[tokio::test]
async fn rule_22_a_namespace_may_end_with_the_packet() {
    let io = Io::new();
    let _ = io.of("/admin");
    let mut peer = Peer::open(serve(&io).await).await;
    peer.send("0/admin").await;
    peer.granted("0/admin,").await;
}

#[tokio::test]
async fn rule_26_an_unknown_namespace_is_refused_and_the_connection_stays() {
    let mut peer = Peer::open(serve(&Io::new()).await).await;
    peer.asks("0/random,{}", r#"4/random,{"message":"Invalid namespace"}"#).await;
    peer.send("0").await;
    peer.granted("0").await;
}

#[tokio::test]
async fn rule_26_middleware_lets_pass_and_refuses_with_data_or_without() {
    #[derive(serde::Deserialize)]
    struct Token {
        token: String,
    }
    let io = Io::new();
    let admin = io.of("/admin");
    admin.middleware(async |Auth(auth): Auth<Token>| match auth.token.as_str() {
        "good" | "better" => Ok(()),
        "plain" => Err(ConnectError::new("Not authorized")),
        _ => Err(ConnectError::new("Not authorized").with_data(json!({ "retry": false }))),
    });
    admin.middleware(async |socket: Socket| {
        tokio::task::yield_now().await;
        let auth: Value = socket.auth().unwrap();
        if auth["token"] == "better" { Ok(()) } else { Err("not good enough") }
    });
    let mut peer = Peer::open(serve(&io).await).await;
    for (auth, answer) in [
        (r#"{"token":"plain"}"#, r#"4/admin,{"message":"Not authorized"}"#),
        (r#"{"token":"bad"}"#, r#"4/admin,{"message":"Not authorized","data":{"retry":false}}"#),
        (r#"{"token":"good"}"#, r#"4/admin,{"message":"not good enough"}"#),
    ] {
        peer.asks(&format!("0/admin,{auth}"), answer).await;
    }
    peer.send("0/admin,{}").await;
    let refusal = peer.recv().await;
    assert!(refusal.starts_with(r#"4/admin,{"message":"auth payload does not fit"#), "{refusal}");
    peer.send(r#"0/admin,{"token":"better"}"#).await;
    peer.granted("0/admin,").await;
}

#[tokio::test]
async fn a_middleware_that_panics_refuses_and_tells_nothing() {
    let io = Io::new();
    io.middleware(async || -> Result<(), ConnectError> { panic!("secret") });
    let mut peer = Peer::open(serve(&io).await).await;
    peer.asks("0", r#"4{"message":"Internal error"}"#).await;
}

#[tokio::test]
async fn what_a_middleware_sends_follows_the_grant_and_is_dropped_with_a_refusal() {
    let io = Io::new();
    io.middleware(async |socket: Socket, Auth(pass): Auth<Option<Value>>| {
        socket.emit("welcome", 1).unwrap();
        socket.emit("welcome", 2).unwrap();
        if pass.is_some() { Ok(()) } else { Err("no") }
    });
    let mut peer = Peer::open(serve(&io).await).await;
    peer.asks("0", r#"4{"message":"no"}"#).await;
    peer.send("0{}").await;
    peer.granted("0").await;
    assert_eq!(peer.recv().await, r#"2["welcome",1]"#);
    assert_eq!(peer.recv().await, r#"2["welcome",2]"#);
}

#[tokio::test]
async fn the_handshake_is_at_hand_in_handlers() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        let handshake = socket.handshake();
        let host = handshake.headers()["host"].to_str().unwrap().to_owned();
        socket.emit(
            "seen",
            (handshake.query("name").unwrap(), host, handshake.address().unwrap().ip().to_string()),
        )
    });
    let addr = serve(&io).await;
    let mut peer = Peer::open_with(addr, "&name=J%C3%BCrgen+K").await;
    peer.send("0").await;
    peer.granted("0").await;
    assert_eq!(peer.recv().await, format!(r#"2["seen","Jürgen K","{addr}","127.0.0.1"]"#));
}

#[tokio::test]
async fn rule_25_the_first_packet_must_be_a_connect() {
    let addr = serve(&Io::new()).await;
    for packet in [r#"2["e"]"#, "1", "30[]", r#"4{"message":"no"}"#, r#"50-["e"]"#] {
        let mut peer = Peer::open(addr).await;
        peer.send(packet).await;
        peer.is_closed().await;
    }
}

#[tokio::test]
async fn rule_25_a_second_connect_closes_the_connection() {
    let mut peer = Peer::join(serve(&Io::new()).await).await;
    peer.send("0").await;
    peer.is_closed().await;
}

#[tokio::test]
async fn rule_25_a_second_connect_and_events_during_middleware_close_the_connection() {
    let io = Io::new();
    let asked = Arc::new(Notify::new());
    let ask = asked.clone();
    io.middleware(async move || {
        ask.notify_one();
        std::future::pending::<Result<(), ConnectError>>().await
    });
    let addr = serve(&io).await;
    for packet in ["0", r#"2["e"]"#] {
        let mut peer = Peer::open(addr).await;
        peer.send("0").await;
        soon(asked.notified()).await;
        peer.send(packet).await;
        peer.is_closed().await;
    }
}

#[tokio::test]
async fn rule_25_a_packet_for_a_namespace_that_was_not_joined_closes_the_connection() {
    let io = Io::new();
    let _ = io.of("/admin");
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send(r#"2/admin,["e"]"#).await;
    peer.is_closed().await;
}

#[tokio::test]
async fn rule_25_who_joins_nothing_in_time_is_closed_and_who_does_is_not() {
    let io = configured(|config| config.connect_timeout = Duration::from_millis(200));
    io.on_connect(async |socket: Socket| {
        socket.on("ping", async || "pong");
    });
    let addr = serve(&io).await;
    let mut joined = Peer::join(addr).await;
    let mut idle = Peer::open(addr).await;
    let mut lost = Peer::open(addr).await;
    lost.asks("0/random", r#"4/random,{"message":"Invalid namespace"}"#).await;
    idle.is_closed().await;
    lost.is_closed().await;
    joined.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
}

#[tokio::test]
async fn the_number_of_namespaces_of_one_client_is_bounded() {
    let io = configured(|config| config.max_namespaces = 2);
    for name in ["/a", "/b", "/c"] {
        let _ = io.of(name);
    }
    let mut peer = Peer::open(serve(&io).await).await;
    for name in ["/a", "/b"] {
        peer.send(&format!("0{name}")).await;
        peer.granted(&format!("0{name},")).await;
    }
    peer.asks("0/c", r#"4/c,{"message":"Too many namespaces"}"#).await;
    peer.send("1/a").await;
    peer.send("0/c").await;
    peer.granted("0/c,").await;
}

#[tokio::test]
async fn a_client_that_leaves_during_middleware_is_not_connected() {
    let io = Io::new();
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ask, wait) = (asked.clone(), go.clone());
    io.middleware(async move || {
        ask.notify_one();
        wait.notified().await;
        Ok::<(), ConnectError>(())
    });
    let mut peer = Peer::open(serve(&io).await).await;
    peer.send("0").await;
    soon(asked.notified()).await;
    peer.send("1").await;
    // Refused or ignored would both be told; a grant would come before the second one.
    peer.asks("0/x", r#"4/x,{"message":"Invalid namespace"}"#).await;
    go.notify_one();
    peer.send("0").await;
    soon(asked.notified()).await;
    go.notify_one();
    peer.granted("0").await;
    assert_eq!(io.sockets().len(), 1);
}
