//! Clients that do not keep up, and what is done about it: they miss the oldest events, or are waited for.

use std::time::Duration;

use sio::engine::Transport;
use sio::server::{Config, EmitError, Io, Recovery, SlowReceiver, Socket};
use tokio::sync::mpsc;

use crate::peer::{Peer, configured, serve, soon};
use crate::poller::Poller;

/// Bytes that may wait.
const LIMIT: usize = 1000;

/// A server with a client that polls only when it is told to, and one that reads. Gives the sockets of both.
async fn hall(change: impl FnOnce(&mut Config)) -> (Io, Poller, Socket, Peer, Socket) {
    let io = configured(|config| {
        config.engine.max_buffered_bytes = LIMIT;
        change(config);
    });
    let (sender, mut connected) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        socket.on("name", async || "known");
        sender.send(socket).unwrap();
    });
    let addr = serve(&io).await;
    let poller = Poller::join(addr).await;
    let slow = soon(connected.recv()).await.unwrap();
    let peer = Peer::join(addr).await;
    let steady = soon(connected.recv()).await.unwrap();
    (io, poller, slow, peer, steady)
}

/// An event of about a hundred bytes.
fn numbered(number: usize) -> String {
    format!("{number:0100}")
}

fn number(packet: &str) -> usize {
    let digits: String = packet.chars().filter(char::is_ascii_digit).skip(1).collect();
    digits.parse().unwrap_or_else(|_| panic!("{packet}"))
}

#[tokio::test]
async fn the_oldest_events_make_room_for_those_that_are_new() {
    let (io, mut poller, slow, mut peer, _) =
        hall(|config| config.slow_receiver = SlowReceiver::DropOldest).await;
    assert_eq!((slow.transport(), io.session_count()), (Transport::Polling, 2));
    for event in 0..100 {
        io.emit("e", numbered(event)).unwrap();
        assert_eq!(number(&peer.recv().await), event, "the other one misses nothing");
    }
    for event in 100..200 {
        slow.emit("e", numbered(event)).unwrap();
    }
    assert!(slow.buffered_bytes() <= 2 * LIMIT + 300, "{}", slow.buffered_bytes());
    // What it asks is answered, behind all that.
    poller.send(r#"27["name"]"#).await;
    let mut heard = Vec::new();
    loop {
        let packets = poller.recv().await;
        if let Some(packets) = packets.strip_suffix(&[r#"37["known"]"#.to_owned()]) {
            heard.extend(packets.iter().map(|packet| number(packet)));
            break;
        }
        heard.extend(packets.iter().map(|packet| number(packet)));
    }
    // Those that its transport had taken, and then the newest, all in order.
    assert!(heard.starts_with(&[0, 1, 2]) && heard.ends_with(&[197, 198, 199]), "{heard:?}");
    assert!(heard.is_sorted() && heard.len() < 30, "{heard:?}");
    assert_eq!(slow.dropped_events() as usize, 200 - heard.len());
    soon(slow.drained()).await;
    assert_eq!(slow.buffered_bytes(), 0);
    // It keeps up again: nothing stands in the way of what is sent now.
    slow.emit("e", 7).unwrap();
    assert_eq!(poller.recv().await, [r#"2["e",7]"#]);
    assert!(io.sockets().len() == 2 && slow.connected());
}

#[tokio::test]
async fn a_client_that_only_asks_and_never_reads_is_closed_though_the_oldest_events_are_dropped() {
    let (io, mut poller, slow, _peer, _) =
        hall(|config| config.slow_receiver = SlowReceiver::DropOldest).await;
    let (sender, mut ended) = mpsc::unbounded_channel();
    slow.on_disconnect(async move || sender.send(()).unwrap());
    // Each refusal is a packet that it must not miss.
    for number in 0..200 {
        poller.post(&format!("40/no-such-{number},")).await;
    }
    assert!(slow.buffered_bytes() <= 2 * LIMIT + 100, "{}", slow.buffered_bytes());
    // It is told when it reads at last (rule 19).
    poller.recv().await;
    assert_eq!(poller.get().await, (200, "1".to_owned()));
    soon(ended.recv()).await.unwrap();
    assert_eq!(io.sockets().len(), 1);
}

#[tokio::test]
async fn who_waits_with_an_event_is_not_overtaken_by_those_that_are_dropped() {
    let (_io, mut poller, slow, ..) =
        hall(|config| config.slow_receiver = SlowReceiver::DropOldest).await;
    for event in 0..100 {
        slow.emit("e", numbered(event)).unwrap();
    }
    let late = slow.emit_within(Duration::from_millis(20), "late", ()).await;
    assert!(matches!(late, Err(EmitError::Full)), "{late:?}");
    let dropped = slow.dropped_events();
    let waiting = slow.clone();
    let waits = tokio::spawn(async move { waiting.emit_when_ready("waited", ()).await });
    let mut heard: Vec<String> = Vec::new();
    while heard.last().is_none_or(|last| last != r#"2["waited"]"#) {
        heard.extend(poller.recv().await);
    }
    soon(waits).await.unwrap().unwrap();
    assert_eq!(slow.dropped_events(), dropped, "nothing was dropped for it");
}

#[tokio::test]
async fn a_broadcast_that_waits_reaches_who_has_room_at_once_and_the_others_later() {
    let (io, mut poller, slow, mut peer, steady) = hall(|_| ()).await;
    slow.on_any_outgoing({
        let seen = std::sync::atomic::AtomicUsize::new(0);
        move |event, _| {
            let seen = seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(event != "once" || seen == 1, "it is shown again");
        }
    });
    slow.emit("e", "x".repeat(LIMIT)).unwrap();
    let late = io.emit_within(Duration::from_millis(20), "once", ()).await.unwrap();
    assert_eq!(late, [slow.id()]);
    assert_eq!(peer.recv().await, r#"2["once"]"#);

    let everyone = io.clone();
    let waits = tokio::spawn(async move { everyone.emit_when_ready("all", 1).await });
    assert_eq!(peer.recv().await, r#"2["all",1]"#, "it does not wait for the other one");
    assert!(!waits.is_finished());
    assert_eq!(poller.recv().await.len(), 1);
    soon(waits).await.unwrap().unwrap();
    assert_eq!(poller.recv().await, [r#"2["all",1]"#]);

    // The same from afar.
    slow.emit("e", "x".repeat(LIMIT)).unwrap();
    let remote = io.to(slow.id()).fetch_sockets().await.remove(0);
    let late = remote.emit_within(Duration::from_millis(20), "far", ()).await;
    assert!(matches!(late, Err(EmitError::Full)), "{late:?}");
    let far = remote.clone();
    let waits = tokio::spawn(async move { far.emit_when_ready("far", 2).await });
    assert_eq!(poller.recv().await.len(), 1);
    assert_eq!(poller.recv().await, [r#"2["far",2]"#]);
    soon(waits).await.unwrap().unwrap();

    // One that goes meanwhile is not waited for, and who gives up sends nothing late.
    slow.emit("e", "x".repeat(LIMIT)).unwrap();
    let given_up = io.clone();
    let waits = tokio::spawn(async move { given_up.emit_when_ready("given up", ()).await });
    assert_eq!(peer.recv().await, r#"2["given up"]"#);
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());
    let everyone = io.except(steady.id());
    let waits = tokio::spawn(async move { everyone.emit_when_ready("late", ()).await });
    slow.disconnect(true);
    soon(waits).await.unwrap().unwrap();
    let refused = io.emit_when_ready("disconnect", ()).await;
    assert!(matches!(refused, Err(EmitError::Encode(_))), "{refused:?}");
}

/// What is emitted there leaves when the middleware has returned, so that waiting for room would be for ever.
#[tokio::test]
async fn who_waits_for_room_in_a_middleware_is_told_that_there_is_none() {
    for recovery in [None, Some(Recovery::default())] {
        let io = configured(|config| {
            config.engine.max_buffered_bytes = LIMIT;
            config.recovery = recovery;
        });
        io.middleware(async |socket: Socket| {
            for event in 0..100 {
                if let Err(error) = socket.emit_when_ready("e", numbered(event)).await {
                    return Err(format!("{event}: {error}"));
                }
            }
            Ok(())
        });
        let mut peer = Peer::open(serve(&io).await).await;
        peer.send("0").await;
        let refusal = peer.recv().await;
        assert!(refusal.contains("too many bytes wait for this peer"), "{refusal}");
    }
}

#[tokio::test]
async fn a_parent_waits_for_the_sockets_of_all_of_its_children() {
    let io = configured(|config| config.engine.max_buffered_bytes = LIMIT);
    let parent = io.of_pattern("/t-*");
    let addr = serve(&io).await;
    let mut pollers = Vec::new();
    for name in ["/t-1", "/t-2"] {
        let mut poller = Poller::open(addr).await;
        poller.send(&format!("0{name},")).await;
        poller.recv().await;
        pollers.push(poller);
    }
    parent.emit("e", "x".repeat(LIMIT)).unwrap();
    let late = parent.emit_within(Duration::from_millis(20), "late", ()).await.unwrap();
    assert_eq!(late.len(), 2);
    let waits = tokio::spawn(async move { parent.emit_when_ready("all", ()).await });
    // Whichever reads first need not wait for the other.
    for (poller, name) in pollers.iter_mut().zip(["/t-1", "/t-2"]) {
        assert_eq!(poller.recv().await.len(), 1);
        let packets = poller.recv().await;
        assert_eq!(packets, [format!(r#"2{name},["all"]"#)]);
        if name == "/t-1" {
            assert!(!waits.is_finished());
        }
    }
    soon(waits).await.unwrap().unwrap();
}

#[tokio::test]
async fn with_recovery_a_broadcast_waits_for_all_and_is_sent_in_order() {
    let (io, mut poller, slow, mut peer, _) =
        hall(|config| config.recovery = Some(Recovery::default())).await;
    slow.emit("e", "x".repeat(LIMIT)).unwrap();
    assert!(matches!(slow.emit("f", ()), Err(EmitError::Full)));
    let late = io.emit_within(Duration::from_millis(20), "late", ()).await.unwrap();
    assert_eq!(late, [slow.id()]);
    assert!(peer.recv().await.starts_with(r#"2["late","#));
    let everyone = io.clone();
    let waits = tokio::spawn(async move { everyone.emit_when_ready("all", ()).await });
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    poller.recv().await;
    soon(waits).await.unwrap().unwrap();
    assert!(peer.recv().await.starts_with(r#"2["all","#));
    assert!(poller.recv().await[0].starts_with(r#"2["all","#));
    assert!(slow.connected());
}
