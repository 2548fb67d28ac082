//! tokio-tungstenite. `--buffer` is the size of its read and write buffers, 128 KiB by default.

use peers::{Args, Batch, Hub, Work};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    peers::serve(Args::read(), connection).await
}

async fn connection(stream: TcpStream, args: Args, hub: Hub) {
    let mut config = WebSocketConfig::default();
    if let Some(size) = args.buffer {
        config = config.read_buffer_size(size).write_buffer_size(size);
    }
    let accepted = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await;
    let Ok(socket) = accepted else { return };
    match args.work {
        Work::Echo => _ = peers::echo(socket, args.batch, Batch::Queue, data).await,
        Work::Broadcast => {
            let payload = |received| data(received).map(Message::into_data);
            peers::broadcast(socket, hub, payload, Message::Binary).await;
        }
    }
}

fn data(received: Result<Message, Error>) -> Option<Message> {
    received.ok().filter(|message| message.is_text() || message.is_binary())
}
