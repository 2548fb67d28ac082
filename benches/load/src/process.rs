//! What the system knows of a process, and what changed between two looks.

use std::fs;
use std::io;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Counters at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    at: Instant,
    server: Duration,
    own: Duration,
}

impl Reading {
    pub(crate) fn take(pid: u32) -> io::Result<Self> {
        let (server, own) = (time_of(pid)?, time_of(std::process::id())?);
        Ok(Self { at: Instant::now(), server, own })
    }

    pub(crate) const fn at(&self) -> Instant {
        self.at
    }

    /// What `count` messages since `self` took.
    pub(crate) fn compare(&self, last: &Self, count: u64) -> Value {
        let elapsed = (last.at - self.at).as_secs_f64();
        let count = count as f64;
        let server = (last.server - self.server).as_secs_f64();
        let own = (last.own - self.own).as_secs_f64();
        json!({
            "per_second": count / elapsed,
            "server_us": server / count * 1e6,
            "own_us": own / count * 1e6,
            "server_busy": server / elapsed,
            "own_busy": own / elapsed,
            "generator_was_the_limit": own / elapsed > 0.93 && server / elapsed < 0.9,
        })
    }
}

/// CPU time of a process so far, user and system, of all its threads.
fn time_of(pid: u32) -> io::Result<Duration> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(task?.path().join("schedstat"))?;
        total += field::<u64>(stat.split_whitespace().next())?;
    }
    Ok(Duration::from_nanos(total))
}

/// Memory of a process in bytes: what belongs to it alone and is not backed by a file.
pub(crate) fn anonymous_memory_of(pid: u32) -> io::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    Ok(field::<u64>(line.and_then(|line| line.split_whitespace().next()))? * 1024)
}

fn field<T: FromStr>(text: Option<&str>) -> io::Result<T> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
