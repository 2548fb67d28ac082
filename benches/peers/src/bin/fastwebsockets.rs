//! fastwebsockets. Its interface has no way to put off a flush.

use bytes::Bytes;
use fastwebsockets::{
    FragmentCollector, Frame, OpCode, Payload, WebSocket, WebSocketError, upgrade,
};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use peers::{Args, Hub, Work};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Args::read(), connection).await
}

async fn connection(stream: TcpStream, args: Args, hub: Hub) {
    let answer = move |request| answer(request, args.work, hub.clone());
    let service = hyper::service::service_fn(answer);
    let http = hyper::server::conn::http1::Builder::new();
    let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

async fn answer(
    mut request: Request<Incoming>,
    work: Work,
    hub: Hub,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    tokio::spawn(async move {
        let Ok(socket) = upgraded.await else { return };
        match work {
            Work::Echo => echo(socket).await,
            Work::Broadcast => broadcast(socket, hub).await,
        }
    });
    Ok(response)
}

async fn echo(socket: WebSocket<TokioIo<Upgraded>>) {
    let mut socket = FragmentCollector::new(socket);
    while let Ok(frame) = socket.read_frame().await {
        if frame.opcode == OpCode::Close {
            return;
        }
        let is_data = matches!(frame.opcode, OpCode::Text | OpCode::Binary);
        if is_data && socket.write_frame(frame).await.is_err() {
            return;
        }
    }
}

async fn broadcast(socket: WebSocket<TokioIo<Upgraded>>, hub: Hub) {
    let (mut reader, mut writer) = socket.split(tokio::io::split);
    let mut inbox = hub.join();
    tokio::spawn(async move {
        while let Some(message) = inbox.recv().await {
            writer.write_frame(Frame::binary(Payload::Borrowed(&message))).await.ok()?;
        }
        Some(())
    });
    // Nobody pings here: what the reader wants sent on its own account is nothing.
    let mut send = |_: Frame<'_>| async { Ok::<_, WebSocketError>(()) };
    while let Ok(frame) = reader.read_frame(&mut send).await {
        match frame.opcode {
            OpCode::Close => return,
            OpCode::Text | OpCode::Binary => hub.publish(&Bytes::copy_from_slice(&frame.payload)),
            _ => {}
        }
    }
}
