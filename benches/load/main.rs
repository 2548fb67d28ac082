//! A load generator that is cheaper than any server: one thread, epoll, frames masked once, every answer checked byte by byte.
//!
//! `cargo bench --bench load -- echo --addr 127.0.0.1:9001 --pid SERVER [--connections 64] [--size 128] [--in-flight 16] ...`
//!
//! It prints one line of JSON: messages per second, CPU time of the server (of `--pid`) and of the generator per message. A run
//! in which the generator used more than 90 % of its core says so: then it measured itself.

mod connection;
mod cpu;
mod echo;
mod frame;
mod idle;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    work: Work,
    /// Given by `cargo bench`.
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Work {
    /// Sends messages and waits for the same to come back.
    Echo(echo::Echo),
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
    /// How many connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseFloatError> {
    text.parse().map(Duration::from_secs_f64)
}

fn main() -> std::io::Result<()> {
    let line = match Cli::parse().work {
        Work::Echo(echo) => echo.run()?,
        Work::Idle(idle) => idle.run()?,
    };
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}")
}
