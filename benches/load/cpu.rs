//! What the system knows of a process.

use std::fs;
use std::io;
use std::time::Duration;

/// CPU time of a process so far, user and system.
pub fn time_of(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    let main: u64 = field(stat.split_whitespace().next())?;
    // Of a process with several threads each has its own.
    let mut total = main;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?;
        if task.file_name().to_string_lossy() != pid.to_string() {
            let stat = fs::read_to_string(task.path().join("schedstat"))?;
            total += field::<u64>(stat.split_whitespace().next())?;
        }
    }
    Ok(Duration::from_nanos(total))
}

/// Memory that belongs to a process alone and is not backed by a file, in bytes.
pub fn memory_of(pid: u32) -> io::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    let kib: u64 = field(line.and_then(|line| line.split_whitespace().next()))?;
    Ok(kib * 1024)
}

fn field<T: std::str::FromStr>(text: Option<&str>) -> io::Result<T> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
