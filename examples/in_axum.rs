//! Socket.IO within an application of axum's (features `axum` and, for the service, `tower`), whose handlers may emit, too.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use clap::Parser;
use sio::server::{Data, Io, Socket};

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: String,
}

/// `GET /say/hello` emits to all clients.
async fn say(State(io): State<Io>, Path(text): Path<String>) -> String {
    match io.emit("said", &text) {
        Ok(()) => format!("{} heard it\n", io.sockets().len()),
        Err(error) => format!("{error}\n"),
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("echo", async |Data(text): Data<String>| text);
    });
    let app = Router::new()
        .route("/say/{text}", get(say))
        .route_service("/socket.io/", io.clone().into_service())
        .with_state(io);
    let listener = tokio::net::TcpListener::bind(Args::parse().addr).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // With the addresses of the clients, for limits per address and `Handshake::address`.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}
