//! Where and of what a run was made.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Crates whose versions belong to the figures.
const CRATES: &[&str] = &[
    "fastwebsockets",
    "flate2",
    "libuwebsockets-sys",
    "sockudo-ws",
    "tokio",
    "tokio-tungstenite",
    "tokio-websockets",
    "yawc",
    "zlib-rs",
];

/// Writes down the machine, unless it is written there already.
pub(crate) fn describe(benches: &Path, folder: &Path) -> io::Result<()> {
    let path = folder.join("machine.json");
    if path.exists() {
        return Ok(());
    }
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let mut versions = Vec::new();
    for lock in ["Cargo.lock", "peers/uwebsockets/Cargo.lock"] {
        versions.extend(locked(&fs::read_to_string(benches.join(lock)).unwrap_or_default()));
    }
    let machine = json!({
        "date": today()?,
        "commit": said("git", &["-C", &benches.to_string_lossy(), "rev-parse", "--short", "HEAD"])?,
        "cpu": model.unwrap_or("?").trim(),
        "cores": std::thread::available_parallelism()?.get(),
        "kernel": said("uname", &["-sr"])?,
        "rustc": said("rustc", &["--version"])?,
        "node": said("node", &["--version"]).unwrap_or_default(),
        "crates": versions.join(", "),
    });
    fs::write(path, format!("{machine:#}\n"))
}

/// What [`describe`] wrote.
pub(crate) fn description(folder: &Path) -> io::Result<Value> {
    Ok(serde_json::from_str(&fs::read_to_string(folder.join("machine.json"))?)?)
}

/// As in 2026-01-31.
pub(crate) fn today() -> io::Result<String> {
    said("date", &["+%F"])
}

fn locked(lock: &str) -> Vec<String> {
    let lines: Vec<_> = lock.lines().collect();
    let field = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
    let packages = lines.windows(2).filter_map(|pair| {
        let (name, version) = (field(pair[0], "name = ")?, field(pair[1], "version = ")?);
        CRATES.contains(&&*name).then(|| format!("{name} {version}"))
    });
    packages.collect()
}

fn said(program: &str, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
