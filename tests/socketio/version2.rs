//! Rule 21: clients of Socket.IO 2.x, which know their sockets by another id than the server does.

use sio::server::{Config, Io, Socket};
use tokio::sync::mpsc;

use crate::peer::{serve, soon};
use crate::poller::Poller;

/// The packets of a payload of version 3: `<length in characters>:<packet>` each.
fn packets(mut payload: &str) -> Vec<&str> {
    let mut packets = Vec::new();
    while let Some((length, rest)) = payload.split_once(':') {
        let (packet, rest) =
            rest.split_at(length.parse().unwrap_or_else(|_| panic!("{payload:?}")));
        packets.push(packet);
        payload = rest;
    }
    packets
}

#[tokio::test]
async fn rule_21_the_id_that_the_client_takes_for_its_own_reaches_it_and_is_not_shown() {
    let mut config = Config::default();
    config.engine.allow_eio3 = true;
    config.max_rooms = 2;
    let io = Io::with_config(config).unwrap();
    let (sender, mut connected) = mpsc::unbounded_channel();
    for namespace in [io.of("/"), io.of("/admin")] {
        let sender = sender.clone();
        namespace.on_connect(async move |socket: Socket| sender.send(socket).unwrap());
    }
    let addr = serve(&io).await;
    let mut client = Poller::open_version(addr, 3).await;
    let _other = Poller::open_version(addr, 3).await;
    let socket = soon(connected.recv()).await.unwrap();
    soon(connected.recv()).await.unwrap();
    client.post("9:40/admin,").await;
    let admin = soon(connected.recv()).await.unwrap();
    let (_, told) = client.get().await;
    assert_eq!(packets(&told), ["40", "40/admin"]);

    let sid = client.sid().to_owned();
    assert_ne!(socket.id().as_str(), sid);
    io.to(sid.as_str()).emit("root", ()).unwrap();
    io.of("/admin").to(format!("/admin#{sid}")).emit("admin", ()).unwrap();
    io.of("/admin").to(sid.as_str()).emit("nobody", ()).unwrap();
    socket.to(sid.as_str()).emit("but not by itself", ()).unwrap();
    io.emit("end", ()).unwrap();
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != r#"42["end"]"#) {
        let (_, payload) = client.get().await;
        heard.extend(packets(&payload).into_iter().map(str::to_owned));
    }
    assert_eq!(heard, [r#"42["root"]"#, r#"42/admin,["admin"]"#, r#"42["end"]"#]);

    // It is a secret, and none of the rooms that the application has chosen.
    assert!(socket.join("chosen"));
    assert_eq!(socket.rooms(), ["chosen".into()]);
    assert_eq!(io.of("/").rooms(), [("chosen".into(), 1)]);
    assert_eq!(io.of("/admin").rooms(), []);
    let fetched = io.to("chosen").fetch_sockets().await;
    assert_eq!(fetched[0].rooms(), ["chosen".into()]);
    admin.disconnect(false);
    assert_eq!(admin.rooms(), []);
    let gone = io.of("/admin").to(format!("/admin#{sid}")).sockets();
    assert!(gone.is_empty());
}
