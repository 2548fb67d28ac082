//! A load generator that is cheaper than any server: one thread, epoll, frames masked once, every answer checked byte by byte.
//!
//! It prints one line of JSON: what was done, how fast, CPU time of the server (of `--pid`) and of the generator. A run in which
//! the generator used all of its core while the server had some left says `"generator_was_the_limit": true`: it measured the
//! generator.

mod connection;
mod echo;
mod fan_out;
mod frame;
mod handshake;
mod histogram;
mod idle;
mod inflate;
mod process;
mod script;
mod transport;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Sends messages and waits for the same to come back.
    Echo(echo::Echo),
    /// Sends messages that come back on every connection.
    FanOut(fan_out::FanOut),
    /// Connects, sends one message, and closes; again and again.
    Handshake(handshake::Handshake),
    /// Opens connections and looks at the server's memory, before and after a message on each.
    Idle(idle::Idle),
}

/// The server under load.
#[derive(Args, Clone)]
struct Target {
    /// Its address.
    #[arg(long)]
    addr: SocketAddr,
    /// Its process, to read CPU time and memory of.
    #[arg(long)]
    pid: u32,
    /// Speak no WebSocket: the server sends back what it gets, frames as they are (the floor).
    #[arg(long)]
    raw: bool,
    /// Speak TLS, and trust the certificate in this PEM file.
    #[arg(long)]
    tls: Option<PathBuf>,
    /// Offer permessage-deflate, and send compressed messages that refer to nothing before them.
    #[arg(long)]
    deflate: bool,
    /// How many connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

/// How long to run.
#[derive(Args, Clone)]
struct Span {
    /// How long to measure, in seconds.
    #[arg(long, default_value = "3", value_parser = seconds)]
    time: Duration,
    /// How long to run before, in seconds.
    #[arg(long, default_value = "0.5", value_parser = seconds)]
    warm_up: Duration,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseFloatError> {
    text.parse().map(Duration::from_secs_f64)
}

fn main() -> io::Result<()> {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let line = match Cli::parse().work {
        Work::Echo(echo) => echo.run()?,
        Work::FanOut(fan_out) => fan_out.run()?,
        Work::Handshake(handshake) => handshake.run()?,
        Work::Idle(idle) => idle.run()?,
    };
    writeln!(io::stdout(), "{line}")
}

/// Something that must not happen while measuring.
fn failure(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}
