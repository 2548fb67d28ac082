//! tokio-tungstenite: echo. The second argument is the size of its read and write buffers.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let listener =
        tokio::net::TcpListener::bind(args.next().unwrap_or("127.0.0.1:9000".into())).await?;
    let mut config = WebSocketConfig::default();
    if let Some(size) = args.next().and_then(|size| size.parse().ok()) {
        config = config.read_buffer_size(size).write_buffer_size(size);
    }
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let Ok(mut socket) =
                tokio_tungstenite::accept_async_with_config(stream, Some(config)).await
            else {
                return;
            };
            while let Some(Ok(message)) = socket.next().await {
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err()
                {
                    return;
                }
            }
        });
    }
}
