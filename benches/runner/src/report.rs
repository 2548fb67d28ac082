//! The report: medians, spreads and ratios, as a table for each work and one over all.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::samples::Samples;
use crate::server::{self, Role};
use crate::work::{self, Goal, Kind, Work};

/// One server at one work.
pub(crate) struct Row {
    pub(crate) server: String,
    pub(crate) role: Role,
    pub(crate) median: f64,
    pub(crate) spread: f64,
}

/// The rows of a work that was measured.
pub(crate) fn rows(samples: &Samples, work: &Work) -> Vec<Row> {
    let (key, _) = work.kind.figure();
    let known = server::all();
    let row = |name: &&str| {
        let figures = samples.figures(&work.name, name, key)?;
        let role = known.iter().find(|s| s.name == *name).map_or(Role::Ours, |s| s.role);
        Some(Row {
            server: (*name).into(),
            role,
            median: figures.median(),
            spread: figures.spread(),
        })
    };
    samples.servers().iter().filter_map(row).collect()
}

/// What the others are compared with: what the kernel allows, or what one core does.
pub(crate) fn base(rows: &[Row]) -> Option<&Row> {
    rows.iter().find(|row| matches!(row.role, Role::Floor | Role::OneCore))
}

/// What [`base`] is called at this work.
const fn base_name(work: &Work) -> &'static str {
    if work.scaling { "one core" } else { "the floor" }
}

/// The best of the rivals in Rust.
pub(crate) fn best_rival(rows: &[Row], kind: Kind) -> Option<&Row> {
    let rivals = rows.iter().filter(|row| row.role == Role::Rust);
    if kind.more_is_better() {
        rivals.max_by(|a, b| a.median.total_cmp(&b.median))
    } else {
        rivals.min_by(|a, b| a.median.total_cmp(&b.median))
    }
}

/// The figures for programs.
pub(crate) fn medians(samples: &Samples) -> serde_json::Result<String> {
    let mut all = serde_json::Map::new();
    for work in work::all().iter().filter(|work| samples.has(&work.name)) {
        let (key, unit) = work.kind.figure();
        let mut of_work = serde_json::Map::new();
        for row in rows(samples, work) {
            if let Some(figures) = samples.figures(&work.name, &row.server, key) {
                let figures = json!({
                    "median": figures.median(),
                    "min": figures.min(),
                    "max": figures.max(),
                    "samples": figures.len(),
                });
                of_work.insert(row.server, figures);
            }
        }
        all.insert(work.name.clone(), json!({ "unit": unit, "servers": of_work }));
    }
    serde_json::to_string_pretty(&all).map(|text| text + "\n")
}

/// The figures for people.
pub(crate) fn markdown(samples: &Samples, machine: &Value) -> String {
    let mut out = String::from("# `ws` and others\n\n");
    let said = |key: &str| machine[key].as_str().unwrap_or("?").to_owned();
    let cores = &machine["cores"];
    line(
        &mut out,
        format_args!(
            "{}, commit {}. {}, {cores} cores,",
            said("date"),
            said("commit"),
            said("cpu")
        ),
    );
    line(&mut out, format_args!("{}, {}, Node {}.", said("kernel"), said("rustc"), said("node")));
    line(&mut out, format_args!("{}.\n", said("crates")));
    out.push_str(
        "A server on one core, the load generator on another, over loopback. Medians; the spread is from the least to the most, \
         as a part of the median. Only the ratios mean something elsewhere. `!` marks figures of which the generator was the \
         limit: the server could do more. Where two cores are compared with one, the \
         server may use both, and the generator takes its part of one of them: see its CPU.\n\n![ratios](plot.svg)\n\n",
    );
    let works: Vec<_> = work::all().into_iter().filter(|work| samples.has(&work.name)).collect();
    overview(&mut out, samples, &works);
    for work in &works {
        table(&mut out, samples, work);
    }
    out
}

fn overview(out: &mut String, samples: &Samples, works: &[Work]) {
    out.push_str("## Ours\n\n| work | of the floor, or of one core | of the best Rust rival | goal | |\n|---|---|---|---|---|\n");
    for work in works {
        let rows = rows(samples, work);
        let floor = base(&rows);
        let rival = best_rival(&rows, work.kind);
        let ours: Vec<_> = rows.iter().filter(|row| row.role == Role::Ours).collect();
        let each = |of: Option<&Row>| match of {
            None => "-".to_owned(),
            Some(of) => {
                let ratios = ours.iter().map(|row| format!("{:.2}", row.median / of.median));
                ratios.collect::<Vec<_>>().join(", ")
            }
        };
        let (floor, of_rival) = (each(floor), each(rival));
        let rival = rival.map_or("", |row| &row.server);
        let (goal, reached) = goal(samples, work, &rows);
        line(
            out,
            format_args!("| {} | {floor} | {of_rival} {rival} | {goal} | {reached} |", work.name),
        );
    }
    out.push('\n');
}

/// The goal of a work in words, and which of ours reach it.
fn goal(samples: &Samples, work: &Work, rows: &[Row]) -> (String, String) {
    let floor = base(rows).map(|row| row.median);
    let rival = best_rival(rows, work.kind).map(|row| row.median);
    let more = work.kind.more_is_better();
    let sign = if more { "≥" } else { "≤" };
    let words = match &work.goal {
        Goal::None => return (String::new(), String::new()),
        Goal::OfFloor(push, pull) if push == pull => {
            format!("{sign} {push} of {}", base_name(work))
        }
        Goal::OfFloor(push, pull) => format!("{sign} {push}, {pull} of the floor"),
        Goal::OfRival(part) => format!("{sign} {part} of the rival"),
        Goal::OfOwn(other, part) => format!("{sign} {part} of our {other}"),
        Goal::AtMost(push, pull) => format!("≤ {push}, {pull}"),
    };
    let verdicts = rows.iter().filter(|row| row.role == Role::Ours).map(|row| {
        let is_push = row.server.ends_with("push");
        let pick = |push: f64, pull: f64| if is_push { push } else { pull };
        let limit = match &work.goal {
            Goal::None => None,
            Goal::OfFloor(push, pull) => floor.map(|floor| floor * pick(*push, *pull)),
            Goal::OfRival(part) => rival.map(|rival| rival * part),
            Goal::OfOwn(other, part) => {
                let (key, _) = work.kind.figure();
                samples.figures(other, &row.server, key).map(|figures| figures.median() * part)
            }
            Goal::AtMost(push, pull) => Some(pick(*push, *pull)),
        };
        match limit {
            None => "?",
            Some(limit) if (row.median >= limit) == more || row.median == limit => "yes",
            Some(_) => "**no**",
        }
    });
    (words, verdicts.collect::<Vec<_>>().join(", "))
}

fn table(out: &mut String, samples: &Samples, work: &Work) {
    let (_, unit) = work.kind.figure();
    line(out, format_args!("## {}\n", work.name));
    let extra = extra_columns(work.kind);
    let titles: String = extra.iter().map(|(title, ..)| format!(" {title} |")).collect();
    let rule = "---|".repeat(extra.len());
    line(
        out,
        format_args!(
            "| server | {unit} | spread | of {} | of the best Rust rival |{titles}",
            base_name(work)
        ),
    );
    line(out, format_args!("|---|---|---|---|---|{rule}"));
    let rows = rows(samples, work);
    let floor = base(&rows);
    let rival = best_rival(&rows, work.kind);
    for row in &rows {
        let of = |other: Option<&Row>| {
            other.map_or("-".to_owned(), |other| format!("{:.2}", row.median / other.median))
        };
        let (limited, count) = samples.count(&work.name, &row.server, "generator_was_the_limit");
        let mark = if 2 * limited > count { " !" } else { "" };
        let cells: String = extra
            .iter()
            .map(|(_, key, digits)| {
                let figures = samples.figures(&work.name, &row.server, key);
                figures.map_or(" - |".to_owned(), |f| format!(" {:.*} |", *digits, f.median()))
            })
            .collect();
        let figure = figure(row.median);
        let (spread, of_floor, of_rival) = (row.spread * 100.0, of(floor), of(rival));
        line(
            out,
            format_args!(
                "| {} | {figure}{mark} | {spread:.0} % | {of_floor} | {of_rival} |{cells}",
                row.server
            ),
        );
    }
    out.push('\n');
}

type Column = (&'static str, &'static str, usize);

const fn extra_columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Echo => &[
            ("CPU us", "server_us", 3),
            ("busy", "server_busy", 2),
            ("generator us", "own_us", 3),
            ("p50 us", "gap_p50_us", 0),
            ("p99 us", "gap_p99_us", 0),
            ("least served", "least_of_mean", 2),
            ("bytes on the wire", "wire_bytes", 0),
        ],
        Kind::FanOut => &[
            ("deliveries/s", "per_second", 0),
            ("busy", "server_busy", 2),
            ("writes per burst", "arrivals_per_burst", 2),
            ("p99 us", "burst_p99_us", 0),
        ],
        Kind::Handshake => &[("per second", "per_second", 0), ("busy", "server_busy", 2)],
        Kind::Idle => &[("after 64 KiB each", "bytes_each_after", 0)],
    }
}

fn figure(value: f64) -> String {
    match value.abs() {
        100.0.. => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
        _ => format!("{value:.2}"),
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string takes whatever is written");
}
