//! A crowd: five thousand clients at a time, in one process with the server.

use std::sync::Arc;
use std::time::Duration;

use sio::server::{Data, Io, Socket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use ws::WebSocket;

use crate::peer::serve;

const CROWD: usize = 5_000;
/// How many may be connecting at a time: a crowd, not a flood of handshakes.
const AT_THE_DOOR: usize = 256;

/// Both ends of each connection are ours, and the runtime needs some, too.
fn raise_the_limit_on_open_files() {
    let wanted = 2 * CROWD as u64 + 500;
    let limit = rlimit::increase_nofile_limit(
        wanted.max(rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap().0),
    )
    .unwrap();
    assert!(limit >= wanted, "the system allows {limit} open files; this test needs {wanted}");
}

/// The next message that is not a ping.
async fn next(socket: &mut WebSocket) -> String {
    loop {
        let message = socket.recv().await.unwrap().expect("the server closed the connection");
        match message.as_text().unwrap() {
            "2" => socket.send("3").await.unwrap(),
            text => return text.to_owned(),
        }
    }
}

async fn asks(socket: &mut WebSocket, packet: &str, answer: &str) {
    socket.send(packet).await.unwrap();
    assert_eq!(next(socket).await, answer);
}

/// Connects and joins the room.
async fn come(url: Arc<str>, door: Arc<Semaphore>) -> WebSocket {
    let _at_the_door = door.acquire().await.unwrap();
    let mut socket = ws::connect(&url).await.unwrap();
    assert!(next(&mut socket).await.starts_with('0'));
    socket.send("40").await.unwrap();
    assert!(next(&mut socket).await.starts_with("40{"));
    asks(&mut socket, r#"420["join","crowd"]"#, "430[]").await;
    socket
}

/// Gets the broadcast once, and leaves. Had a second one come, it would stand before the answer.
async fn go(mut socket: WebSocket) {
    assert_eq!(next(&mut socket).await, r#"42["news",{"to":"all"}]"#);
    asks(&mut socket, r#"421["leave","crowd"]"#, "431[]").await;
    socket.send("41").await.unwrap();
    assert!(socket.close(ws::CloseCode::NORMAL, "").await.is_clean());
}

async fn all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut done = Vec::with_capacity(CROWD);
    while let Some(task) = tasks.join_next().await {
        done.push(task.unwrap());
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_clients_join_a_room_get_one_broadcast_each_and_leave() {
    raise_the_limit_on_open_files();
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room);
        });
        socket.on("leave", async |socket: Socket, Data(room): Data<String>| {
            socket.leave(room);
        });
    });
    let addr = serve(&io).await;
    let whole = async {
        let url: Arc<str> = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket").into();
        let door = Arc::new(Semaphore::new(AT_THE_DOOR));
        let coming: JoinSet<WebSocket> =
            (0..CROWD).map(|_| come(url.clone(), door.clone())).collect();
        let sockets = all(coming).await;
        assert_eq!((sockets.len(), io.to("crowd").sockets().len()), (CROWD, CROWD));

        io.to("crowd").emit("news", serde_json::json!({ "to": "all" })).unwrap();
        let going: JoinSet<()> = sockets.into_iter().map(go).collect();
        assert_eq!(all(going).await.len(), CROWD);
        assert!(io.to("crowd").sockets().is_empty(), "nobody is left in the room");
        // The last ones may still be on their way out of the server.
        while !io.sockets().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(90), whole).await.expect("it takes seconds");
}
