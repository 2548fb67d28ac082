//! This program under callgrind and strace.

use std::env::current_exe;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};

use crate::Figure;

type Tried<T> = Result<T, Box<dyn Error>>;

/// A folder that is gone when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Tried<Self> {
        let path = std::env::temp_dir().join(format!("cost-{}", id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Instructions of each case in memory, all messages together.
pub(crate) fn callgrind() -> Tried<Vec<f64>> {
    let scratch = Scratch::new()?;
    let out = scratch.0.join("out");
    // One file each time that `measured` is left.
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--collect-atstart=no", "--combine-dumps=no"]);
    command.args(["--toggle-collect=cost::measured", "--dump-after=cost::measured"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(current_exe()?).arg("memory");
    run(&mut command)?;
    let mut totals = Vec::new();
    while let Ok(text) = fs::read_to_string(out.with_extension((totals.len() + 1).to_string())) {
        let line = text.lines().find_map(|line| line.strip_prefix("summary: "));
        let first = line.and_then(|line| line.split_whitespace().next());
        totals.push(first.ok_or("callgrind says no sum")?.parse()?);
    }
    Ok(totals)
}

/// System calls of the server over TCP for each message.
pub(crate) fn system_calls() -> Tried<Vec<Figure>> {
    const FEW: u64 = 500;
    const MANY: u64 = 1500;
    let scratch = Scratch::new()?;
    let mut figures = Vec::new();
    for how in ["push", "pull"] {
        for messages in [1, 16] {
            let few = strace(&scratch.0, how, FEW, messages)?;
            let many = strace(&scratch.0, how, MANY, messages)?;
            let each = (many - few) / ((MANY - FEW) * messages) as f64;
            figures.push((format!("tcp-{how}-128x{messages} system-calls"), each));
        }
    }
    Ok(figures)
}

/// All system calls of the main thread.
fn strace(scratch: &Path, how: &str, rounds: u64, messages: u64) -> Tried<f64> {
    let out = scratch.join("calls");
    let mut command = Command::new("strace");
    command.args(["-c", "-U", "calls,name", "-o"]).arg(&out).arg(current_exe()?);
    command.args(["tcp", how, &rounds.to_string(), &messages.to_string()]);
    run(&mut command)?;
    let text = fs::read_to_string(out)?;
    let total = text.lines().find_map(|line| line.trim().strip_suffix("total"));
    Ok(total.ok_or("strace says no sum")?.trim().parse()?)
}

fn run(command: &mut Command) -> Tried<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
