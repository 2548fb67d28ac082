//! Connection state recovery (rule 29), by hand: the wire, and what the reference does wrong.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sio::server::{Auth, Data, Io, Recovery, Socket};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::peer::{Peer, configured, serve, soon};

/// A server that restores, with an event to join a room.
fn recovering(change: impl FnOnce(&mut Recovery)) -> Io {
    let mut recovery = Recovery::default();
    change(&mut recovery);
    let io = configured(|config| config.recovery = Some(recovery));
    io.on_connect(async |socket: Socket| {
        socket.on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room));
        socket.on("keep", async |socket: Socket, Data(data): Data<Value>| socket.set_data(&data));
        socket.on("state", async |socket: Socket| {
            let rooms: Vec<_> = socket.rooms().iter().map(|room| room.to_string()).collect();
            (socket.recovered(), rooms, socket.data::<Value>().unwrap())
        });
    });
    io
}

/// Joins, and gives the public and the private id.
async fn join(peer: &mut Peer, packet: &str) -> (String, String) {
    peer.send(packet).await;
    let granted = peer.recv().await;
    identity(&granted)
}

fn identity(granted: &str) -> (String, String) {
    let payload: Value = serde_json::from_str(granted.strip_prefix('0').unwrap()).unwrap();
    let text = |name: &str| payload[name].as_str().unwrap().to_owned();
    (text("sid"), text("pid"))
}

/// The event, and its offset.
async fn event(peer: &mut Peer) -> (Value, String) {
    let packet = peer.recv().await;
    let mut arguments: Vec<Value> =
        serde_json::from_str(packet.strip_prefix('2').unwrap()).unwrap();
    let offset = arguments.pop().unwrap().as_str().unwrap().to_owned();
    (arguments.into(), offset)
}

/// Waits until the server knows that nobody is there.
async fn gone(io: &Io) {
    while !io.sockets().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn rule_29_what_was_missed_comes_before_the_grant_and_the_state_is_as_it_was() {
    let io = recovering(|_| ());
    let addr = serve(&io).await;
    let mut peer = Peer::open(addr).await;
    let (sid, pid) = join(&mut peer, "0").await;
    assert_ne!(sid, pid);
    peer.asks(r#"20["join","a"]"#, "30[true]").await;
    peer.asks(r#"20["keep",{"name":"x"}]"#, "30[]").await;
    io.emit("seen", ()).unwrap();
    let (_, offset) = event(&mut peer).await;
    peer.vanish();
    gone(&io).await;
    io.to("a").emit("missed", 1).unwrap();
    io.to("b").emit("not meant", ()).unwrap();
    io.except("a").emit("not meant", ()).unwrap();
    io.to(&*sid).emit("missed", "two").unwrap();
    io.volatile().emit("volatile", ()).unwrap();

    let mut peer = Peer::open(addr).await;
    peer.send(&format!(r#"0{{"pid":"{pid}","offset":"{offset}"}}"#)).await;
    assert_eq!(event(&mut peer).await.0, json!(["missed", 1]));
    let (second, last) = event(&mut peer).await;
    assert_eq!(second, json!(["missed", "two"]));
    assert_eq!(identity(&peer.recv().await), (sid, pid));
    peer.asks(r#"20["state"]"#, r#"30[true,["a"],{"name":"x"}]"#).await;
    io.to("a").emit("live", ()).unwrap();
    let (live, next) = event(&mut peer).await;
    assert_eq!(live, json!(["live"]));
    assert_ne!(next, last);
}

#[tokio::test]
async fn rule_29_a_private_id_works_once_and_is_worth_nothing_with_a_false_offset() {
    let io = recovering(|_| ());
    let addr = serve(&io).await;
    for offset in [r#","offset":"ffff""#, r#","offset":"x""#, ""] {
        let mut peer = Peer::open(addr).await;
        let (sid, pid) = join(&mut peer, "0").await;
        peer.vanish();
        gone(&io).await;
        let mut back = Peer::open(addr).await;
        let (again, _) = join(&mut back, &format!(r#"0{{"pid":"{pid}"{offset}}}"#)).await;
        // Without an offset the client has seen nothing, which is fine.
        assert_eq!(again == sid, offset.is_empty(), "{offset}");
        if again == sid {
            let mut thief = Peer::open(addr).await;
            let (other, _) = join(&mut thief, &format!(r#"0{{"pid":"x{pid}"}}"#)).await;
            assert_ne!(other, sid);
        }
        back.vanish();
        gone(&io).await;
    }
}

#[tokio::test]
async fn rule_29_a_live_connection_is_taken_over() {
    let io = recovering(|_| ());
    let addr = serve(&io).await;
    let mut old = Peer::open(addr).await;
    let (sid, pid) = join(&mut old, "0").await;
    old.asks(r#"20["join","a"]"#, "30[true]").await;
    let mut new = Peer::open(addr).await;
    let (again, _) = join(&mut new, &format!(r#"0{{"pid":"{pid}"}}"#)).await;
    assert_eq!(again, sid);
    old.is_closed().await;
    io.to("a").emit("once", ()).unwrap();
    assert_eq!(event(&mut new).await.0, json!(["once"]));
    assert_eq!(io.sockets().len(), 1);
}

#[tokio::test]
async fn rule_29_who_was_put_out_or_left_is_not_restored() {
    let io = recovering(|_| ());
    let addr = serve(&io).await;
    for leaves in [true, false] {
        let mut peer = Peer::open(addr).await;
        let (sid, pid) = join(&mut peer, "0").await;
        if leaves {
            peer.send("1").await;
        } else {
            io.disconnect_sockets(false);
            assert_eq!(peer.recv().await, "1");
        }
        gone(&io).await;
        let mut back = Peer::open(addr).await;
        assert_ne!(join(&mut back, &format!(r#"0{{"pid":"{pid}"}}"#)).await.0, sid);
        back.vanish();
        gone(&io).await;
    }
}

#[tokio::test]
async fn rule_29_events_without_offset_do_not_end_with_a_string() {
    let io = recovering(|_| ());
    let (sender, mut sockets) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| sender.send(socket).unwrap());
    let mut peer = Peer::open(serve(&io).await).await;
    join(&mut peer, "0").await;
    let socket = soon(sockets.recv()).await.unwrap();
    socket.volatile().emit("v", "text").unwrap();
    assert_eq!(peer.recv().await, r#"2["v","text",null]"#);
    io.volatile().emit("v", ("text", 1)).unwrap();
    assert_eq!(peer.recv().await, r#"2["v","text",1]"#);
    let _answer = socket.emit_with_ack::<()>("asks", "text");
    assert_eq!(peer.recv().await, r#"20["asks","text"]"#, "its last argument is the callback");
    socket.emit("kept", "text").unwrap();
    assert_eq!(event(&mut peer).await.0, json!(["kept", "text"]));
}

#[tokio::test]
async fn middleware_is_asked_again_unless_it_may_be_skipped() {
    for skips in [false, true] {
        let io = recovering(|recovery| recovery.skip_middlewares = skips);
        io.middleware(async |socket: Socket, Auth(auth): Auth<Value>| {
            if auth["banned"] == true { Err("banned") } else { socket.set_data(&1).map_err(|_| "") }
        });
        let addr = serve(&io).await;
        let mut peer = Peer::open(addr).await;
        let (sid, pid) = join(&mut peer, "0").await;
        peer.vanish();
        gone(&io).await;
        let mut back = Peer::open(addr).await;
        back.send(&format!(r#"0{{"pid":"{pid}","banned":true}}"#)).await;
        let answer = back.recv().await;
        match skips {
            true => assert_eq!(identity(&answer).0, sid),
            false => assert_eq!(answer, r#"4{"message":"banned"}"#),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_expire_in_time() {
    let io = recovering(|recovery| recovery.max_disconnection = Duration::from_millis(50));
    let (sender, mut expired) = mpsc::unbounded_channel();
    io.of("/").on_recovery_expired(move |session| {
        sender.send((session.id.to_string(), session.rooms.clone())).unwrap();
    });
    let mut peer = Peer::open(serve(&io).await).await;
    let (sid, _) = join(&mut peer, "0").await;
    peer.asks(r#"20["join","a"]"#, "30[true]").await;
    peer.vanish();
    assert_eq!(soon(expired.recv()).await.unwrap(), (sid, vec!["a".into()]));
}

/// A client that loses its connection after every few events, and comes back.
async fn wanderer(addr: SocketAddr, ready: Arc<Semaphore>) -> Vec<(u64, u64)> {
    let mut peer = Peer::open(addr).await;
    let (sid, pid) = join(&mut peer, "0").await;
    ready.add_permits(1);
    let (mut seen, mut last, mut stays) = (Vec::new(), String::new(), 0);
    loop {
        for _ in 0..stays {
            if !take(&peer.recv().await, &mut seen, &mut last) {
                return seen;
            }
        }
        stays = stays % 5 + 1;
        peer.vanish();
        peer = Peer::open(addr).await;
        let offset = if last.is_empty() { String::new() } else { format!(r#","offset":"{last}""#) };
        peer.send(&format!(r#"0{{"pid":"{pid}"{offset}}}"#)).await;
        loop {
            let packet = peer.recv().await;
            if packet.starts_with('0') {
                assert_eq!(identity(&packet).0, sid, "it was not restored");
                break;
            }
            if !take(&packet, &mut seen, &mut last) {
                return seen;
            }
        }
    }
}

/// Notes an event and its offset; `false` for the last one.
fn take(packet: &str, seen: &mut Vec<(u64, u64)>, last: &mut String) -> bool {
    let arguments: Vec<Value> = serde_json::from_str(packet.strip_prefix('2').unwrap()).unwrap();
    let [name, numbers @ .., offset] = &arguments[..] else { panic!("{packet}") };
    *last = offset.as_str().unwrap().to_owned();
    if name == "end" {
        return false;
    }
    seen.push((numbers[0].as_u64().unwrap(), numbers[1].as_u64().unwrap()));
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_29_nothing_is_lost_or_doubled_or_out_of_order_while_connections_come_and_go() {
    const EVENTS: u64 = 300;
    const SPEAKERS: u64 = 3;
    let io = recovering(|_| ());
    let addr = serve(&io).await;
    let ready = Arc::new(Semaphore::new(0));
    let wanderers: Vec<_> = (0..3).map(|_| tokio::spawn(wanderer(addr, ready.clone()))).collect();
    let _all = ready.acquire_many(3).await.unwrap();
    let speakers: Vec<_> = (0..SPEAKERS)
        .map(|speaker| {
            let io = io.clone();
            tokio::spawn(async move {
                for number in 0..EVENTS {
                    io.emit("e", (speaker, number)).unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for speaker in speakers {
        speaker.await.unwrap();
    }
    io.emit("end", ()).unwrap();
    for wanderer in wanderers {
        let seen = timeout(Duration::from_secs(60), wanderer).await.unwrap().unwrap();
        for speaker in 0..SPEAKERS {
            let numbers = seen.iter().filter(|(who, _)| *who == speaker).map(|(_, number)| *number);
            assert!(numbers.eq(0..EVENTS), "{speaker}: {seen:?}");
        }
    }
}
