//! Socket.IO as a layer of tower (feature `tower`), in front of a service that answers all other requests. Any server that takes a
//! service of tower serves it; here it is hyper's.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use clap::Parser;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use sio::engine::server::{Body, Remote, body};
use sio::server::{Data, Io, Socket};
use tower_layer::Layer;
use tower_service::Service;

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: String,
}

/// The rest of the application.
#[derive(Clone)]
struct Hello;

impl Service<http::Request<Incoming>> for Hello {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        ready(Ok(http::Response::new(body(format!("hello from {}\n", request.uri().path())))))
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("echo", async |Data(text): Data<String>| text);
    });
    let service = io.into_layer().layer(Hello);
    let listener = tokio::net::TcpListener::bind(Args::parse().addr).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let service = FromThere { service: service.clone(), from: peer };
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades(); // or else there is no WebSocket, only long-polling
        tokio::spawn(connection);
    }
}

/// Tells where requests come from, for limits per address and `Handshake::address`.
#[derive(Clone)]
struct FromThere<S> {
    service: S,
    from: std::net::SocketAddr,
}

impl<S: Service<http::Request<Incoming>>> Service<http::Request<Incoming>> for FromThere<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Incoming>) -> S::Future {
        request.extensions_mut().insert(Remote { addr: Some(self.from), secure: false });
        self.service.call(request)
    }
}
