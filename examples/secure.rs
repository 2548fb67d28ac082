//! A Socket.IO server over TLS, which tells its clients one after the other when it ends (Ctrl-C).

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use sio::server::{Data, Io, Socket};
use ws::net::TlsAcceptor;

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3443")]
    addr: String,
    /// The certificates, in PEM.
    #[arg(long)]
    certificates: PathBuf,
    /// Their key, in PEM.
    #[arg(long)]
    key: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("echo", async |Data(text): Data<String>| text);
    });
    let tls = TlsAcceptor::from_pem_files(args.certificates, args.key)?;
    let listening = io.bind(args.addr).await?.secure(tls);
    println!("listening on https://{}", listening.local_addr()?);
    tokio::spawn(listening.serve());
    tokio::signal::ctrl_c().await?;
    // Within ten seconds, so that they do not all come back at the same time; in half a minute it is over in any case.
    io.shutdown_over(Duration::from_secs(10), Duration::from_secs(30)).await;
    Ok(())
}
