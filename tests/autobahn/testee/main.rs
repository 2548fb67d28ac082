//! The two peers that Autobahn|Testsuite examines. `tests/autobahn/run` builds and starts them.

mod certificate;
mod client;
mod echo;
mod server;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Echo on a free port of the loopback; its URL is the one line on standard output.
    Server {
        #[arg(long, value_enum, default_value = "pull")]
        api: Api,
        /// Speak TLS, with `cert.pem` and `key.pem` from this folder.
        #[arg(long)]
        tls: Option<PathBuf>,
        #[command(flatten)]
        options: Options,
    },
    /// Go through all cases of a fuzzing server.
    Client {
        #[arg(long, value_enum, default_value = "pull")]
        api: Api,
        /// The fuzzing server.
        url: String,
        /// The name to appear under in its report.
        agent: String,
        /// The certificate to trust, in PEM.
        #[arg(long)]
        tls: Option<PathBuf>,
        #[command(flatten)]
        options: Options,
    },
    /// Write a self-signed certificate for 127.0.0.1 into a folder, as `cert.pem` and `key.pem`.
    Certificate { folder: PathBuf },
}

#[derive(clap::Args)]
struct Options {
    /// Do without permessage-deflate.
    #[arg(long)]
    no_deflate: bool,
}

/// By which of the APIs the echo is done.
#[derive(Clone, Copy, ValueEnum)]
enum Api {
    Pull,
    Push,
    Split,
}

impl Options {
    /// Cases 9.* send up to 16 MiB in a message, and more than that at a time.
    fn config(&self) -> Arc<ws::Config> {
        let mut config = ws::Config::default();
        config.max_message_size = 64 << 20;
        config.max_buffered_bytes = 128 << 20;
        // A ping that no case expects would be a wrong answer on a machine where the suite is slow.
        config.ping_interval = None;
        Arc::new(config)
    }

    /// Whatever the suite asks for, and every message compressed.
    fn deflate(&self) -> Option<ws::DeflateConfig> {
        let mut deflate = ws::DeflateConfig::default();
        deflate.server_no_context_takeover = false;
        deflate.client_no_context_takeover = false;
        deflate.threshold = 0;
        Some(deflate).filter(|_| !self.no_deflate)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    match Args::parse().command {
        Command::Server { api, tls, options } => server::run(api, tls.as_deref(), &options).await,
        Command::Client { api, url, agent, tls, options } => {
            client::run(api, &url, &agent, tls.as_deref(), &options).await
        }
        Command::Certificate { folder } => certificate::write(&folder),
    }
}
