//! Runs servers and the load generator against each other, in rounds that take turns, and writes down what came out.
//!
//! Only ratios within one run mean something elsewhere: servers that are compared are measured one after the other within
//! seconds, again and again, and the medians are put in relation.

mod certificate;
mod machine;
mod measure;
mod micro;
mod plot;
mod report;
mod samples;
mod server;
mod work;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use measure::Bench;
use samples::Samples;
use server::Server;
use work::Work;

/// Measures `ws` beside its rivals.
#[derive(Parser)]
struct Cli {
    /// The most telling works and servers, in less than three minutes.
    #[arg(long)]
    quick: bool,
    /// Only works with one of these names, or whose name contains what is no name, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only servers with exactly these names, separated by commas.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<String>,
    /// How often everything is measured. By default 3 with `--quick`, 5 without.
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds that one measurement takes. By default 0.5 with `--quick`, 1 without.
    #[arg(long)]
    time: Option<f64>,
    /// Only the micro benchmarks, which are part of the whole.
    #[arg(long)]
    micro: bool,
    /// Further builds of our server, as `name=path`, to compare with: they take part as `name-push` and `name-pull`.
    #[arg(long, value_delimiter = ',')]
    also: Vec<String>,
    /// The folder for what comes out. What is there already is kept and added to. By default `benches/runs/<date>` for the
    /// whole, else a new `benches/target/last-run`.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only writes the report of what is in `--out`.
    #[arg(long)]
    report: bool,
    /// Only lists works and servers.
    #[arg(long)]
    list: bool,
    /// The folder `benches`; given by the script `run`.
    #[arg(long, hide = true)]
    benches: PathBuf,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let servers = select_servers(cli)?;
    let works = select_works(cli);
    if cli.list {
        works.iter().for_each(|work| println!("{}", work.name));
        servers.iter().for_each(|server| println!("    {}", server.name));
        return Ok(());
    }
    if works.is_empty() {
        return Err("no such work; see --list".into());
    }
    let out = folder(cli)?;
    let mut samples = Samples::open(&out.join("samples.jsonl"))?;
    let mut steps = Samples::open(&out.join("micro.jsonl"))?;
    if !cli.report {
        let rounds = cli.rounds.unwrap_or(if cli.quick { 3 } else { 5 });
        let time = cli.time.unwrap_or(if cli.quick { 0.5 } else { 1.0 });
        if !cli.micro {
            let mut bench = Bench::new(&cli.benches, time, &mut samples)?;
            bench.run(&works, &servers, rounds)?;
        }
        if cli.micro || is_whole(cli) {
            micro::run(&cli.benches, &mut steps, rounds)?;
        }
        machine::describe(&cli.benches, &out)?;
    }
    // What was measured before is reported, too.
    let machine = machine::description(&out)?;
    if !samples.works().is_empty() {
        let table = report::markdown(&samples, &machine);
        std::fs::write(out.join("report.md"), &table)?;
        std::fs::write(out.join("medians.json"), report::medians(&samples)?)?;
        std::fs::write(out.join("plot.svg"), plot::svg(&samples))?;
        println!("{table}");
    }
    if !steps.works().is_empty() {
        let table = micro::markdown(&steps, &machine);
        std::fs::write(out.join("micro.md"), &table)?;
        println!("{table}");
    }
    Ok(())
}

/// Everything there is, for a run that is kept.
fn is_whole(cli: &Cli) -> bool {
    !cli.quick && !cli.micro && cli.only.is_empty() && cli.servers.is_empty()
}

fn select_works(cli: &Cli) -> Vec<Work> {
    let names: Vec<_> = work::all().into_iter().map(|work| work.name).collect();
    let named = |work: &Work| {
        let matches = |part: &String| match names.contains(part) {
            true => work.name == *part,
            false => work.name.contains(part.as_str()),
        };
        cli.only.iter().any(matches)
    };
    let all = work::all().into_iter();
    match (cli.only.is_empty(), cli.quick) {
        (true, true) => all.filter(|work| work.quick).collect(),
        (true, false) => all.collect(),
        (false, _) => all.filter(named).collect(),
    }
}

fn select_servers(cli: &Cli) -> Result<Vec<Server>, Box<dyn Error>> {
    let mut all = server::all();
    for also in &cli.also {
        let (name, path) = also.split_once('=').ok_or("--also name=path")?;
        all.extend(server::ours(name, Path::new(path)));
    }
    if let Some(name) = cli.servers.iter().find(|name| all.iter().all(|s| s.name != **name)) {
        return Err(format!("no such server: {name}; see --list").into());
    }
    all.retain(|server| match cli.servers.is_empty() {
        true => server.quick || !cli.quick,
        false => cli.servers.contains(&server.name),
    });
    Ok(all)
}

fn folder(cli: &Cli) -> std::io::Result<PathBuf> {
    let out = match &cli.out {
        Some(out) => out.clone(),
        None if !is_whole(cli) => {
            let last = cli.benches.join("target/last-run");
            let _ = std::fs::remove_dir_all(&last);
            last
        }
        None => cli.benches.join("runs").join(machine::today()?),
    };
    std::fs::create_dir_all(&out)?;
    Ok(out)
}
