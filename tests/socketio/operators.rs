//! How events are sent: operators, waiting for room, answers one by one, and nothing after the goodbye.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use sio::packet::{Args, Value as Any};
use sio::server::{EmitError, Io, SlowReceiver, Socket};
use tokio::sync::mpsc;

use crate::peer::{Peer, configured, serve, soon};

/// Gives the sockets that connect.
fn sockets(io: &Io) -> mpsc::UnboundedReceiver<Socket> {
    let (sender, receiver) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        let _ = sender.send(socket);
    });
    receiver
}

#[tokio::test]
async fn a_socket_s_operators_may_be_chained_in_any_order_and_lead_to_broadcasts() {
    let io = Io::new();
    let mut connected = sockets(&io);
    let addr = serve(&io).await;
    let (mut first, mut second) = (Peer::join(addr).await, Peer::join(addr).await);
    let socket = soon(connected.recv()).await.unwrap();
    soon(connected.recv()).await.unwrap().join("a");
    let time = Duration::from_secs(5);
    socket.compress(false).timeout(time).emit("e", 1).unwrap();
    assert_eq!(first.recv().await, r#"2["e",1]"#);
    let answer = socket.timeout(time).compress(false).emit_with_ack::<u32>("q", ());
    assert_eq!(first.recv().await, r#"20["q"]"#);
    first.send("30[7]").await;
    assert_eq!(soon(answer).await.unwrap(), 7);
    socket.compress(false).to("a").local().volatile().emit("b", 2).unwrap();
    socket.timeout(time).volatile().broadcast().except("nobody").emit("b", 3).unwrap();
    for expected in [r#"2["b",2]"#, r#"2["b",3]"#] {
        assert_eq!(second.recv().await, expected);
    }
}

#[tokio::test]
async fn arguments_of_any_number_and_kind_can_be_sent() {
    let io = Io::new();
    let mut peer = Peer::join(serve(&io).await).await;
    io.emit("list", Args(vec![1, 2, 3])).unwrap();
    io.emit("none", Args::<u8>(Vec::new())).unwrap();
    let file = Any::from_iter([("data", Any::from(vec![1, 2])), ("name", "x".into())]);
    io.emit("file", Args(vec![file, Any::Null])).unwrap();
    assert_eq!(peer.recv().await, r#"2["list",1,2,3]"#);
    assert_eq!(peer.recv().await, r#"2["none"]"#);
    assert_eq!(
        peer.recv().await,
        r#"51-["file",{"data":{"_placeholder":true,"num":0},"name":"x"},null]"#
    );
    assert_eq!(peer.recv_binary().await, [1, 2]);
}

#[tokio::test]
async fn answers_come_one_by_one_and_together_with_those_that_do_not_come() {
    let io = Io::new();
    let mut connected = sockets(&io);
    let addr = serve(&io).await;
    let mut peers = [Peer::join(addr).await, Peer::join(addr).await, Peer::join(addr).await];
    for _ in 0..3 {
        soon(connected.recv()).await.unwrap();
    }
    let mut answers = io.emit_with_ack::<String>("q", ());
    assert_eq!(answers.remaining(), 3);
    for peer in &mut peers {
        assert_eq!(peer.recv().await, r#"20["q"]"#);
    }
    peers[1].send(r#"30["one"]"#).await;
    assert_eq!(soon(answers.next()).await.unwrap().unwrap().answer.unwrap(), "one");
    peers[0].send("30[0]").await;
    let misfit = soon(StreamExt::next(&mut answers)).await.unwrap().answer;
    assert!(matches!(misfit, Err(EmitError::Answer(_))), "{misfit:?}");
    let [_, _, third] = peers;
    third.vanish();
    let gone = soon(answers.next()).await.unwrap().unwrap().answer;
    assert!(matches!(gone, Err(EmitError::Disconnected)), "{gone:?}");
    assert!(soon(answers.next()).await.unwrap().is_none());

    let late = soon(io.timeout(Duration::from_millis(10)).emit_with_ack::<u8>("q", ())).await;
    let late = late.unwrap();
    assert_eq!(late.len(), 2);
    assert!(late.iter().all(|ack| matches!(ack.answer, Err(EmitError::Timeout))), "{late:?}");
    let failed = io.emit_with_ack::<u8>("disconnect", ()).next().await;
    assert!(matches!(failed, Err(EmitError::Encode(_))), "{failed:?}");
}

#[tokio::test]
async fn whoever_gives_up_on_answers_is_not_remembered() {
    let io = configured(|config| config.max_pending_acks = 2);
    let mut connected = sockets(&io);
    let _peer = Peer::join(serve(&io).await).await;
    let socket = soon(connected.recv()).await.unwrap();
    for _ in 0..10 {
        drop(io.emit_with_ack::<Value>("q", ()));
        drop(socket.emit_with_ack::<Value>("q", ()));
    }
    let (_one, _two) = (io.emit_with_ack::<Value>("q", ()), io.emit_with_ack::<Value>("q", ()));
    let refused = soon(io.emit_with_ack::<Value>("q", ())).await.unwrap();
    assert!(matches!(refused[0].answer, Err(EmitError::TooManyAcks)), "{refused:?}");
}

#[tokio::test]
async fn who_waits_for_room_sends_all_and_who_waits_until_gives_up() {
    let io = configured(|config| config.engine.max_buffered_bytes = 1 << 16);
    let mut connected = sockets(&io);
    let mut peer = Peer::join(serve(&io).await).await;
    let socket = soon(connected.recv()).await.unwrap();
    let blob = "x".repeat(1 << 16);
    let mut sent = 0;
    // The system's buffers take some of it first.
    loop {
        match socket.emit("blob", (sent, &blob)) {
            Ok(()) => sent += 1,
            Err(EmitError::Full) if socket.buffered_bytes() >= 1 << 16 => {
                tokio::task::yield_now().await;
                if matches!(socket.emit("probe", ()), Err(EmitError::Full)) {
                    break;
                }
                sent += 1;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < 10_000, "nothing fills the buffer");
    }
    let late = socket.emit_within(Duration::from_millis(20), "late", ()).await;
    assert!(matches!(late, Err(EmitError::Full)), "{late:?}");
    let waits = tokio::spawn({
        let socket = socket.clone();
        async move { socket.emit_when_ready("waited", ()).await }
    });
    for _ in 0..sent {
        peer.recv().await;
    }
    assert_eq!(peer.recv().await, r#"2["waited"]"#);
    soon(waits).await.unwrap().unwrap();
    soon(socket.drained()).await;
    assert_eq!(socket.buffered_bytes(), 0);
}

#[tokio::test]
async fn a_slow_receiver_may_be_left_out_instead_of_disconnected() {
    let io = configured(|config| {
        config.engine.max_buffered_bytes = 1 << 16;
        config.slow_receiver = SlowReceiver::Skip;
    });
    let addr = serve(&io).await;
    let (mut deaf, mut steady) = (Peer::join(addr).await, Peer::join(addr).await);
    let blob = "x".repeat(1 << 16);
    for number in 0..400 {
        io.emit("blob", (number, &blob)).unwrap();
        assert!(steady.recv().await.starts_with(&format!(r#"2["blob",{number},"#)));
    }
    assert_eq!(io.sockets().len(), 2);
    let mut heard = 0;
    loop {
        let packet = deaf.recv().await;
        if packet == r#"2["end"]"# {
            break;
        }
        heard += 1;
        // It is left out of this, too, until it has read enough.
        io.emit("end", ()).unwrap();
    }
    assert!(heard < 400, "nothing was left out");
}

/// Emits from two threads while the server puts the socket out: nothing comes after the goodbye.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_26_nothing_leaves_after_the_goodbye() {
    let io = Io::new();
    let mut connected = sockets(&io);
    let addr = serve(&io).await;
    for _ in 0..100 {
        let mut peer = Peer::join(addr).await;
        let socket = soon(connected.recv()).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let emitters: Vec<_> = (0..2)
            .map(|_| {
                let (socket, stop) = (socket.clone(), stop.clone());
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) && socket.emit("e", ()).is_ok() {}
                })
            })
            .collect();
        assert_eq!(peer.recv().await, r#"2["e"]"#);
        socket.disconnect(false);
        while peer.recv().await != "1" {}
        stop.store(true, Ordering::Relaxed);
        for emitter in emitters {
            emitter.join().unwrap();
        }
        peer.send("0").await;
        peer.granted("0").await;
        soon(connected.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_with_a_socket_and_its_rooms_is_seen_from_afar() {
    let io = Io::new();
    let mut connected = sockets(&io);
    let mut peer = Peer::join(serve(&io).await).await;
    let socket = soon(connected.recv()).await.unwrap();
    assert_eq!(socket.data::<Option<u8>>().unwrap(), None);
    socket.set_data(&json!({ "name": "x" })).unwrap();
    io.sockets_join("a");
    let fetched = io.to("a").fetch_sockets().await;
    let [remote] = &fetched[..] else { panic!("{fetched:?}") };
    assert_eq!((remote.id(), remote.rooms()), (socket.id(), &["a".into()][..]));
    assert_eq!(remote.data::<Value>().unwrap(), json!({ "name": "x" }));
    assert_eq!(remote.handshake().query("EIO").as_deref(), Some("4"));
    remote.emit("e", ()).unwrap();
    remote.leave("a");
    remote.join("b");
    assert_eq!(socket.rooms(), ["b".into()]);
    assert_eq!(peer.recv().await, r#"2["e"]"#);
    remote.disconnect(true);
    assert_eq!(peer.recv().await, "1");
    peer.is_closed().await;
}
