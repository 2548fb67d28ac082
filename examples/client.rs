//! A WebSocket client for the terminal: sends the lines that are typed, prints the messages that arrive.
//!
//! `cargo run --example client -- ws://127.0.0.1:9001`

use clap::Parser;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout};
use ws::{CloseCode, Message};

#[derive(Parser)]
struct Args {
    /// Where to connect: ws:// or wss://
    url: String,
    /// Subprotocols to offer, best first.
    #[arg(long)]
    subprotocol: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let client = ws::Client::builder(&args.url);
    let client = args.subprotocol.iter().fold(client, |client, name| client.subprotocol(name));
    let mut socket = client.connect().await?;
    let mut lines = BufReader::new(stdin()).lines();
    let mut out = stdout();
    loop {
        // Both may be dropped while they wait: nothing is lost.
        tokio::select! {
            received = socket.recv() => match received? {
                Some(Message::Text(text)) => out.write_all(format!("{text}\n").as_bytes()).await?,
                Some(Message::Binary(bytes)) => {
                    out.write_all(format!("{} bytes\n", bytes.len()).as_bytes()).await?;
                }
                None => break,
            },
            line = lines.next_line() => match line? {
                Some(line) => socket.send(line).await?,
                None => {
                    socket.close(CloseCode::NORMAL, "").await;
                    break;
                }
            },
        }
        out.flush().await?;
    }
    Ok(())
}
