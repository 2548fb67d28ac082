//! What was measured, sample by sample, in a file with a line of JSON for each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

pub(crate) struct Samples {
    file: File,
    all: Vec<Sample>,
}

struct Sample {
    work: String,
    server: String,
    value: Value,
}

/// The figures of one server at one work, in ascending order.
#[derive(Debug, Clone)]
pub(crate) struct Figures(Vec<f64>);

impl Samples {
    /// Those in a file, if there is one, to be added to.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        let all = text.lines().map(|line| {
            let value: Value = serde_json::from_str(line)?;
            let name = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            Ok(Sample { work: name("work"), server: name("server"), value })
        });
        let all = all.collect::<io::Result<_>>()?;
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)?, all })
    }

    pub(crate) fn add(&mut self, work: &str, server: &str, value: Value) -> io::Result<()> {
        let mut line = json!({ "work": work, "server": server });
        if let (Some(line), Some(value)) = (line.as_object_mut(), value.as_object()) {
            line.extend(value.clone());
        }
        writeln!(self.file, "{line}")?;
        self.all.push(Sample { work: work.into(), server: server.into(), value });
        Ok(())
    }

    /// Whether there is anything of this work.
    pub(crate) fn has(&self, work: &str) -> bool {
        self.all.iter().any(|sample| sample.work == work)
    }

    /// Names of works, as they came first.
    pub(crate) fn works(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for sample in &self.all {
            if !names.contains(&&*sample.work) {
                names.push(&sample.work);
            }
        }
        names
    }

    /// Names of servers, as they came first.
    pub(crate) fn servers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for sample in &self.all {
            if !names.contains(&&*sample.server) {
                names.push(&sample.server);
            }
        }
        names
    }

    /// One figure of all samples of a server at a work, if there are any.
    pub(crate) fn figures(&self, work: &str, server: &str, key: &str) -> Option<Figures> {
        let mine = self.all.iter().filter(|s| s.work == work && s.server == server);
        let mut figures: Vec<f64> = mine.filter_map(|sample| sample.value[key].as_f64()).collect();
        figures.sort_by(f64::total_cmp);
        (!figures.is_empty()).then_some(Figures(figures))
    }

    /// How many samples of a server at a work say `true` to `key`, and how many there are.
    pub(crate) fn count(&self, work: &str, server: &str, key: &str) -> (usize, usize) {
        let mine = || self.all.iter().filter(|s| s.work == work && s.server == server);
        (mine().filter(|sample| sample.value[key] == true).count(), mine().count())
    }
}

impl Figures {
    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() % 2 {
            0 => f64::midpoint(self.0[middle - 1], self.0[middle]),
            _ => self.0[middle],
        }
    }

    /// From the least to the most, as a part of the median.
    pub(crate) fn spread(&self) -> f64 {
        (self.0[self.0.len() - 1] - self.0[0]) / self.median().abs()
    }

    pub(crate) fn min(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads() {
        let odd = Figures(vec![1.0, 2.0, 4.0]);
        assert_eq!((odd.median(), odd.spread()), (2.0, 1.5));
        assert_eq!(Figures(vec![1.0, 3.0]).median(), 2.0);
    }

    #[test]
    fn failed_samples_are_kept_but_have_no_figures() {
        let file = std::env::temp_dir().join(format!("samples-{}.jsonl", std::process::id()));
        let mut samples = Samples::open(&file).unwrap();
        samples.add("echo", "floor", json!({ "per_second": 5.0, "limit": true })).unwrap();
        samples.add("echo", "floor", json!({ "failed": "why" })).unwrap();
        let again = Samples::open(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for samples in [samples, again] {
            assert_eq!(samples.figures("echo", "floor", "per_second").unwrap().median(), 5.0);
            assert_eq!(samples.count("echo", "floor", "limit"), (1, 2));
            assert!(samples.figures("echo", "else", "per_second").is_none());
        }
    }
}
