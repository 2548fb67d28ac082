//! Namespaces that are made when a client asks for one, rule 25 while that is found out, and events of rooms.

use std::sync::{Arc, Mutex};

use sio::adapter::RoomEvent;
use sio::server::{Io, NamespaceRequest, Socket};
use tokio::sync::{Semaphore, mpsc};

use crate::peer::{Peer, serve, soon};

fn counting(io: &Io) -> Arc<Mutex<Vec<String>>> {
    let names = Arc::new(Mutex::new(Vec::new()));
    let log = names.clone();
    io.on_new_namespace(move |namespace| log.lock().unwrap().push(namespace.name().to_owned()));
    names
}

#[tokio::test]
async fn a_child_is_made_for_its_first_socket_and_gone_with_its_last() {
    let io = Io::new();
    let made = counting(&io);
    let tenants = io.of_pattern("/tenant-*");
    tenants.on_connect(async |socket: Socket| {
        socket.on("name", async |socket: Socket| socket.namespace_name().to_owned());
    });
    let addr = serve(&io).await;
    let (mut one, mut two) = (Peer::open(addr).await, Peer::open(addr).await);
    for peer in [&mut one, &mut two] {
        peer.send("0/tenant-1,").await;
        peer.granted("0/tenant-1,").await;
        peer.asks(r#"2/tenant-1,0["name"]"#, r#"3/tenant-1,0["/tenant-1"]"#).await;
    }
    assert_eq!(tenants.children().len(), 1);
    tenants.emit("all", ()).unwrap();
    for peer in [&mut one, &mut two] {
        assert_eq!(peer.recv().await, r#"2/tenant-1,["all"]"#);
    }
    one.send("1/tenant-1,").await;
    two.asks(r#"2/tenant-1,0["name"]"#, r#"3/tenant-1,0["/tenant-1"]"#).await;
    two.vanish();
    while !tenants.children().is_empty() {
        tokio::task::yield_now().await;
    }
    // Its seat is still known, and the name can be had again.
    one.send(r#"2/tenant-1,["late"]"#).await;
    one.send("0/tenant-1,").await;
    one.granted("0/tenant-1,").await;
    assert_eq!(*made.lock().unwrap(), ["/tenant-1", "/tenant-1"]);
    assert!(io.of("/fixed").sockets().is_empty());
    assert_eq!(made.lock().unwrap().last().unwrap(), "/fixed");
}

#[tokio::test]
async fn rule_26_what_no_parent_admits_is_refused_and_a_panic_admits_nobody() {
    let io = Io::new();
    io.of_dynamic(async |request: NamespaceRequest| {
        assert!(request.name() != "/panic", "on purpose");
        let auth: Option<String> =
            request.auth::<serde_json::Value>().unwrap()["key"].as_str().map(ToOwned::to_owned);
        auth.as_deref() == Some("yes")
    });
    let mut peer = Peer::open(serve(&io).await).await;
    peer.asks("0/x,", r#"4/x,{"message":"Invalid namespace"}"#).await;
    peer.asks("0/panic,", r#"4/panic,{"message":"Invalid namespace"}"#).await;
    peer.send(r#"0/x,{"key":"yes"}"#).await;
    peer.granted("0/x,").await;
    peer.send("0/x,").await;
    peer.is_closed().await;
}

/// A server whose function waits for `go`, and tells when it was asked.
fn slow(io: &Io) -> (Arc<Semaphore>, mpsc::UnboundedReceiver<()>) {
    let (go, (sender, asked)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let wait = go.clone();
    io.of_dynamic(move |_| {
        let (wait, sender) = (wait.clone(), sender.clone());
        async move {
            sender.send(()).unwrap();
            wait.acquire().await.unwrap().forget();
            true
        }
    });
    io.on_connect(async |socket: Socket| {
        socket.on("ping", async || "pong");
    });
    (go, asked)
}

#[tokio::test]
async fn rule_25_while_a_namespace_is_found_out_a_second_connect_or_an_event_ends_the_connection() {
    for packet in ["0/x,", r#"2/x,["e"]"#, "3/x,0[]"] {
        let io = Io::new();
        let (_go, mut asked) = slow(&io);
        let mut peer = Peer::join(serve(&io).await).await;
        peer.send("0/x,").await;
        soon(asked.recv()).await.unwrap();
        peer.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
        peer.send(packet).await;
        peer.is_closed().await;
    }
}

#[tokio::test]
async fn who_gives_up_before_the_namespace_is_found_is_not_let_in() {
    let io = Io::new();
    let (go, mut asked) = slow(&io);
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send("0/x,").await;
    soon(asked.recv()).await.unwrap();
    peer.send("1/x,").await;
    peer.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
    go.add_permits(1);
    peer.send("0/y,").await;
    soon(asked.recv()).await.unwrap();
    go.add_permits(1);
    peer.granted("0/y,").await;
    assert!(io.of("/x").sockets().is_empty());
}

#[tokio::test]
async fn events_of_rooms_are_told_and_may_use_the_rooms() {
    let io = Io::new();
    let (sender, mut events) = mpsc::unbounded_channel();
    let inside = io.clone();
    io.of("/").on_room_event(move |event| {
        let all = inside.sockets().len();
        sender.send((event.clone(), all)).unwrap();
    });
    io.on_connect(async |socket: Socket| socket.join("a"));
    let mut peer = Peer::open(serve(&io).await).await;
    peer.send("0").await;
    let id = sio::adapter::SocketId::parse(&peer.granted("0").await).unwrap();
    let room = || "a".into();
    assert_eq!(soon(events.recv()).await.unwrap(), (RoomEvent::Created(room()), 1));
    assert_eq!(soon(events.recv()).await.unwrap(), (RoomEvent::Joined(room(), id), 1));
    peer.vanish();
    assert_eq!(soon(events.recv()).await.unwrap(), (RoomEvent::Left(room(), id), 0));
    assert_eq!(soon(events.recv()).await.unwrap(), (RoomEvent::Deleted(room()), 0));
}
