//! Socket.IO within a server of hyper's: its requests go to the service, all others are answered here.

use std::convert::Infallible;

use clap::Parser;
use http_body_util::BodyExt as _;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use sio::engine::server::{Remote, body};
use sio::server::{Data, Io, Socket};

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: String,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("echo", async |Data(text): Data<String>| text);
    });
    let listener = tokio::net::TcpListener::bind(Args::parse().addr).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = io.into_service();
    loop {
        let (stream, peer) = listener.accept().await?;
        let io = service.clone().from_remote(Remote { addr: Some(peer), secure: false });
        let service = service_fn(move |request| {
            let ours = io.takes(&request).then(|| io.clone());
            async move {
                Ok::<_, Infallible>(match ours {
                    Some(io) => io.call(request).await?,
                    None => {
                        let length =
                            request.into_body().collect().await.map_or(0, |b| b.to_bytes().len());
                        http::Response::new(body(format!("hello, you sent {length} bytes\n")))
                    }
                })
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades(); // or else there is no WebSocket, only long-polling
        tokio::spawn(connection);
    }
}
