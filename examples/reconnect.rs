//! A client that outlives its server: `cargo run --example reconnect -- http://127.0.0.1:3000`, with any Socket.IO server there, to
//! be stopped and started again meanwhile.
//!
//! It counts. Each number is delivered at least once and in order, whatever happens in between: `retries` sends it again until the
//! server has answered. A fresh token is asked for at each connection.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clap::Parser;
use serde_json::json;
use sio::client::{Client, Config, DisconnectReason, ManagerEvent, OnRefusal, Socket};

#[derive(Parser)]
struct Flags {
    #[arg(default_value = "http://127.0.0.1:3000")]
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.retries = Some(3);
    // The token may expire between two connections; then another one is asked for.
    config.on_refusal = OnRefusal::Retry;

    static TOKENS: AtomicU32 = AtomicU32::new(0);
    let socket = Client::builder(Flags::parse().url)
        .config(config)
        .auth(async || json!({ "token": TOKENS.fetch_add(1, Ordering::Relaxed) }))
        .on_connect(async |socket: Socket| println!("connected as {}", socket.id()))
        .on_disconnect(async |reason: DisconnectReason| println!("lost: {reason}"))
        .on_manager(|event| match event {
            ManagerEvent::ReconnectDelay(delay) => println!("trying again in {delay:.1?}"),
            ManagerEvent::ReconnectError(error) => println!("not yet: {error}"),
            _ => {}
        })
        // The server need not be there yet; what is emitted waits.
        .start()?;

    for n in 0_u64.. {
        // Waits while too many numbers wait for the server.
        socket.send("count", n).await?;
        println!("{n} (waiting: {} bytes)", socket.buffered_bytes());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
