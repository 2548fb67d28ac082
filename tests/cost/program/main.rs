//! What a message costs, without a clock: instructions (by callgrind), allocations, reads and writes in memory, and system
//! calls over TCP (by strace). `tests/cost/run` compares them with `expected.txt` and fails when one has risen by more than
//! 5 %; `tests/cost/run --renew` writes them down anew.

mod allocations;
mod cases;
mod compare;
mod events;
mod frames;
mod tcp;
mod tools;
mod wire;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

use cases::Case;

/// A figure and its value: `echo-push-128 instructions`, 1234.5.
type Figure = (String, f64);

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measures everything and compares it with a file.
    Check {
        /// The file.
        expected: PathBuf,
        /// Writes the file instead.
        #[arg(long)]
        renew: bool,
    },
    /// Goes through the cases in memory, or through one of them; callgrind looks at [`measured`].
    Memory { only: Option<String> },
    /// Serves so many rounds of so many messages over TCP; strace looks at the main thread.
    Tcp { how: tcp::How, rounds: usize, messages: usize },
}

fn main() -> ExitCode {
    let done = match Cli::parse().what {
        What::Check { expected, renew } => check(&expected, renew),
        What::Memory { only } => {
            let _ = memory(only.as_deref());
            Ok(true)
        }
        What::Tcp { how, rounds, messages } => {
            tcp::serve(how, rounds, messages).map(|()| true).map_err(Into::into)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing has risen too far.
fn check(expected: &std::path::Path, renew: bool) -> Result<bool, Box<dyn Error>> {
    let measured = memory(None);
    let instructions = tools::callgrind()?;
    if instructions.len() != measured.len() {
        let (seen, all) = (instructions.len(), measured.len());
        return Err(format!("callgrind saw {seen} of {all} cases").into());
    }
    let mut figures = Vec::new();
    for (case, total) in measured.into_iter().zip(instructions) {
        figures.push((format!("{} instructions", case.name), total / case.messages));
        figures.extend(case.figures);
    }
    figures.extend(tools::system_calls()?);
    figures.sort_by(|a, b| a.0.cmp(&b.0));
    if renew {
        compare::write(expected, &figures)?;
        return Ok(true);
    }
    compare::compare(expected, &figures)
}

/// A case that was gone through.
struct Measured {
    name: &'static str,
    messages: f64,
    figures: Vec<Figure>,
}

/// Allocations, reads and writes for each message of each case, or of the one with that name.
fn memory(only: Option<&str>) -> Vec<Measured> {
    // Made when it is their turn: what they own would move what the others allocate.
    let events = std::iter::once_with(events::all).flatten();
    let mut measured = Vec::new();
    for case in cases::all().into_iter().chain(events) {
        match only {
            Some(name) if case.name != name => std::mem::forget(case), // as go_through does
            _ => measured.push(go_through(case)),
        }
    }
    measured
}

fn go_through(mut case: Case) -> Measured {
    let (name, messages) = (case.name, case.count() as f64);
    // First what is there once: buffers grow, tasks start.
    (case.work)(case.rounds);
    let before = [allocations::count(), wire::reads(), wire::writes()];
    measured(&mut *case.work, case.rounds);
    let after = [allocations::count(), wire::reads(), wire::writes()];
    let has_wire = case.has_wire;
    // No peer waits for the close frames of connections that are dropped.
    std::mem::forget(case);
    let figures = ["allocations", "reads", "writes"].into_iter().zip(before.into_iter().zip(after));
    let figures = figures.take(if has_wire { 3 } else { 1 });
    let figures = figures.map(|(what, (before, after))| {
        (format!("{name} {what}"), (after - before) as f64 / messages)
    });
    Measured { name, messages, figures: figures.collect() }
}

/// What callgrind collects from.
#[inline(never)]
fn measured(work: &mut dyn FnMut(u64), rounds: u64) {
    work(rounds);
    // Not the last call, or it would be a jump.
    std::hint::black_box(());
}
