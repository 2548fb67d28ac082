//! What a hostile client may try on this floor, and that it costs little and harms nobody else. The floor below has
//! `tests/engineio/attacks.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sio::packet::{Decode, DecodeError, EncodeError, Frame, Limits, Packet, Parser};
use sio::server::{
    Auth, Data, DisconnectReason, HandlerError, Io, NamespaceRequest, Recovery, Socket,
};
use tokio::sync::{Semaphore, mpsc};

use crate::peer::{Peer, configured, serve, soon};
use crate::poller::Poller;

/// A server whose sockets answer `ping`, and that answers events with binary data.
fn echo(change: impl FnOnce(&mut sio::server::Config)) -> Io {
    let io = configured(change);
    for namespace in [io.of("/"), io.of("/admin")] {
        namespace.on_connect(async |socket: Socket| {
            socket.on("ping", async || "pong");
            socket.on("blob", async |Data((bytes, more)): Data<(Bytes, Value)>| (bytes, more));
        });
    }
    io
}

async fn is_served(peer: &mut Peer) {
    peer.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
}

/// How many of something are there at the same time, and were at most.
#[derive(Clone, Default)]
struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

impl Gauge {
    fn enter(&self) -> impl Drop + use<> {
        struct Leave(Gauge);
        impl Drop for Leave {
            fn drop(&mut self) {
                self.0.0.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        Leave(self.clone())
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn joins_that_are_given_up_while_a_middleware_thinks_do_not_pile_up() {
    let io = echo(|config| config.max_namespaces = 4);
    let (gauge, go) = (Gauge::default(), Arc::new(Semaphore::new(0)));
    let (inside, gate) = (gauge.clone(), go.clone());
    io.of("/admin").middleware(async move || {
        let _inside = inside.enter();
        let _ = gate.acquire().await;
        Ok::<_, &str>(())
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for _ in 0..200 {
        peer.send("0/admin,").await;
        peer.send("1/admin,").await;
    }
    // The first few are let in as far as the middleware, the others are told that they are too many.
    assert_eq!(peer.recv().await, r#"4/admin,{"message":"Too many namespaces"}"#);
    go.add_permits(1000);
    loop {
        peer.send(r#"20["ping"]"#).await;
        if peer.recv().await == r#"30["pong"]"# {
            break;
        }
    }
    // That of `/` is one of the eight.
    assert_eq!(gauge.most(), 7);
    // And when they are over it may join again.
    loop {
        peer.send("0/admin,").await;
        let mut answer = peer.recv().await;
        while answer == r#"30["pong"]"# || answer.starts_with("4/admin,") {
            if answer.starts_with("4/admin,") {
                break;
            }
            answer = peer.recv().await;
        }
        if answer.starts_with("0/admin,") {
            break;
        }
    }
}

/// Who leaves takes the place of its handlers along only when they have returned.
#[tokio::test]
async fn handlers_of_sockets_that_were_left_do_not_pile_up() {
    let io = echo(|config| config.max_namespaces = 4);
    let (gauge, go) = (Gauge::default(), Arc::new(Semaphore::new(0)));
    let (inside, gate) = (gauge.clone(), go.clone());
    io.of("/admin").on_connect(async move |socket: Socket| {
        socket.on("slow", async move || {
            let _inside = inside.enter();
            let _ = gate.acquire().await;
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    let mut joined = 0;
    for _ in 0..50 {
        peer.send("0/admin,").await;
        let answer = peer.recv().await;
        if answer.starts_with("4/admin,") {
            continue;
        }
        joined += 1;
        peer.send(r#"2/admin,["slow"]"#).await;
        peer.send("1/admin,").await;
    }
    // That of `/` is one of the eight.
    assert_eq!((joined, gauge.most()), (7, 7));
    go.add_permits(1000);
    is_served(&mut peer).await;
    peer.send("0/admin,").await;
    peer.granted("0/admin,").await;
}

#[tokio::test]
async fn a_join_that_was_given_up_does_not_take_the_seat_of_the_next_one() {
    let io = echo(|_| ());
    let (asked, first, second) =
        (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (ask, gates) = (asked.clone(), [first.clone(), second.clone()]);
    let parent = io.of_dynamic(move |request: NamespaceRequest| {
        let who: usize = request.auth::<Value>().unwrap()["who"].as_u64().unwrap() as usize;
        let (ask, gate) = (ask.clone(), gates[who - 1].clone());
        async move {
            ask.add_permits(1);
            gate.acquire().await.is_ok()
        }
    });
    let (sender, mut connected) = mpsc::unbounded_channel();
    parent.on_connect(async move |Auth(who): Auth<Value>| sender.send(who).unwrap());
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send(r#"0/x,{"who":1}"#).await;
    soon(asked.acquire()).await.unwrap().forget();
    peer.send("1/x,").await;
    peer.send(r#"0/x,{"who":2}"#).await;
    soon(asked.acquire()).await.unwrap().forget();
    first.add_permits(1);
    // Nothing comes of the one that was given up.
    is_served(&mut peer).await;
    is_served(&mut peer).await;
    second.add_permits(1);
    peer.granted("0/x,").await;
    assert_eq!(soon(connected.recv()).await.unwrap()["who"], 2);
}

#[tokio::test]
async fn names_of_namespaces_that_clients_make_are_not_longer_than_a_kilobyte() {
    let io = Io::new();
    let parent = io.of_pattern("/*");
    let mut peer = Peer::open(serve(&io).await).await;
    let (long, longest) = (format!("/{}", "x".repeat(1024)), format!("/{}", "x".repeat(1023)));
    peer.asks(&format!("0{long},"), &format!(r#"4{long},{{"message":"Invalid namespace"}}"#)).await;
    assert!(parent.children().is_empty());
    peer.send(&format!("0{longest},")).await;
    peer.granted(&format!("0{longest},")).await;
}

/// Who is refused has joined nothing, and may not stay for ever.
#[tokio::test]
async fn rule_25_who_is_refused_by_a_middleware_is_closed_in_time() {
    let io = configured(|config| config.connect_timeout = Duration::from_millis(200));
    io.middleware(
        async |Auth(who): Auth<Value>| {
            if who["token"] == "good" { Ok(()) } else { Err("no") }
        },
    );
    let addr = serve(&io).await;
    let mut refused = Peer::open(addr).await;
    refused.asks("0", r#"4{"message":"no"}"#).await;
    let mut second_try = Peer::open(addr).await;
    second_try.asks("0", r#"4{"message":"no"}"#).await;
    second_try.send(r#"0{"token":"good"}"#).await;
    second_try.granted("0").await;
    refused.is_closed().await;
    second_try.asks("0/random", r#"4/random,{"message":"Invalid namespace"}"#).await;
}

/// Each packet of a conversation, ending at each of its bytes: the connection goes on or is closed, and nobody else notices.
#[tokio::test]
async fn packets_cut_at_every_byte_harm_nobody_else() {
    let io = echo(|_| ());
    let addr = serve(&io).await;
    let mut bystander = Peer::join(addr).await;
    for packet in [
        r#"0/admin,{"token":"a\u00e9b"}"#,
        r#"2/admin,17["event",{"a":[1,-2.5e3,null,true]},"x\"y"]"#,
        r#"52-/admin,["blob",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]"#,
        "3/admin,12[1]",
        "1/admin,",
    ] {
        for end in 0..packet.len() {
            if !packet.is_char_boundary(end) {
                continue;
            }
            let mut peer = Peer::join(addr).await;
            if !packet.starts_with('0') {
                peer.send("0/admin,").await;
                peer.granted("0/admin,").await;
            }
            peer.send(&packet[..end]).await;
            peer.vanish();
        }
        is_served(&mut bystander).await;
    }
    // What was begun and not ended is gone with who began it.
    while io.sockets().len() > 1 || !io.of("/admin").sockets().is_empty() {
        is_served(&mut bystander).await;
    }
}

#[tokio::test]
async fn half_packets_by_the_hundred_are_bounded_by_their_bytes() {
    let io = echo(|config| config.limits.max_attachment_bytes = 10_000);
    let addr = serve(&io).await;
    let mut bystander = Peer::join(addr).await;
    let mut peers = Vec::new();
    for _ in 0..100 {
        let mut peer = Peer::join(addr).await;
        peer.send(r#"510-["blob",{"_placeholder":true,"num":0},{"_placeholder":true,"num":9}]"#)
            .await;
        peer.send_binary(&[7; 9_999]).await;
        peers.push(peer);
    }
    is_served(&mut bystander).await;
    for peer in &mut peers {
        peer.send_binary(&[7; 9_999]).await;
        peer.is_closed().await;
    }
    is_served(&mut bystander).await;
}

#[tokio::test]
async fn floods_of_what_nobody_waits_for_cost_nobody_else_anything() {
    let io = echo(|_| ());
    let addr = serve(&io).await;
    let (mut peer, mut bystander) = (Peer::join(addr).await, Peer::join(addr).await);
    let deep = format!(r#"2["x",{}0{}]"#, "[".repeat(126), "]".repeat(126));
    for number in 0..2_000_u32 {
        peer.send(&format!(r#"3{number}["an answer to nothing"]"#)).await;
        peer.send(&format!(r#"2["nobody listens",{number}]"#)).await;
        peer.send(&format!("0/no-such-{number},")).await;
        peer.send(&deep).await;
        let refusal = format!(r#"4/no-such-{number},{{"message":"Invalid namespace"}}"#);
        assert_eq!(peer.recv().await, refusal);
        if number % 100 == 0 {
            is_served(&mut bystander).await;
        }
    }
    is_served(&mut peer).await;
    let too_deep = format!(r#"2["x",{}0{}]"#, "[".repeat(128), "]".repeat(128));
    peer.send(&too_deep).await;
    peer.is_closed().await;
    is_served(&mut bystander).await;
}

/// A client that asks and asks, and never reads, would wait for answers that it can't get.
#[tokio::test]
async fn who_wants_answers_and_reads_none_is_closed() {
    let io = echo(|config| config.engine.max_buffered_bytes = 1000);
    let (sender, mut ended) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        socket.on_disconnect(async move |reason: DisconnectReason| sender.send(reason).unwrap());
    });
    let (failed, mut failures) = mpsc::unbounded_channel();
    io.on_error(move |_, _, error| _ = failed.send(matches!(error, HandlerError::Answer(_))));
    let addr = serve(&io).await;
    let mut bystander = Peer::join(addr).await;
    let mut poller = Poller::join(addr).await;
    for number in 0..200 {
        poller.post(&format!(r#"42{number}["ping"]"#)).await;
    }
    assert!(soon(failures.recv()).await.unwrap());
    let (_, answers) = poller.get().await;
    assert!(answers.len() < 2000 && answers.starts_with(r#"430["pong"]"#), "{answers}");
    assert_eq!(poller.get().await, (200, "1".to_owned()));
    assert_eq!(soon(ended.recv()).await, Some(DisconnectReason::ForcedServerClose));
    is_served(&mut bystander).await;
}

/// Panics when it is to write an event with a certain name.
#[derive(Debug)]
struct Touchy;

impl Parser for Touchy {
    fn encode(&self, packet: &Packet) -> Result<Vec<Frame>, EncodeError> {
        assert!(packet.event.as_deref() != Some("bad"), "a bug of the application");
        let data = packet.payload.to_string();
        Ok(vec![Frame::Text(format!("{}{data}", packet.kind.digit()))])
    }

    fn decoder(&self, _: &Limits) -> Box<dyn Decode> {
        Box::new(Self)
    }
}

impl Decode for Touchy {
    fn text(&mut self, text: &str) -> Result<Option<Packet>, DecodeError> {
        assert!(!text.contains("panic"), "a bug of the application");
        Packet::from_encoded(text, Vec::new()).map(Some)
    }

    fn binary(&mut self, _: &[u8]) -> Result<Option<Packet>, DecodeError> {
        Err(DecodeError::UnannouncedBinary)
    }
}

#[tokio::test]
async fn a_parser_that_panics_loses_its_packet_and_no_other() {
    let io = configured(|config| {
        config.parser = Some(Arc::new(Touchy));
        config.recovery = Some(Recovery::default());
    });
    let addr = serve(&io).await;
    let (mut peer, mut other) = (Peer::join(addr).await, Peer::join(addr).await);
    let emitter = io.clone();
    let bad = tokio::spawn(async move { emitter.emit("bad", ()) }).await;
    assert!(bad.is_ok(), "{bad:?}");
    io.emit("good", ()).unwrap();
    assert!(peer.recv().await.starts_with(r#"2["good""#));
    assert!(other.recv().await.starts_with(r#"2["good""#));
    peer.send(r#"2["panic"]"#).await;
    peer.is_closed().await;
    io.emit("still here", ()).unwrap();
    assert!(other.recv().await.starts_with(r#"2["still here""#));
}

/// xorshift: always the same fall.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }
}

/// What a client may say, good and bad.
const PACKETS: [&str; 26] = [
    "0",
    "0/admin,",
    r#"0/t-1,{"token":1}"#,
    r#"0/t-2,{"pid":"guessed-guessed-guess","offset":"1"}"#,
    "0/none,",
    "1",
    "1/admin,",
    "1/t-1,",
    "1/t-2,",
    r#"20["ping"]"#,
    r#"2/admin,1["ping"]"#,
    r#"2/t-1,2["slow"]"#,
    r#"2/t-1,["tell",1]"#,
    r#"2/t-2,3["ask"]"#,
    r#"2/t-2,["out"]"#,
    r#"2/t-1,4["out all"]"#,
    r#"52-5["blob",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
    r#"51-["blob",{"_placeholder":true,"num":7}]"#,
    "30[1]",
    "3/t-2,0[1]",
    "3/t-2,1[\"x\"]",
    r#"2["connect"]"#,
    r#"2/t-1,["e",{}"#,
    r#"4{"message":"x"}"#,
    "9",
    r#"2/t-2,5["fail",[[[[1]]]]]"#,
];

/// Conversations by dice, with slow and failing handlers, recovery and namespaces of their own: nobody else notices, and in the end
/// nothing is left of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_of_dice_harm_nobody_and_leave_nothing() {
    let mut recovery = Recovery::default();
    recovery.max_disconnection = Duration::from_millis(200);
    let io = echo(|config| {
        config.max_namespaces = 3;
        config.handler_concurrency = 2;
        config.recovery = Some(recovery);
    });
    let parent = io.of_pattern("/t-*");
    parent.middleware(async |Auth(auth): Auth<Option<Value>>| {
        tokio::task::yield_now().await;
        if auth.is_some_and(|auth| auth["token"] == 0) { Err("no") } else { Ok(()) }
    });
    parent.on_connect(async |socket: Socket| {
        socket.join("all");
        socket.on("slow", async || tokio::time::sleep(Duration::from_millis(1)).await);
        socket.on("tell", async |socket: Socket, Data(what): Data<Value>| {
            socket.namespace().to("all").emit("told", what)
        });
        socket.on("ask", async |socket: Socket| {
            socket.timeout(Duration::from_millis(5)).emit_with_ack::<Value>("q", ()).await.ok()
        });
        socket.on("out", async |socket: Socket| socket.disconnect(true));
        socket.on("out all", async |socket: Socket| {
            socket.namespace().disconnect_sockets(false);
        });
        socket.on("fail", async |Data(number): Data<u8>| number);
        socket.on_disconnect(async |socket: Socket| socket.namespace().emit("gone", ()));
    });
    let addr = serve(&io).await;
    let mut bystander = Peer::join(addr).await;
    let mut talks = tokio::task::JoinSet::new();
    for seed in 1..=300_u64 {
        talks.spawn(async move {
            let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
            let mut socket = soon(ws::connect(&url)).await.unwrap();
            for _ in 0..40 {
                let said = match dice.roll(20) {
                    0 => socket.send(vec![7; 100]).await,
                    1 => socket.send("3").await,
                    // The first half of them are good.
                    _ => {
                        let sides = if dice.roll(8) == 0 { PACKETS.len() } else { 15 };
                        socket.send(format!("4{}", PACKETS[dice.roll(sides)])).await
                    }
                };
                if said.is_err() {
                    return;
                }
                if dice.roll(4) == 0 {
                    let _ = tokio::time::timeout(Duration::from_millis(1), socket.recv()).await;
                }
            }
            if dice.roll(2) == 0 {
                socket.close(ws::CloseCode::NORMAL, "").await;
            }
        });
    }
    while let Some(ended) = talks.join_next().await {
        ended.unwrap();
        if talks.len() % 50 == 0 {
            is_served(&mut bystander).await;
        }
    }
    soon(async {
        while io.session_count() > 1 || io.sockets().len() > 1 || !parent.children().is_empty() {
            is_served(&mut bystander).await;
        }
    })
    .await;
    assert!(io.of("/admin").sockets().is_empty());
}
