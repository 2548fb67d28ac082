use std::time::{Duration, Instant};

use sio::server::{Config, DisconnectReason, Socket};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::client::{ask, get, join, url};
use crate::{listen, server, soon};

const OPEN: &str = "/socket.io/?EIO=4&transport=polling";

#[tokio::test]
async fn clients_are_let_go_one_after_the_other_and_served_until_their_turn() {
    const CLIENTS: usize = 5;
    let io = server(Config::default());
    let (gone, mut reasons) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        socket.on_disconnect(async move |reason: DisconnectReason| {
            _ = gone.send((Instant::now(), reason));
        });
    });
    let addr = listen(&io).await;
    let mut sockets = Vec::new();
    for _ in 0..CLIENTS {
        sockets.push(join(&url(addr)).await);
    }
    let idle = TcpStream::connect(addr).await.unwrap();
    let start = Instant::now();
    let window = Duration::from_millis(1500);
    let ending = tokio::spawn({
        let io = io.clone();
        async move { io.shutdown_over(window, Duration::from_secs(9)).await }
    });
    let mut times = Vec::new();
    let (first, reason) = soon(reasons.recv()).await.unwrap();
    assert_eq!(reason, DisconnectReason::ServerShuttingDown);
    times.push(first - start);
    // Nobody new comes in.
    let refused = tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(addr)).await;
    drop((refused, idle));
    // The others are served as ever.
    let mut served = 0;
    for socket in &mut sockets {
        socket.send(r#"420["echo","still here"]"#).await.ok();
    }
    while let Some((time, _)) =
        tokio::time::timeout(Duration::from_secs(9), reasons.recv()).await.ok().flatten()
    {
        times.push(time - start);
        if times.len() == CLIENTS {
            break;
        }
    }
    soon(ending).await.unwrap();
    for mut socket in sockets {
        while let Ok(Some(message)) = soon(socket.recv()).await {
            served +=
                usize::from(message.as_text().is_some_and(|text| text.contains("still here")));
        }
    }
    assert_eq!(served, CLIENTS - 1, "all but the first");
    assert_eq!(times.len(), CLIENTS);
    for (index, time) in times.iter().enumerate() {
        assert!(*time >= Duration::from_millis(300) * u32::try_from(index).unwrap(), "{times:?}");
    }
    assert!(io.sockets().is_empty());
}

#[tokio::test]
async fn new_sessions_are_refused_while_the_others_are_let_go() {
    let io = server(Config::default());
    let addr = listen(&io).await;
    let mut socket = join(&url(addr)).await;
    let mut other = join(&url(addr)).await;
    // A connection from before, which asks only now.
    let mut http = TcpStream::connect(addr).await.unwrap();
    assert_eq!(ask(&mut other, r#"["echo","x"]"#).await, r#"430["x"]"#);
    let ending = tokio::spawn({
        let io = io.clone();
        async move { io.shutdown_over(Duration::from_millis(400), Duration::from_secs(9)).await }
    });
    // One of them, whichever is the first, is gone; the other keeps the server up.
    let (one, another) = (socket.recv(), other.recv());
    let gone = soon(async {
        tokio::select! { end = one => end, end = another => end }
    })
    .await;
    assert!(matches!(gone, Ok(None) | Err(_)), "{gone:?}");
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    http.write_all(format!("GET {OPEN} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(http.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""code":3"#), "{answer}");
    soon(ending).await.unwrap();
    assert!(get_refused(addr).await);
}

/// The listener is gone.
async fn get_refused(addr: std::net::SocketAddr) -> bool {
    match TcpStream::connect(addr).await {
        Err(_) => true,
        Ok(stream) => {
            drop(stream);
            get(addr, OPEN).await.is_empty()
        }
    }
}

#[tokio::test]
async fn the_deadline_holds_whatever_the_window_and_the_clients() {
    let io = server(Config::default());
    let addr = listen(&io).await;
    // Polling clients that never come for their last packets.
    for _ in 0..3 {
        assert!(get(addr, OPEN).await.starts_with("HTTP/1.1 200"));
    }
    let _socket = join(&url(addr)).await;
    let start = Instant::now();
    soon(io.shutdown_over(Duration::from_secs(3600), Duration::from_millis(200))).await;
    assert!(start.elapsed() >= Duration::from_millis(190));
    assert!(io.sockets().is_empty());
}
