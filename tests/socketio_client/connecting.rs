//! `connect().await` is the namespace's answer.

use std::time::Duration;

use serde_json::{Value, json};
use sio::client::{Client, ConnectError, DisconnectReason, Transport};
use sio::engine::client::ConnectError as SessionError;
use sio::server::{self, Auth, Io, Socket};

use crate::support::{OPEN, Seen, client, configured, connect, scripted, serve, soon};

#[tokio::test]
async fn connecting_ends_when_the_namespace_has_answered() {
    let io = Io::new();
    let seen = Seen::new();
    let sender = seen.sender();
    io.on_connect(async move |socket: Socket| {
        let _ = sender.send(socket.id().to_string());
    });
    let socket = connect(serve(&io).await).await;
    assert!(socket.connected());
    assert_eq!(*socket.id(), *seen.next().await);
    assert_eq!(socket.namespace_name(), "/");
}

#[tokio::test]
async fn auth_query_and_headers_reach_the_server() {
    let io = Io::new();
    let seen = Seen::new();
    let sender = seen.sender();
    io.of("/admin").on_connect(async move |socket: Socket, Auth(auth): Auth<Value>| {
        let request = socket.handshake();
        let _ =
            sender.send((auth, request.uri().to_string(), request.headers()["x-token"].clone()));
    });
    let addr = serve(&io).await;
    let token = String::from("fresh");
    let socket = Client::builder(format!("http://{addr}/admin?from=url"))
        .auth(async move || json!({ "token": token }))
        .query("name", "a b")
        .header("x-token", "t")
        .connect();
    let socket = soon(socket).await.unwrap();
    assert_eq!(socket.namespace_name(), "/admin");
    let (auth, uri, token) = seen.next().await;
    assert_eq!(auth, json!({ "token": "fresh" }));
    assert_eq!(uri, "/socket.io/?from=url&name=a%20b&EIO=4&transport=websocket");
    assert_eq!(token, "t");
}

#[tokio::test]
async fn the_engine_may_have_another_path() {
    let mut config = server::Config::default();
    config.engine.path = "/chat/engine/".into();
    let io = Io::with_config(config).unwrap();
    let addr = serve(&io).await;
    assert!(soon(client(addr).path("chat/engine").connect()).await.is_ok());
    let error = soon(client(addr).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Session(SessionError::Refused(..))), "{error:?}");
    let error = soon(client(addr).transports([Transport::WebSocket]).connect()).await.unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Refused(_)))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refusal_comes_with_message_and_data() {
    let io = Io::new();
    io.middleware(async || {
        Err::<(), _>(server::ConnectError::new("not today").with_data(json!({ "retry": 3 })))
    });
    let addr = serve(&io).await;
    let Err(ConnectError::Refused(refusal)) = soon(client(addr).connect()).await else { panic!() };
    assert_eq!(refusal.message, "not today");
    assert_eq!(refusal.data::<Value>().unwrap(), json!({ "retry": 3 }));
    let Err(ConnectError::Refused(refusal)) =
        soon(client(addr).namespace("nowhere").connect()).await
    else {
        panic!()
    };
    assert_eq!((refusal.message.as_str(), refusal.data), ("Invalid namespace", None));
}

#[tokio::test]
async fn mistakes_of_the_caller_are_told() {
    for url in ["", "nowhere", "ftp://a.test"] {
        let error = soon(Client::builder(url).connect()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Url(_)), "{url}: {error:?}");
    }
    let addr = serve(&Io::new()).await;
    let error = soon(client(addr).header("a b", "c").connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)), "{error:?}");
    let error = soon(client(addr).auth(async || "no object").connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Auth(_)), "{error:?}");
    let error = soon(client(addr).namespace("/a,b").connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_listens() {
    let addr = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = soon(client(addr).connect()).await.unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Connect(_)))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn rule_11_a_malformed_open_packet_fails_fast() {
    let cut = &OPEN[..OPEN.len() - 1];
    for first in [
        "",
        "0",
        "0{}",
        cut,
        "2",
        "4",
        "40",
        "x",
        r#"0{"sid":"","upgrades":[],"pingInterval":1,"pingTimeout":1}"#,
    ] {
        let (addr, _heard) = scripted(&[first]).await;
        let error = soon(client(addr).connect()).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::Session(SessionError::NoOpenPacket)),
            "{first}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let short = configured(|config| config.timeout = Duration::from_millis(50));
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (no_open, mut heard) = scripted(&[]).await;
    let (no_answer, _heard) = scripted(&[OPEN]).await;
    for addr in [silent.local_addr().unwrap(), no_open, no_answer] {
        let error = soon(client(addr).config(short.clone()).connect()).await.unwrap_err();
        let timeout = matches!(
            error,
            ConnectError::Timeout
                | ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Timeout))
        );
        assert!(timeout, "{error:?}");
    }
    assert_eq!(
        soon(heard.recv()).await.as_deref(),
        Some("closed"),
        "and nothing is left of the connection"
    );
}

#[tokio::test]
async fn a_server_that_answers_otherwise() {
    let (addr, mut heard) = scripted(&[OPEN, "40"]).await;
    let error = soon(client(addr).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::OldServer), "{error:?}");
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"), "what the client asked");
    assert_eq!(
        soon(heard.recv()).await.as_deref(),
        Some("closed"),
        "a connection without namespaces ends"
    );
    let (addr, _heard) = scripted(&[OPEN, "41"]).await;
    let error = soon(client(addr).connect()).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Disconnected(DisconnectReason::IoServerDisconnect)),
        "{error:?}"
    );
    let (addr, _heard) = scripted(&[OPEN, "1"]).await;
    let error = soon(client(addr).connect()).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Disconnected(DisconnectReason::TransportClose)),
        "{error:?}"
    );
    let (addr, _heard) = scripted(&[OPEN, "49"]).await;
    let error = soon(client(addr).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Disconnected(DisconnectReason::ParseError)), "{error:?}");
}

#[tokio::test]
async fn rule_24_an_old_refusal_is_a_string() {
    let (addr, _heard) = scripted(&[OPEN, r#"44"go away""#]).await;
    let error = soon(client(addr).connect()).await.unwrap_err();
    let ConnectError::Refused(refusal) = error else { panic!("{error:?}") };
    assert_eq!(refusal.message, "go away");
}
