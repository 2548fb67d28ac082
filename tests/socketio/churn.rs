//! Clients that come and go while others speak.

use std::time::Duration;

use sio::server::{Data, Io, Socket};
use tokio::task::JoinSet;

use crate::peer::{Peer, serve, soon};

const CLIENTS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_stuck_while_clients_come_and_go_during_broadcasts() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.join("all");
        socket.on("say", async |io: Io, Data(what): Data<usize>| io.to("all").emit("said", what));
        socket.on_disconnect(async |io: Io, socket: Socket| io.to("all").emit("left", socket.id()));
    });
    let addr = serve(&io).await;
    let mut steady = Peer::join(addr).await;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(async move {
            let mut peer = Peer::join(addr).await;
            peer.send(&format!(r#"20["say",{number}]"#)).await;
            // Its own broadcast comes back to it, among those of others.
            while peer.recv().await != format!(r#"2["said",{number}]"#) {}
            if number % 2 == 0 {
                peer.send("1").await;
            }
            peer.vanish();
        });
    }
    while let Some(client) = soon(clients.join_next()).await {
        client.unwrap();
    }
    let (mut said, mut left) = (vec![false; CLIENTS], 0);
    while left < CLIENTS {
        let packet = steady.recv().await;
        if let Some(number) = packet.strip_prefix(r#"2["said","#) {
            let number: usize = number.trim_end_matches(']').parse().unwrap();
            assert!(!std::mem::replace(&mut said[number], true), "twice");
        } else {
            assert!(packet.starts_with(r#"2["left","#), "{packet}");
            left += 1;
        }
    }
    assert!(said.iter().all(|said| *said));
    assert_eq!(io.sockets().len(), 1);
    soon(io.shutdown(Duration::from_secs(5))).await;
    steady.is_closed().await;
}
