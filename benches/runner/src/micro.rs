//! The micro benchmarks: run in rounds, and written down beside the rest.
//!
//! divan prints for people; what it prints is read here. A round takes all benchmarks once, so that what is compared was
//! measured within seconds, again and again.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::samples::Samples;

/// The benchmarks of the crate `micro`.
const BENCHES: &[&str] = &["mask", "utf8", "header", "decode", "deflate"];
const OURS: &str = "ours";
/// The goal for masks: this part of the best other's speed, at every size.
const OF_THE_BEST: f64 = 0.95;

/// Runs all of them, `rounds` times, on one core.
pub(crate) fn run(
    benches: &Path,
    samples: &mut Samples,
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    for round in 0..rounds {
        for bench in BENCHES {
            eprint!("\r\x1b[Kround {} of {rounds}: micro {bench}", round + 1);
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", "0", "cargo", "bench", "--quiet", "--package", "micro"]);
            command.arg("--manifest-path").arg(benches.join("Cargo.toml"));
            command.args(["--bench", bench, "--", "--color", "never"]);
            command.args(["--min-time", "0.02", "--max-time", "0.03"]);
            let output = command.output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).trim().into());
            }
            for (work, who, nanoseconds) in read(&String::from_utf8_lossy(&output.stdout)) {
                samples.add(&work, &who, json!({ "ns": nanoseconds }))?;
            }
        }
    }
    eprintln!("\r\x1b[K");
    Ok(())
}

/// The medians in a table of divan: what was done, who did it, nanoseconds.
fn read(table: &str) -> Vec<(String, String, f64)> {
    let (mut path, mut found) = (Vec::<String>::new(), Vec::new());
    for line in table.lines() {
        let line = line.replace("╰─", "├─");
        let (depth, rest) = match line.split_once("├─ ") {
            Some((before, rest)) => (before.chars().count() / 3 + 1, rest),
            // The head of a table has no branch, the rows of throughput have not even a name.
            None if line.contains("fastest") => (0, &*line),
            None => continue,
        };
        let columns: Vec<&str> = rest.split('│').collect();
        let Some(name) = columns[0].split_whitespace().next() else { continue };
        path.truncate(depth);
        path.push(name.into());
        // The path is the benchmark, perhaps a kind, who, and perhaps a size.
        let median = columns.get(2).and_then(|median| time(median));
        if let (Some(median), [.., who, size], true) = (median, &*path, depth > 0) {
            let kind = path[..path.len() - 2].join(" ");
            found.push((format!("{kind} {size}"), who.clone(), median));
        }
    }
    found
}

/// As in `4.147 ns`.
fn time(text: &str) -> Option<f64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let scale = match unit {
        "ps" => 1e-3,
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}

/// The figures for people.
pub(crate) fn markdown(samples: &Samples, machine: &Value) -> String {
    let said = |key: &str| machine[key].as_str().unwrap_or("?").to_owned();
    let mut out = format!(
        "# Single steps of `ws` and of others\n\n{}, commit {}. {}, {}.\n\nNanoseconds, medians over the rounds, on one core. \
         Behind ours: our speed as a part of the best other's, so that more than 1 is faster.\n",
        said("date"),
        said("commit"),
        said("cpu"),
        said("rustc"),
    );
    let works = samples.works();
    let kind = |work: &str| work.rsplit_once(' ').map_or_else(String::new, |(kind, _)| kind.into());
    let mut kinds: Vec<String> = works.iter().map(|work| kind(work)).collect();
    kinds.dedup();
    for of in kinds {
        let works: Vec<&str> = works.iter().filter(|work| kind(work) == of).copied().collect();
        table(&mut out, samples, &of, &works);
    }
    out
}

fn table(out: &mut String, samples: &Samples, kind: &str, works: &[&str]) {
    let median = |work: &str, who: &str| Some(samples.figures(work, who, "ns")?.median());
    let others: Vec<&str> = samples.servers().into_iter().filter(|who| *who != OURS).collect();
    let others: Vec<&str> =
        others.into_iter().filter(|who| median(works[0], who).is_some()).collect();
    let rule = "---|".repeat(others.len());
    let mut put = |line: String| writeln!(out, "{line}").expect("a string takes what is written");
    put(format!("\n## {kind}\n\n| size | ours | of the best | {} |", others.join(" | ")));
    put(format!("|---|---|---|{rule}"));
    for work in works {
        let Some(ours) = median(work, OURS) else { continue };
        let times: Vec<f64> = others.iter().filter_map(|who| median(work, who)).collect();
        let best = times.iter().copied().fold(f64::INFINITY, f64::min);
        let missed = kind.starts_with("mask") && best / ours < OF_THE_BEST;
        let mark = if missed { " **no**" } else { "" };
        let cells: String = times.iter().map(|time| format!(" {time:.1} |")).collect();
        let size = work.rsplit(' ').next().unwrap_or_default();
        put(format!("| {size} | {ours:.1} | {:.2}{mark} |{cells}", best / ours));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_divan_is_read() {
        let table = "\
Timer precision: 20 ns
mask               fastest       │ slowest       │ median        │ mean          │ samples │ iters
├─ aligned                       │               │               │               │         │
│  ├─ ours                       │               │               │               │         │
│  │  ├─ 16        3.228 ns      │ 66.8 ns       │ 3.288 ns      │ 3.385 ns      │ 7716    │ 3950592
│  │  │            4.956 GB/s    │ 239.5 MB/s    │ 4.866 GB/s    │ 4.726 GB/s    │         │
│  │  ╰─ 65536     1.131 µs      │ 25.52 µs      │ 1.136 µs      │ 1.154 µs      │ 8374    │ 16748
│  ╰─ yawc                       │               │               │               │         │
│     ╰─ 16        2.642 ns      │ 29.91 ns      │ 2.711 ns      │ 2.755 ns      │ 4641    │ 4752384
╰─ unaligned                     │               │               │               │         │
   ╰─ ours                       │               │               │               │         │
      ╰─ 16        2.642 ns      │ 29.91 ns      │ 2.8 ns        │ 2.755 ns      │ 4641    │ 4752384

deflate            fastest       │ slowest       │ median        │ mean          │ samples │ iters
╰─ ours                          │               │               │               │         │
   ╰─ 1024         2.6 ms        │ 29.91 ms      │ 2.7 ms        │ 2.755 ms      │ 4641    │ 4752384
";
        let expected = [
            ("mask aligned 16", "ours", 3.288),
            ("mask aligned 65536", "ours", 1136.0),
            ("mask aligned 16", "yawc", 2.711),
            ("mask unaligned 16", "ours", 2.8),
            ("deflate 1024", "ours", 2.7e6),
        ];
        let read = read(table);
        let found: Vec<_> = read.iter().map(|(work, who, ns)| (&**work, &**who, *ns)).collect();
        assert_eq!(found, expected);
    }
}
