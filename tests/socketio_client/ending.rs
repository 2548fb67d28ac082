//! What is left when a socket has ended: nothing.

use std::sync::Arc;
use std::time::Duration;

use sio::client::{DisconnectReason, Socket, Transport};
use sio::server::{self, Io};

use crate::relay::Relay;
use crate::support::{OPEN, Seen, client, configured, connect, scripted, serve, soon, until};

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// A server in a runtime of its own, so that its tasks are not counted.
fn elsewhere() -> std::net::SocketAddr {
    let (told, addr) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let io = Io::new();
            let _ = io.of("/other");
            io.on_connect(async |socket: server::Socket| {
                socket.on("cut me", async |socket: server::Socket| socket.disconnect(true));
            });
            told.send(serve(&io).await).unwrap();
            std::future::pending::<()>().await
        });
    });
    addr.recv().unwrap()
}

#[tokio::test]
async fn no_task_is_left_however_it_ends() {
    let addr = elsewhere();
    for way in [
        vec![Transport::WebSocket],
        vec![Transport::Polling],
        vec![Transport::Polling, Transport::WebSocket],
    ] {
        for end in 0..5 {
            let builder = client(addr).transports(way.clone());
            let socket = soon(builder.connect()).await.unwrap();
            let other = soon(socket.namespace("/other").connect()).await.unwrap();
            assert!(tasks() > 1);
            match end {
                0 => drop((socket, other)),
                1 => {
                    socket.disconnect();
                    other.disconnect();
                }
                2 => {
                    drop(other);
                    socket.emit("cut me", ()).unwrap();
                    assert_eq!(soon(socket.closed()).await, DisconnectReason::IoServerDisconnect);
                }
                3 => {
                    // In the middle of a join.
                    let joining = socket.namespace("/none").connect();
                    let _ = tokio::time::timeout(Duration::ZERO, joining).await;
                    drop((other, socket));
                }
                _ => {
                    socket.namespace("/none").connect().await.unwrap_err();
                    drop((other, socket));
                }
            }
            // But for the wheel's, which all timers of a runtime share; it ends with the next deadline that there was.
            until("no task is left", || tasks() <= 1).await;
        }
    }
}

/// In a process of its own, where nothing else opens and closes them. That of the server is another.
#[tokio::test]
async fn no_file_descriptor_is_left_however_it_ends() {
    const ADDRESS: &str = "SIO_TEST_DESCRIPTORS";
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let Ok(addr) = std::env::var(ADDRESS) else {
        let test = "ending::no_file_descriptor_is_left_however_it_ends";
        let status = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(ADDRESS, elsewhere().to_string())
            .stdout(std::process::Stdio::null())
            .status();
        assert!(soon(status).await.unwrap().success());
        return;
    };
    let addr = addr.parse().unwrap();
    let before = open();
    for way in [
        vec![Transport::WebSocket],
        vec![Transport::Polling],
        vec![Transport::Polling, Transport::WebSocket],
    ] {
        for end in 0..4 {
            let config = configured(|config| config.reconnection.enabled = false);
            let builder = client(addr).config(config).transports(way.clone());
            let socket = soon(builder.connect()).await.unwrap();
            if end == 3 {
                until("it has moved", || socket.transport() == way.last().copied()).await;
            }
            assert!(open() > before);
            match end {
                0 | 3 => drop(socket),
                1 => socket.disconnect(),
                _ => {
                    socket.emit("cut me", ()).unwrap();
                    soon(socket.closed()).await;
                }
            }
            until("none is left", || open() == before).await;
        }
    }
}

#[tokio::test]
async fn no_task_is_left_of_a_connection_that_is_tried_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = silent.local_addr().unwrap();
    let connecting = client(addr).connect();
    assert!(tokio::time::timeout(Duration::from_millis(20), connecting).await.is_err());
    until("no task is left", || tasks() == 0).await;
    drop(silent);
    let socket = client(addr).start().unwrap();
    assert!(tasks() > 0);
    socket.disconnect();
    until("no task is left", || tasks() == 0).await;
    let socket = client(addr).start().unwrap();
    drop(socket);
    until("no task is left", || tasks() == 0).await;
}

#[tokio::test]
async fn a_connection_lives_as_long_as_its_last_handle() {
    let io = Io::new();
    let ends = Seen::new();
    let sender = ends.sender();
    io.on_connect(async move |socket: server::Socket| {
        socket.on("add", async |sio::server::Data((a, b)): sio::server::Data<(i64, i64)>| a + b);
        socket.on_disconnect(async move |reason: server::DisconnectReason| {
            let _ = sender.send(reason);
        });
    });
    let socket = connect(serve(&io).await).await;
    let weak = socket.downgrade();
    // A closure that holds a weak handle keeps nothing.
    let own = weak.clone();
    socket.on("event", async move || drop(own.upgrade()));
    let answer = socket.emit_with_ack::<i64>("add", (1, 2));
    drop(socket);
    assert!(weak.upgrade().is_some(), "an answer is waited for");
    assert_eq!(soon(answer).await.unwrap(), 3);
    assert!(weak.upgrade().is_none());
    assert_eq!(ends.next().await, server::DisconnectReason::ClientNamespaceDisconnect);
}

#[tokio::test]
async fn a_handler_at_work_is_a_handle() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| socket.emit("work", ()));
    let (done, go) = (Seen::new(), Arc::new(tokio::sync::Notify::new()));
    let (sender, wait) = (done.sender(), go.clone());
    let socket = client(serve(&io).await)
        .on("work", async move |socket: Socket| {
            let _ = sender.send(socket.connected());
            wait.notified().await;
            let _ = sender.send(socket.connected());
        })
        .connect();
    let socket = soon(socket).await.unwrap();
    assert!(done.next().await);
    drop(socket);
    go.notify_one();
    assert!(done.next().await);
    until("no handle is left", || Arc::strong_count(&go) == 1).await;
}

#[tokio::test]
async fn a_namespace_is_not_closed_by_another_that_is_left_meanwhile() {
    // Joining while the last socket leaves: either on the old connection, or on a new one.
    let io = Io::new();
    let _ = io.of("/other");
    let relay = Relay::to(serve(&io).await).await;
    for delay in 0..20 {
        let root = connect(relay.addr).await;
        let joining = tokio::spawn(root.namespace("/other").connect());
        for _ in 0..delay {
            tokio::task::yield_now().await;
        }
        root.disconnect();
        let other = soon(joining).await.unwrap().unwrap();
        assert!(other.connected());
    }
}

#[tokio::test]
async fn a_namespace_that_is_left_before_it_answers_is_left_for_good() {
    let io = Io::new();
    let seen = Seen::new();
    let sender = seen.sender();
    let go = Arc::new(tokio::sync::Notify::new());
    let wait = go.clone();
    let slow = io.of("/slow");
    slow.middleware(async move || {
        wait.notified().await;
        Ok::<_, &str>(())
    });
    slow.on_connect(async move |socket: server::Socket| {
        let sender = sender.clone();
        socket.on_disconnect(async move || _ = sender.send(()));
    });
    let root = connect(serve(&io).await).await;
    let joining = root.namespace("/slow").connect();
    assert!(tokio::time::timeout(Duration::from_millis(20), joining).await.is_err());
    go.notify_one();
    seen.next().await;
    assert!(root.connected(), "and the others stay");
}

#[tokio::test]
async fn events_are_asked_for_instead_of_handled() {
    let (addr, mut heard) = scripted(&[
        OPEN,
        r#"40{"sid":"x"}"#,
        r#"42["early",1]"#,
        r#"420["question","a","b"]"#,
        r#"42["handled"]"#,
        r#"451-["file",{"_placeholder":true,"num":0}]"#,
    ])
    .await;
    let socket = soon(client(addr).keep_events().on("handled", async || ()).connect());
    let socket = socket.await.unwrap();
    let early = soon(socket.next()).await.unwrap();
    assert_eq!((early.name(), early.data::<i64>().unwrap()), ("early", 1));
    assert!(!early.wants_answer());
    let question = soon(socket.next()).await.unwrap();
    assert_eq!(question.data::<(String, String)>().unwrap(), ("a".into(), "b".into()));
    assert!(question.data::<i64>().is_err() && question.wants_answer());
    question.answer("yes").unwrap();
    assert_eq!(soon(heard.recv()).await.as_deref(), Some("40"));
    assert_eq!(soon(heard.recv()).await.as_deref(), Some(r#"430["yes"]"#));
    let waiting = tokio::time::timeout(Duration::from_millis(20), socket.next()).await;
    assert!(waiting.is_err(), "the file is not complete, and nobody has it: {waiting:?}");
    socket.disconnect();
    assert!(soon(socket.next()).await.is_none());
}

#[tokio::test]
async fn who_asks_slowly_slows_the_server_down() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        for n in 0..500 {
            socket.emit("n", n).unwrap();
        }
    });
    let config = configured(|config| config.max_queued_events = 8);
    let builder = client(serve(&io).await).config(config).keep_events();
    let socket = soon(builder.connect()).await.unwrap();
    for n in 0..500 {
        let event = soon(socket.next()).await.unwrap();
        assert_eq!(event.data::<i64>().unwrap(), n);
        if n % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
