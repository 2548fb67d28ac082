//! The end of a server on threads of its own: asked for, or because nobody holds it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use ws::{Server, ServerConfig, Threads};

use crate::rig::{ALONE, LONG, ask, connect, rig, rig_with};

#[tokio::test]
async fn shutdown_closes_the_connections_of_all_threads_with_1001_and_ends_the_threads() {
    let _alone = ALONE.lock().await;
    for push in [true, false] {
        let mut rig = rig(3, push).await;
        let sockets = rig.connect_many(60).await;
        assert_eq!(rig.seen.threads.lock().unwrap().len(), 3);
        let clients = sockets.into_iter().map(|mut socket| {
            tokio::spawn(async move {
                assert_eq!(socket.recv().await.unwrap(), None);
                socket.close(ws::CloseCode::NORMAL, "").await
            })
        });
        let clients: Vec<_> = clients.collect();
        assert_eq!(rig.handle.shutdown(LONG).await, 0);
        for client in clients {
            let report = timeout(LONG, client).await.unwrap().unwrap();
            assert_eq!(report.received.unwrap().code, ws::CloseCode::GOING_AWAY);
        }
        assert!(rig.try_connect().await.is_err(), "nobody listens");
        timeout(LONG, &mut rig.serving).await.unwrap().unwrap();
        rig.threads_gone().await;
    }
}

#[tokio::test]
async fn one_deadline_is_for_all_threads_together() {
    let _alone = ALONE.lock().await;
    let mut rig = rig_with(3, true, |config| {
        let mut websocket = ws::Config::default();
        websocket.close_timeout = Duration::from_secs(3600);
        config.websocket = Arc::new(websocket);
    })
    .await;
    // They never answer, because nobody asks them to.
    let mute = rig.connect_many(30).await;
    let deadline = Duration::from_millis(200);
    let begun = Instant::now();
    assert_eq!(rig.handle.shutdown(deadline).await, 30);
    assert!(begun.elapsed() >= deadline, "it was waited for them");
    assert!(begun.elapsed() < LONG, "together, and not an hour each");
    rig.threads_gone().await;
    drop(mute);
}

#[tokio::test]
async fn a_handler_that_outlives_its_connection_is_waited_for_but_not_for_ever() {
    let _alone = ALONE.lock().await;
    for (work, deadline, done) in
        [(Duration::from_millis(100), LONG, 8), (Duration::MAX, Duration::from_millis(100), 0)]
    {
        let mut config = ServerConfig::default();
        config.threads = Threads::Exactly(2);
        let server = Server::bind_with("127.0.0.1:0", config).await.unwrap();
        let (addr, handle) = (server.local_addr().unwrap(), server.handle());
        let count = Arc::new(AtomicUsize::new(0));
        let counts = count.clone();
        let serving = tokio::spawn(server.serve(async move |mut socket: ws::WebSocket| {
            while socket.recv().await?.is_some() {}
            // As if something were written down.
            tokio::time::sleep(work).await;
            counts.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ws::Error>(())
        }));
        let mut clients = Vec::new();
        for _ in 0..8 {
            let mut socket = connect(addr).await.unwrap();
            clients.push(tokio::spawn(async move { _ = socket.recv().await }));
        }
        assert_eq!(handle.shutdown(deadline).await, 0);
        assert_eq!(count.load(Ordering::Relaxed), done);
        timeout(LONG, serving).await.unwrap().unwrap();
    }
}

/// As in a `select!` of `serve` and a signal, with the shutdown behind it.
#[tokio::test]
async fn connections_live_on_while_a_handle_is_left_to_close_them() {
    let _alone = ALONE.lock().await;
    for push in [true, false] {
        let mut rig = rig(2, push).await;
        let mut sockets = rig.connect_many(30).await;
        rig.serving.abort();
        assert!((&mut rig.serving).await.unwrap_err().is_cancelled());
        while rig.try_connect().await.is_ok() {
            tokio::task::yield_now().await;
        }
        for socket in &mut sockets {
            assert_eq!(ask(socket, "still here").await.as_deref(), Some("still here"));
        }
        let clients = tokio::spawn(async move {
            for socket in &mut sockets {
                assert_eq!(socket.recv().await.unwrap(), None);
            }
        });
        assert_eq!(rig.handle.shutdown(LONG).await, 0);
        timeout(LONG, clients).await.unwrap().unwrap();
        rig.threads_gone().await;
    }
}

#[tokio::test]
async fn with_the_last_who_holds_the_server_its_threads_and_connections_end() {
    let _alone = ALONE.lock().await;
    for push in [true, false] {
        let mut rig = rig(2, push).await;
        let mut sockets = rig.connect_many(30).await;
        let other = rig.handle.clone();
        rig.serving.abort();
        let _ = (&mut rig.serving).await;
        let mut ended = rig.without_handle();
        assert_eq!(ask(&mut sockets[0], "still here").await.as_deref(), Some("still here"));
        drop(other);
        ended.wait().await;
        for socket in &mut sockets {
            assert!(!matches!(timeout(LONG, socket.recv()).await.unwrap(), Ok(Some(_))));
        }
    }
}
