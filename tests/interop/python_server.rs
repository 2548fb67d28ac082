//! The Socket.IO client against python-socketio's server (`python/server.py`), over each transport. Needs Python and the packages of
//! that folder (`tests/run` installs them), hence the feature `interop`.

#[allow(dead_code, reason = "its scripted servers are for the tests without Python")]
#[path = "../socketio_client/support.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sio::client::{ConnectError, Data, DisconnectReason, Socket, Transport};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use support::{Seen, client, configured, soon, until};

const WAYS: [&[Transport]; 3] =
    [&[Transport::Polling], &[Transport::WebSocket], &[Transport::Polling, Transport::WebSocket]];

struct Python {
    addr: SocketAddr,
    process: Child,
}

impl Python {
    async fn start(port: u16) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/python");
        let python = folder.join(".venv/bin/python");
        assert!(python.exists(), "no {}: tests/run makes it", python.display());
        let mut process = Command::new(python)
            .arg("server.py")
            .arg(port.to_string())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python is installed");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = soon(lines.next_line()).await.unwrap().expect("its port");
        Self { addr: SocketAddr::from(([127, 0, 0, 1], port.trim().parse().unwrap())), process }
    }
}

#[tokio::test]
async fn every_transport_carries_everything() {
    let python = Python::start(0).await;
    for way in WAYS {
        let seen = Seen::new();
        let sender = seen.sender();
        let socket = client(python.addr)
            .transports(way.iter().copied())
            .on("echo", async move |Data(data): Data<(Bytes, String)>| _ = sender.send(data))
            .on("question", async || (Bytes::from_static(b"answer"), 7))
            .connect();
        let socket = soon(socket).await.unwrap();
        let ask = async |event: &'static str, data: Value| -> Value {
            soon(socket.emit_with_ack(event, data)).await.unwrap()
        };
        assert_eq!(soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.unwrap(), 5, "{way:?}");
        assert_eq!(ask("give back", json!({ "a": [1, null] })).await, json!({ "a": [1, null] }));
        for n in 0..100 {
            let data = (Bytes::from(vec![n; 1000]), "žluťoučký 🐎\u{1e}".to_owned());
            socket.emit("echo", &data).unwrap();
            assert_eq!(seen.next().await, data);
        }
        let (answer, n): (Bytes, i64) = soon(socket.emit_with_ack("ask", ())).await.unwrap();
        assert_eq!((&answer[..], n), (&b"answer"[..], 7));
        if way.len() > 1 {
            until("it has moved", || socket.transport() == Some(Transport::WebSocket)).await;
            assert_eq!(soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.unwrap(), 5);
        }
        // Two of the server's pings and more.
        tokio::time::sleep(Duration::from_millis(3500)).await;
        assert!(socket.connected());
        socket.emit("leave me", ()).unwrap();
        assert_eq!(soon(socket.closed()).await, DisconnectReason::IoServerDisconnect);
    }
}

#[tokio::test]
async fn refusals_have_message_and_data() {
    let python = Python::start(0).await;
    let refused = client(python.addr).auth(async || json!({ "token": "wrong" })).connect();
    let Err(ConnectError::Refused(refusal)) = soon(refused).await else { panic!() };
    assert_eq!(refusal.message, "not you");
    assert_eq!(refusal.data::<Value>().unwrap(), json!({ "code": 7 }));
    let none = soon(client(python.addr).namespace("/none").connect()).await;
    assert!(matches!(none, Err(ConnectError::Refused(_))), "{none:?}");
}

#[tokio::test]
async fn a_server_that_drops_or_is_killed_is_found_again() {
    let mut python = Python::start(0).await;
    for way in WAYS {
        let config = configured(|config| {
            config.reconnection.delay = Duration::from_millis(20);
            config.reconnection.max_delay = Duration::from_millis(100);
            config.retries = Some(3);
            config.engine.transports = way.to_vec();
        });
        let socket = soon(client(python.addr).config(config).connect()).await.unwrap();
        let numbers = |from: u32| (from..from + 20).for_each(|n| socket.emit("n", n).unwrap());
        numbers(0);
        let id = socket.id();
        let back = async |socket: &Socket, id: &str| {
            until("it is back", || socket.connected() && *socket.id() != *id).await;
        };
        soon(python.process.kill()).await.unwrap();
        numbers(20);
        python = Python::start(python.addr.port()).await;
        back(&socket, &id).await;
        let mut all: Vec<u32> = soon(socket.emit_with_ack("all", ())).await.unwrap();
        all.dedup();
        assert_eq!(all.last(), Some(&39), "{way:?}");
        assert!(all.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{way:?}: {all:?}");
        assert!(*all.first().unwrap() <= 20, "{way:?}: {all:?}");
    }
}
