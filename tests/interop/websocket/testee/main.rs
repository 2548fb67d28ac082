//! `ws` for the tests of `tests/interop/websocket`: its server for the clients of others, and its client for their servers.
//!
//! A server, whoever wrote it, prints its URL and then serves these paths; all of them end in `?id=`, any text:
//!
//! - `/echo` returns every message; `/fragments`, which ours doesn't have, in fragments with pings between them;
//! - `/ping` pings, and tells of the answer by the text `latency <microseconds>`;
//! - `/close` answers a message by a close with code 4321 and the reason `enough – 今日は`; `/drop` by ending the TCP connection;
//! - `/refuse` is answered with 401, `WWW-Authenticate: Basic` and the body `who are you?`;
//! - `/report` waits until the other connection with that id has ended, and tells by a text in JSON what the server received:
//!   `code` (1005 and 1006 as in RFC 6455 §7.1.5) and `reason`. Ours adds `sent`, `initiator` and `failure`.
//!
//! Of the subprotocols it takes `v2.chat`, else `v1.chat`. Messages may have 64 MiB, or what `--limit` says.

mod client;
mod content;
mod peer;
mod pull;
mod push;
mod reports;
mod server;

use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
    #[arg(long, value_enum, default_value = "pull", global = true)]
    api: Api,
    /// Offer or accept permessage-deflate.
    #[arg(long, global = true)]
    deflate: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the paths above on a free port of the loopback, until standard input ends.
    Server {
        /// The longest message that is taken, in bytes.
        #[arg(long, default_value_t = 64 << 20)]
        limit: usize,
    },
    /// Go through all cases with a server, a line for each: `ok` or `FAILED`, name, reason, between tabs; at last `end`, count.
    Client {
        url: String,
        /// The same server with `--limit 65536`.
        limited: String,
    },
}

/// By which API of `ws` it is done.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    Pull,
    Push,
}

fn config(limit: usize) -> ws::Config {
    let mut config = ws::Config::default();
    config.max_message_size = limit;
    config.max_buffered_bytes = 128 << 20;
    config
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let Args { command, api, deflate } = Args::parse();
    match command {
        Command::Server { limit } => server::run(api, deflate, config(limit)).await,
        Command::Client { url, limited } => {
            client::run(client::Run { api, deflate, url, limited }).await
        }
    }
}

/// The configuration with pings after so short a silence that a test can wait for one.
fn lively(mut config: ws::Config) -> Arc<ws::Config> {
    config.ping_interval = Some(std::time::Duration::from_millis(20));
    Arc::new(config)
}

/// Every message compressed, with whatever context the other side grants.
fn eager() -> ws::DeflateConfig {
    let mut deflate = ws::DeflateConfig::default();
    deflate.server_no_context_takeover = false;
    deflate.client_no_context_takeover = false;
    deflate.threshold = 0;
    deflate
}
