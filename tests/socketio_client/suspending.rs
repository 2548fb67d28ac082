//! A client whose process stands still for longer than its server has patience, as a laptop's does when it is closed.

use std::process::{Command as Blocking, Stdio};
use std::time::{Duration, Instant};

use sio::client::{DisconnectReason, Socket, Transport};
use sio::server::{self, Io};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::relay::Relay;
use crate::support::{Seen, client, configured, serve, soon};

const ADDRESS: &str = "SIO_TEST_SUSPEND";
const TEST: &str = "suspending::a_process_that_stood_still_finds_out_and_comes_back";

/// Says on standard output what happens to the connection, until it is killed.
async fn suspended(addr: &str, way: Transport) {
    let config = configured(|config| {
        config.reconnection.delay = Duration::from_millis(10);
        config.reconnection.max_delay = Duration::from_millis(50);
    });
    let socket = client(addr.parse().unwrap())
        .config(config)
        .transports([way])
        .on_connect(async |socket: Socket| {
            eprintln!("connected {}", socket.id());
            let _ = socket.emit("here", ());
        })
        .on_disconnect(async |reason: DisconnectReason| eprintln!("disconnected {reason}"))
        .connect()
        .await
        .unwrap();
    socket.closed().await;
}

fn signal(child: &Child, name: &str) {
    let sent = Blocking::new("kill").args([name, &child.id().unwrap().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_process_that_stood_still_finds_out_and_comes_back() {
    if let Ok(task) = std::env::var(ADDRESS) {
        let (addr, way) = task.split_once(' ').unwrap();
        return suspended(addr, Transport::from_name(way).unwrap()).await;
    }
    let mut config = server::Config::default();
    config.engine.ping_interval = Duration::from_millis(400);
    config.engine.ping_timeout = Duration::from_millis(300);
    let (io, seen) = (Io::with_config(config).unwrap(), Seen::new());
    let sender = seen.sender();
    io.on_connect(async move |socket: server::Socket| {
        let (here, gone) = (sender.clone(), sender.clone());
        socket.on("here", async move || _ = here.send("here".to_owned()));
        socket.on_disconnect(async move |reason: server::DisconnectReason| {
            let _ = gone.send(reason.to_string());
        });
    });
    let server = serve(&io).await;
    for way in [Transport::WebSocket, Transport::Polling] {
        let relay = Relay::to(server).await;
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env(ADDRESS, format!("{} {}", relay.addr, way.name()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut line = async || soon(lines.next_line()).await.unwrap().expect("it goes on");
        assert!(line().await.starts_with("connected"));
        assert_eq!(seen.next().await, "here");
        signal(&process, "-STOP");
        // The server gives it up. Of that nothing arrives: a network that was changed meanwhile tells nobody either.
        relay.swallow(true);
        assert_eq!(seen.next().await, "ping timeout");
        tokio::time::sleep(Duration::from_millis(700)).await;
        signal(&process, "-CONT");
        let continued = Instant::now();
        assert_eq!(line().await, "disconnected ping timeout", "{way:?}");
        let took = continued.elapsed();
        relay.swallow(false);
        assert!(line().await.starts_with("connected"));
        assert_eq!(seen.next().await, "here");
        assert!(took < Duration::from_millis(500), "not at once, but after {took:?}");
        soon(process.kill()).await.unwrap();
        seen.next().await;
    }
}
