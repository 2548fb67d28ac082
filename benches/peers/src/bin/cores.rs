//! `ws` on one core or several, to see what more cores give: being called, with work for each message if wanted.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Parser, ValueEnum};
use peers::{Args, DEFLATE_LEVEL, Work};
use tokio::runtime::Builder;
use ws::{
    Context, DeflateConfig, Handler, Payload, Prepared, Sender, Server, ServerConfig, Threads,
};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
    /// On which threads the connections live.
    #[arg(long, default_value = "one")]
    runtime: Runtime,
    /// How many threads, unless it is one.
    #[arg(long, default_value = "2")]
    threads: NonZeroUsize,
    /// Steps of arithmetic for each message, each waiting for the one before, as if it meant something.
    #[arg(long, default_value_t = 0)]
    steps: u64,
}

#[derive(ValueEnum, Clone, Copy)]
enum Runtime {
    /// On a current-thread runtime.
    One,
    /// On a multi-threaded runtime that all share.
    Shared,
    /// On a current-thread runtime for each thread.
    PerCore,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let cli = Cli::parse();
    let mut runtime = match cli.runtime {
        Runtime::One | Runtime::PerCore => Builder::new_current_thread(),
        Runtime::Shared => Builder::new_multi_thread(),
    };
    runtime.worker_threads(cli.threads.get()).enable_all().build()?.block_on(serve(cli))
}

async fn serve(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = ServerConfig::default();
    if matches!(cli.runtime, Runtime::PerCore) {
        config.threads = Threads::Exactly(cli.threads.get());
    }
    if cli.args.deflate {
        let mut deflate = DeflateConfig::default();
        deflate.server_no_context_takeover = false;
        deflate.level = DEFLATE_LEVEL as u8;
        config.deflate = Some(deflate);
    }
    let server = Server::bind_with(cli.args.addr, config).await?;
    let (steps, everybody) = (cli.steps, Everybody::default());
    match cli.args.work {
        Work::Echo => server.serve_with(move |_| Echo(steps)).await,
        Work::Broadcast => server.serve_with(move |_| Publish(everybody.clone())).await,
    }
    Ok(())
}

struct Echo(u64);

impl Handler for Echo {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        std::hint::black_box(work(self.0));
        // Refused only if the connection is gone.
        let _ = socket.send_payload(&message);
    }
}

/// Takes so many multiplications, one after the other, and no memory.
fn work(steps: u64) -> u64 {
    (0..steps).fold(1, |state: u64, step| {
        std::hint::black_box(state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(step))
    })
}

#[derive(Clone, Default)]
struct Everybody(Arc<Mutex<Vec<Sender>>>);

struct Publish(Everybody);

impl Handler for Publish {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        let mut members = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.push(socket.sender());
    }

    fn on_message(&mut self, _: &mut Context<'_>, message: Payload<'_>) {
        let message = Prepared::binary(message.as_bytes());
        let mut members = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| member.try_send_prepared(&message).is_ok());
    }
}
