//! The client for programs without tokio. The server has a thread of its own.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use sio::client::{Client, ConnectError, DisconnectReason};
use sio::server::{self, Data, Io};

const PATIENCE: Duration = Duration::from_secs(20);

fn serve() -> (SocketAddr, mpsc::Receiver<String>) {
    let (told, addr) = mpsc::channel();
    let (heard, hears) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let io = Io::new();
            let _ = io.of("/other");
            io.on_connect(async move |socket: server::Socket| {
                let heard = heard.clone();
                socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
                socket.on("ask", async |socket: server::Socket| {
                    socket.emit_with_ack::<i64>("double", 21).await.unwrap()
                });
                socket.on("echo", async |socket: server::Socket, Data(text): Data<String>| {
                    socket.emit("echo", text)
                });
                socket.on("note", async move |Data(text): Data<String>| _ = heard.send(text));
                socket.on("leave me", async |socket: server::Socket| socket.disconnect(true));
            });
            let listening = io.bind("127.0.0.1:0").await.unwrap();
            told.send(listening.local_addr().unwrap()).unwrap();
            listening.serve().await;
        });
    });
    (addr.recv_timeout(PATIENCE).unwrap(), hears)
}

#[test]
fn a_program_without_tokio_emits_asks_and_answers() {
    let (addr, hears) = serve();
    let socket = Client::builder(format!("http://{addr}")).connect_blocking().unwrap();
    socket.on("double", |n: i64| n * 2);
    assert_eq!(socket.emit_with_ack::<i64>("add", (2, 3)).unwrap(), 5);
    assert_eq!(socket.emit_with_ack::<i64>("ask", ()).unwrap(), 42);
    assert!(socket.next_timeout(Duration::from_millis(5)).is_err());
    socket.emit("echo", "pulled").unwrap();
    let event = socket.next().unwrap();
    assert_eq!((event.name(), event.data::<String>().unwrap()), ("echo", "pulled".to_owned()));
    let other = socket.namespace("/other").unwrap();
    assert!(matches!(socket.namespace("/none"), Err(ConnectError::Refused(_))));
    assert!(other.get().connected());
    drop(other);
    socket.send("note", "last words").unwrap();
    socket.disconnect();
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), "last words");
}

#[test]
fn the_end_comes_through() {
    let (addr, _hears) = serve();
    let socket = Client::builder(format!("http://{addr}")).connect_blocking().unwrap();
    socket.emit("leave me", ()).unwrap();
    assert_eq!(socket.closed(), DisconnectReason::IoServerDisconnect);
    assert!(socket.next().is_none());
    assert!(Client::builder("nowhere").connect_blocking().is_err());
}
