//! The file of what is expected, and what has changed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Figure;

/// A figure may rise by this part, and by this much, before it counts.
const PART: f64 = 0.05;
const LEAST: f64 = 0.02;

const HEAD: &str = "\
# What a message costs, written by `tests/cost/run --renew`; see main.rs.
";

/// Writes down what was measured.
pub(crate) fn write(path: &Path, figures: &[Figure]) -> std::io::Result<()> {
    let mut text = HEAD.to_owned();
    for (name, value) in figures {
        writeln!(text, "{name:<44}{value:>12.2}").expect("a string takes whatever is written");
    }
    fs::write(path, text)
}

/// Says what has changed. Whether nothing has risen too far.
pub(crate) fn compare(path: &Path, figures: &[Figure]) -> Result<bool, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let mut expected = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.trim().rsplit_once(' ').ok_or("a name and a value")?;
        expected.insert(name.trim(), value.parse::<f64>()?);
    }
    let (mut risen, mut fallen) = (0, 0);
    for (name, value) in figures {
        let Some(before) = expected.remove(&**name) else {
            println!("{name}: {value:.2}, not expected at all");
            risen += 1;
            continue;
        };
        let margin = (before * PART).max(LEAST);
        if *value > before + margin {
            risen += 1;
        } else if *value < before - margin {
            fallen += 1;
        } else {
            continue;
        }
        println!("{name}: {value:.2}, was {before:.2} ({:+.1} %)", (value / before - 1.0) * 100.0);
    }
    for name in expected.keys() {
        println!("{name}: is measured no more");
        risen += 1;
    }
    println!("{} figures: {risen} risen, {fallen} fallen", figures.len());
    if risen + fallen > 0 {
        println!("If that is as it shall be: tests/cost/run --renew");
    }
    Ok(risen == 0)
}
