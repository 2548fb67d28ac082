//! Events of one socket are handled one after the other, none is lost, and none comes before its handler.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sio::server::{Data, Io, Socket};
use tokio::sync::{Notify, Semaphore};

use crate::peer::{Peer, configured, serve, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_until_their_handlers_are_registered() {
    let io = Io::new();
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    io.on_connect(async move |socket: Socket| {
        wait.notified().await;
        socket.on("e", async |Data(number): Data<u32>| number);
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for number in 0..10 {
        peer.send(&format!(r#"2{number}["e",{number}]"#)).await;
    }
    go.notify_one();
    for number in 0..10 {
        assert_eq!(peer.recv().await, format!("3{number}[{number}]"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_of_one_socket_never_overlap_and_keep_the_order() {
    let io = Io::new();
    let running = Arc::new(AtomicUsize::new(0));
    io.on_connect(async move |socket: Socket| {
        let running = running.clone();
        socket.on("e", async move |Data(number): Data<u32>| {
            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two at once");
            for _ in 0..number % 4 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            number
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for number in 0..200 {
        peer.send(&format!(r#"2{number}["e",{number}]"#)).await;
    }
    for number in 0..200 {
        assert_eq!(peer.recv().await, format!("3{number}[{number}]"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_stops_reading_and_loses_nothing() {
    const EVENTS: u32 = 2000;
    let io = configured(|config| config.max_queued_events = 4);
    let (gate, seen) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (enter, record) = (gate.clone(), seen.clone());
    io.on_connect(async move |socket: Socket| {
        let (enter, record) = (enter.clone(), record.clone());
        socket.on("e", async move |socket: Socket, Data(number): Data<u32>| {
            enter.acquire().await.unwrap().forget();
            record.lock().unwrap().push((number, socket.queued_events() <= 4));
        });
        socket.on("end", async || ());
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for number in 0..EVENTS {
        peer.send(&format!(r#"2["e",{number}]"#)).await;
    }
    gate.add_permits(EVENTS as usize);
    peer.asks(r#"20["end"]"#, "30[]").await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), EVENTS as usize);
    assert!(seen.iter().zip(0..).all(|(seen, number)| *seen == (number, true)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ack_passes_by_a_full_queue() {
    let io = configured(|config| config.max_queued_events = 2);
    io.on_connect(async |socket: Socket| {
        socket.on("ask", async |socket: Socket| socket.emit_with_ack::<u32>("q", ()).await);
        socket.on("e", async || ());
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["ask"]"#, r#"20["q"]"#).await;
    for _ in 0..10 {
        peer.send(r#"2["e"]"#).await;
    }
    peer.asks("30[5]", "30[5]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_received_before_the_end_is_handled() {
    let io = Io::new();
    let (sender, mut handled) = tokio::sync::mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let wait = go.clone();
    io.on_connect(async move |socket: Socket| {
        let (sender, wait, end) = (sender.clone(), wait.clone(), sender.clone());
        socket.on("e", async move |Data(number): Data<u32>| {
            if number == 0 {
                wait.notified().await;
            }
            let _ = sender.send(number);
        });
        // Passes by those that wait.
        socket.on_disconnect(async move || end.send(99).unwrap());
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for number in 0..3 {
        peer.send(&format!(r#"2["e",{number}]"#)).await;
    }
    peer.send("1").await;
    assert_eq!(soon(handled.recv()).await, Some(99));
    go.notify_one();
    for number in 0..3 {
        assert_eq!(soon(handled.recv()).await, Some(number));
    }
}
