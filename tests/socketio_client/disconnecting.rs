//! The end of a socket, from either side.

use std::sync::Arc;
use std::time::Duration;

use sio::client::{Data, DisconnectReason, EmitError, Socket, Transport};
use sio::server::{self, Io};

use crate::support::{OPEN, Seen, client, configured, connect, scripted, serve, soon};

/// What the server is told.
fn telling(io: &Io) -> Seen<server::DisconnectReason> {
    let seen = Seen::new();
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        socket.on_disconnect(async move |reason: server::DisconnectReason| {
            let _ = sender.send(reason);
        });
        socket.on("leave me", async |socket: server::Socket| socket.disconnect(false));
        socket.on("close me", async |socket: server::Socket| socket.disconnect(true));
    });
    seen
}

fn reasons(socket: &Socket) -> Seen<DisconnectReason> {
    let seen = Seen::new();
    let sender = seen.sender();
    socket.on_disconnect(async move |socket: Socket, reason: DisconnectReason| {
        assert!(!socket.connected());
        let _ = sender.send(reason);
    });
    seen
}

#[tokio::test]
async fn rule_20_the_client_leaves() {
    let io = Io::new();
    let told = telling(&io);
    let socket = connect(serve(&io).await).await;
    let (seen, id) = (reasons(&socket), socket.id());
    socket.disconnect();
    socket.disconnect();
    assert_eq!(seen.next().await, DisconnectReason::IoClientDisconnect);
    assert_eq!(told.next().await, server::DisconnectReason::ClientNamespaceDisconnect);
    assert!(matches!(socket.emit("late", ()), Err(EmitError::Disconnected)));
    assert_eq!(socket.id(), id, "what is known can still be asked");
    seen.assert_nothing();
    assert_eq!(
        reasons(&socket).next().await,
        DisconnectReason::IoClientDisconnect,
        "told at once if it is over"
    );
}

/// A program that ended right after `disconnect` once took its last words over polling with it.
#[test]
fn what_was_emitted_last_has_left_when_a_socket_is_closed() {
    let server = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (io, seen) = (Io::new(), Seen::new());
    let (last, gone) = (seen.sender(), seen.sender());
    io.on_connect(async move |socket: server::Socket| {
        let (last, gone) = (last.clone(), gone.clone());
        socket.on("last", async move |Data(text): Data<String>| _ = last.send(text));
        socket.on_disconnect(async move |reason: server::DisconnectReason| {
            let _ = gone.send(reason.to_string());
        });
    });
    let addr = server.block_on(serve(&io));
    for way in [Transport::Polling, Transport::WebSocket] {
        for _ in 0..10 {
            let program =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            program.block_on(async {
                let builder = client(addr).transports([way]);
                let socket = soon(builder.connect()).await.unwrap();
                socket.emit("last", "words").unwrap();
                soon(socket.close()).await;
            });
            drop(program);
            let both = server.block_on(async { [seen.next().await, seen.next().await] });
            assert_eq!(both, ["words", "client namespace disconnect"], "{way:?}");
        }
    }
}

#[tokio::test]
async fn rule_20_the_server_puts_the_client_out() {
    for event in ["leave me", "close me"] {
        let io = Io::new();
        let _told = telling(&io);
        let socket = connect(serve(&io).await).await;
        let seen = reasons(&socket);
        socket.emit(event, ()).unwrap();
        assert_eq!(seen.next().await, DisconnectReason::IoServerDisconnect, "{event}");
        assert!(!socket.connected());
    }
}

#[tokio::test]
async fn rule_20_the_connection_ends() {
    for (last, reason) in [
        ("1", DisconnectReason::TransportClose),
        ("9", DisconnectReason::ParseError),
        ("b*", DisconnectReason::ParseError),
        ("4", DisconnectReason::ParseError),
        ("47", DisconnectReason::ParseError),
        (r#"42{"a":1}"#, DisconnectReason::ParseError),
        (r#"42["connect"]"#, DisconnectReason::ParseError),
        (r#"451-["a",{"_placeholder":true,"num":1}]"#, DisconnectReason::ParseError),
        (r#"4511-["a"]"#, DisconnectReason::ParseError),
    ] {
        let (addr, _heard) = scripted(&[OPEN, r#"40{"sid":"x"}"#, "2", last]).await;
        // It may all be over when `connect` returns, but the namespace was joined.
        let socket = match soon(client(addr).connect()).await {
            Ok(socket) => socket,
            Err(error) => panic!("{last}: {error}"),
        };
        assert_eq!(reasons(&socket).next().await, reason, "{last}");
    }
}

#[tokio::test]
async fn rules_15_and_16_pings_are_answered_and_missed() {
    let open = r#"0{"sid":"abc","upgrades":[],"pingInterval":100,"pingTimeout":50}"#;
    let (addr, mut heard) = scripted(&[open, r#"40{"sid":"x"}"#, "2", "2data", "6", "3"]).await;
    let config = configured(|config| config.reconnection.enabled = false);
    let socket = soon(client(addr).config(config).connect()).await.unwrap();
    let seen = reasons(&socket);
    for expected in ["40", "3", "3data"] {
        assert_eq!(soon(heard.recv()).await.as_deref(), Some(expected));
    }
    assert_eq!(seen.next().await, DisconnectReason::PingTimeout, "no more pings came");
    assert!(matches!(socket.emit("late", ()), Err(EmitError::Disconnected)));
}

#[tokio::test]
async fn a_heartbeat_that_is_kept_keeps_the_connection() {
    let mut config = server::Config::default();
    config.engine.ping_interval = Duration::from_millis(50);
    config.engine.ping_timeout = Duration::from_millis(200);
    let io = Io::with_config(config).unwrap();
    let (told, addr) = (telling(&io), serve(&io).await);
    let socket = connect(addr).await;
    // Not to wait for something, but to give it the time in which it must not happen.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(socket.connected());
    told.assert_nothing();
}

#[tokio::test]
async fn rule_15_more_than_the_server_takes_is_not_sent() {
    let open =
        r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;
    let (addr, mut heard) = scripted(&[open, r#"40{"sid":"x"}"#]).await;
    let socket = connect(addr).await;
    assert!(matches!(socket.emit("a", "x".repeat(100)), Err(EmitError::TooLarge)));
    assert!(matches!(socket.emit("a", bytes::Bytes::from(vec![1; 101])), Err(EmitError::TooLarge)));
    socket.emit("a", "fits").unwrap();
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"));
    assert_eq!(soon(heard.recv()).await.as_deref(), Some(r#"42["a","fits"]"#));
}

#[tokio::test]
async fn closures_that_hold_their_own_socket_leak_nothing() {
    let socket = connect(serve(&Io::new()).await).await;
    let held = Arc::new(());
    let (own, kept) = (socket.clone(), held.clone());
    socket.on("event", async move || {
        let _ = (own, kept);
    });
    assert_eq!(Arc::strong_count(&held), 2);
    socket.disconnect();
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test]
async fn events_that_came_before_the_servers_goodbye_are_still_handled() {
    let (addr, _heard) =
        scripted(&[OPEN, r#"40{"sid":"x"}"#, r#"42["n",1]"#, r#"42["n",2]"#, r#"42["n",3]"#, "41"])
            .await;
    let (seen, gone) = (Seen::new(), Arc::new(tokio::sync::Notify::new()));
    let (sender, wait) = (seen.sender(), gone.clone());
    let socket = soon(
        client(addr)
            .on("n", async move |Data(n): Data<i64>| {
                if n == 1 {
                    wait.notified().await;
                }
                let _ = sender.send(n);
            })
            .connect(),
    )
    .await
    .unwrap();
    socket.on_disconnect(async move || gone.notify_one());
    assert_eq!([seen.next().await, seen.next().await, seen.next().await], [1, 2, 3]);
}

#[tokio::test]
async fn a_listener_that_comes_after_the_end_does_not_leak() {
    let addr = serve(&Io::new()).await;
    let socket = connect(addr).await;
    socket.disconnect();
    let witness = Arc::new(());
    let held = (socket.clone(), witness.clone());
    socket.on("e", async move || drop(held));
    assert_eq!(Arc::strong_count(&witness), 1, "it held its own socket, for ever");
}
