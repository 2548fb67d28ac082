//! What the servers have in common: their arguments, the accept loop, the two works.
//!
//! Each server does its *work* the way its documentation recommends for speed, on one current-thread runtime:
//!
//! - `echo`: every message goes back. With `--batch n` up to `n` messages that are there already are answered with one flush,
//!   by those whose interface can put off a flush;
//! - `broadcast`: every message goes to all connections, the sender's among them.

mod echo;
mod hub;

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use tokio::net::{TcpListener, TcpStream};

pub use echo::{Batch, echo};
pub use hub::{Hub, broadcast};

/// How hard all try to compress, if they can be told: what ours does by default.
pub const DEFLATE_LEVEL: u32 = 3;

/// How a server is started by the runner.
#[derive(Parser, Debug, Clone)]
pub struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9000")]
    pub addr: SocketAddr,
    /// What to do with messages.
    #[arg(long, default_value = "echo")]
    pub work: Work,
    /// How many messages to answer with one flush.
    #[arg(long, default_value_t = 1)]
    pub batch: usize,
    /// Size of the connection's read and write buffers, where the library can be told.
    #[arg(long)]
    pub buffer: Option<usize>,
    /// Negotiate permessage-deflate, with context takeover for what the server sends, none for what it receives.
    #[arg(long)]
    pub deflate: bool,
    /// Ours only: be called instead of asking.
    #[arg(long)]
    pub push: bool,
    /// Ours only: speak TLS, with the certificate and key in `cert.pem` and `key.pem` of this folder.
    #[arg(long)]
    pub tls: Option<std::path::PathBuf>,
}

/// What a server does.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Sends each message back.
    Echo,
    /// Sends each message to every connection.
    Broadcast,
}

impl Args {
    /// From the command line. Raises the limit on open files, too.
    pub fn read() -> Self {
        // Whoever needs more than there are will fail and say so.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        Self::parse()
    }
}

/// Accepts connections for ever, each in a task of its own.
pub async fn serve<F>(args: Args, each: impl Fn(TcpStream, Args, Hub) -> F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(args.addr).await?;
    let hub = Hub::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(each(stream, args.clone(), hub.clone()));
    }
}
