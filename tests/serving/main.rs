//! Where a Socket.IO server runs: on listeners of its own, plain and secured, several servers on one, or within the HTTP server of
//! somebody else; and how it ends.

mod client;
mod embedded;
mod listening;
mod shutdown;

use std::net::SocketAddr;
use std::time::Duration;

use sio::server::{Config, Data, Io, Socket};

/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it never happened")
}

/// A server that gives back what it gets, and tells over which address and whether secured.
fn server(config: Config) -> Io {
    let io = Io::with_config(config).unwrap();
    io.on_connect(async |socket: Socket| {
        socket.on("echo", async |Data(text): Data<String>| text);
        socket.on("where", async |socket: Socket| {
            let handshake = socket.handshake();
            (handshake.address().map(|address| address.ip().to_string()), handshake.secure())
        });
    });
    io
}

async fn listen(io: &Io) -> SocketAddr {
    let listening = io.bind("127.0.0.1:0").await.unwrap();
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    addr
}
