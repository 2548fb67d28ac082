//! tokio-websockets.

use bytes::Bytes;
use peers::{Args, Batch, Hub, Work};
use tokio::net::TcpStream;
use tokio_websockets::{Error, Limits, Message, ServerBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Args::read(), connection).await
}

async fn connection(stream: TcpStream, args: Args, hub: Hub) {
    let accepted = ServerBuilder::new().limits(Limits::unlimited()).accept(stream).await;
    let Ok((_, socket)) = accepted else { return };
    match args.work {
        Work::Echo => _ = peers::echo(socket, args.batch, Batch::Collect, data).await,
        Work::Broadcast => {
            let payload = |received| data(received).map(|message| message.into_payload().into());
            peers::broadcast(socket, hub, payload, |bytes: Bytes| Message::binary(bytes)).await;
        }
    }
}

fn data(received: Result<Message, Error>) -> Option<Message> {
    received.ok().filter(|message| message.is_text() || message.is_binary())
}
