//! sockudo-ws, with its own publish and subscribe for broadcasts.

use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use futures_util::FutureExt;
use peers::{Args, Batch, DEFLATE_LEVEL, Hub, Work};
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::pubsub::PubSub;
use sockudo_ws::stream::CompressedWebSocketStream;
use sockudo_ws::{Config, Message, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

static TOPICS: LazyLock<Arc<PubSub>> = LazyLock::new(Arc::default);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Args::read(), connection).await
}

async fn connection(mut stream: TcpStream, args: Args, _: Hub) {
    if handshake(&mut stream, args.deflate).await.is_none() {
        return;
    }
    if args.deflate {
        let deflate = DeflateConfig {
            client_no_context_takeover: true,
            compression_level: DEFLATE_LEVEL,
            ..DeflateConfig::default()
        };
        let socket = CompressedWebSocketStream::server(stream, Config::default(), deflate);
        peers::echo(socket, args.batch, Batch::Collect, data).await;
        return;
    }
    let socket = WebSocketStream::server(stream, Config::default());
    match args.work {
        Work::Echo => _ = peers::echo(socket, args.batch, Batch::Collect, data).await,
        Work::Broadcast => _ = broadcast(socket).await,
    }
}

/// As in its examples: a server does this part itself.
async fn handshake(stream: &mut TcpStream, deflate: bool) -> Option<()> {
    let extensions = deflate.then_some("permessage-deflate; client_no_context_takeover");
    let mut head = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        if let Some((request, _)) = parse_request(&head).ok()? {
            let response = build_response(&generate_accept_key(request.key), None, extensions);
            return stream.write_all(&response).await.ok();
        }
    }
}

fn data(received: sockudo_ws::Result<Message>) -> Option<Message> {
    received.ok().filter(|message| matches!(message, Message::Text(_) | Message::Binary(_)))
}

async fn broadcast(mut socket: WebSocketStream<TcpStream>) -> Option<()> {
    use futures_util::{SinkExt, StreamExt};
    let (sender, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let id = TOPICS.create_subscriber(sender);
    TOPICS.subscribe(id, "all");
    loop {
        tokio::select! {
            message = inbox.recv() => {
                socket.feed(message?).await.ok()?;
                while let Ok(message) = inbox.try_recv() {
                    socket.feed(message).await.ok()?;
                }
                socket.flush().await.ok()?;
            }
            received = socket.next() => match received {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    TOPICS.publish("all", message);
                }
                Some(Ok(_)) => {}
                _ => break,
            }
        }
    }
    TOPICS.remove_subscriber(id);
    socket.flush().now_or_never();
    Some(())
}
