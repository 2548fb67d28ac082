//! A WebSocket echo server, by calls (`--push`) or by asking. Try it with the example `client`.

use clap::Parser;
use ws::{Context, Handler, Payload, Server, WebSocket};

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9001")]
    addr: String,
    /// Use a `Handler` that is called with borrowed messages.
    #[arg(long)]
    push: bool,
}

struct Echo;

impl Handler for Echo {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let _ = socket.send_payload(&message); // refused only if the connection is gone
    }
}

async fn echo(mut socket: WebSocket) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let server = Server::bind(&args.addr).await?;
    eprintln!("listening on ws://{}", server.local_addr()?);
    if args.push {
        server.serve_with(|_| Echo).await;
    } else {
        server.serve(echo).await;
    }
    Ok(())
}
