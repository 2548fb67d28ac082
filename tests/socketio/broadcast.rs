//! Rooms and broadcasts.

use bytes::Bytes;
use sio::server::{Data, Io, Socket};

use crate::peer::{Peer, configured, serve};

/// A server with events to join, leave and speak, and three clients; the first two are in `a`, the last two in `b`.
async fn lobby(io: &Io) -> [Peer; 3] {
    io.on_connect(async |socket: Socket| {
        socket.on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room));
        socket.on("leave", async |socket: Socket, Data(room): Data<String>| socket.leave(room));
        socket.on("rooms", async |socket: Socket| {
            let mut rooms: Vec<_> = socket.rooms().iter().map(|room| room.to_string()).collect();
            rooms.sort();
            rooms
        });
        socket.on("to", async |socket: Socket, Data((room, what)): Data<(String, String)>| {
            socket.to(room).emit("said", what)
        });
        socket.on("all", async |socket: Socket, Data(what): Data<String>| {
            socket.broadcast().emit("said", what)
        });
        socket.on("end", async || ());
    });
    let addr = serve(io).await;
    let mut peers = [Peer::join(addr).await, Peer::join(addr).await, Peer::join(addr).await];
    for (peer, room) in [(0, "a"), (1, "a"), (1, "b"), (2, "b")] {
        peers[peer].asks(&format!(r#"20["join","{room}"]"#), "30[true]").await;
    }
    peers
}

/// What each has got since the last time.
async fn heard(peers: &mut [Peer; 3]) -> [Vec<String>; 3] {
    let mut all = [const { Vec::new() }; 3];
    for (peer, heard) in peers.iter_mut().zip(&mut all) {
        peer.send(r#"29["end"]"#).await;
        loop {
            match peer.recv().await.as_str() {
                "39[]" => break,
                packet => heard.push(packet.replacen(r#"2["said",""#, "", 1).replace(r#""]"#, "")),
            }
        }
    }
    all
}

fn is(heard: &[Vec<String>; 3], expected: [&[&str]; 3]) {
    for (heard, expected) in heard.iter().zip(expected) {
        assert_eq!(heard, expected);
    }
}

#[tokio::test]
async fn the_sender_is_left_out_of_its_own_broadcasts() {
    let io = Io::new();
    let mut peers = lobby(&io).await;
    peers[0].asks(r#"20["to","a","x"]"#, "30[]").await;
    peers[0].asks(r#"20["all","y"]"#, "30[]").await;
    is(&heard(&mut peers).await, [&[], &["x", "y"], &["y"]]);
}

#[tokio::test]
async fn the_server_reaches_rooms_each_socket_once_and_spares_others() {
    let io = Io::new();
    let mut peers = lobby(&io).await;
    io.emit("said", "all").unwrap();
    io.to("a").emit("said", "a").unwrap();
    io.to("a").to("b").emit("said", "both").unwrap();
    io.to("a").except("b").emit("said", "a-b").unwrap();
    io.except("a").emit("said", "-a").unwrap();
    io.to("nobody").emit("said", "none").unwrap();
    is(
        &heard(&mut peers).await,
        [&["all", "a", "both", "a-b"], &["all", "a", "both"], &["all", "both", "-a"]],
    );
}

#[tokio::test]
async fn a_socket_is_reached_by_its_id() {
    let io = Io::new();
    let mut peers = lobby(&io).await;
    let both = io.to("a").except("b").sockets();
    let [first] = &both[..] else { panic!("{both:?}") };
    io.to(first.id()).emit("said", "you").unwrap();
    io.except(first.id()).emit("said", "not you").unwrap();
    assert!(
        io.of("/").socket(first.id()).is_some_and(|socket| socket == *first && socket.connected())
    );
    is(&heard(&mut peers).await, [&["you"], &["not you"], &["not you"]]);
}

#[tokio::test]
async fn who_has_left_a_room_or_the_server_hears_it_no_more() {
    let io = Io::new();
    let mut peers = lobby(&io).await;
    peers[1].asks(r#"20["leave","a"]"#, "30[true]").await;
    peers[1].asks(r#"20["leave","a"]"#, "30[false]").await;
    peers[1].asks(r#"20["rooms"]"#, r#"30[["b"]]"#).await;
    io.to("a").emit("said", "a").unwrap();
    io.within("b").sockets_leave("b");
    io.to("b").emit("said", "b").unwrap();
    io.sockets_join("c");
    io.to("c").emit("said", "c").unwrap();
    is(&heard(&mut peers).await, [&["a", "c"], &["c"], &["c"]]);
    io.to("a").disconnect_sockets(false);
    assert_eq!(peers[0].recv().await, "1");
    assert_eq!(io.sockets().len(), 2);
}

#[tokio::test]
async fn namespaces_do_not_hear_each_other() {
    let io = Io::new();
    io.of("/admin").on_connect(async |socket: Socket| socket.join("a"));
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send("0/admin").await;
    peer.granted("0/admin,").await;
    io.emit("e", 1).unwrap();
    io.to("a").emit("e", 2).unwrap();
    io.of("admin").to("a").emit("e", 3).unwrap();
    assert_eq!(peer.recv().await, r#"2["e",1]"#);
    assert_eq!(peer.recv().await, r#"2/admin,["e",3]"#);
}

#[tokio::test]
async fn attachments_of_a_broadcast_follow_their_packet_at_every_receiver() {
    let io = Io::new();
    let mut peers = lobby(&io).await;
    let parts = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    io.emit("file", (&parts[0], &parts[1])).unwrap();
    io.emit("next", ()).unwrap();
    for peer in &mut peers {
        assert_eq!(
            peer.recv().await,
            r#"52-["file",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
        );
        assert_eq!(
            (peer.recv_binary().await, peer.recv_binary().await),
            (parts[0].to_vec(), parts[1].to_vec())
        );
        assert_eq!(peer.recv().await, r#"2["next"]"#);
    }
}

#[tokio::test]
async fn the_number_of_rooms_of_a_socket_is_bounded() {
    let io = configured(|config| config.max_rooms = 2);
    let mut peers = lobby(&io).await;
    peers[1].asks(r#"20["join","c"]"#, "30[false]").await;
    peers[1].asks(r#"20["rooms"]"#, r#"30[["a","b"]]"#).await;
}
