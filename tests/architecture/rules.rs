//! What is checked, one function per rule.

use std::fmt;

use crate::paths::Path;
use crate::source::{File, Tree};
use crate::table::{EMPTY_NAMES, FOLDERS_WITH_IO, Floor, IMPURE, MAX_LINES, Plan};

/// A breach of a rule, and where it stands.
#[derive(Debug)]
pub(crate) struct Complaint {
    place: String,
    what: String,
}

impl Complaint {
    fn new(tree: &Tree, file: &File, line: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{}/src/{}:{line}", tree.plan.krate, file.path), what: what.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A floor imports itself and what its row grants, nothing else.
pub(crate) fn imports(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    // `lib.rs` stands above all floors: it shows what they have.
    for file in tree.files.iter().filter(|file| !file.module.is_empty()) {
        let Some(from) = floor_of(tree.plan, &file.module) else {
            complaints.push(Complaint::new(tree, file, 1, "its module has no row in the table"));
            continue;
        };
        for path in file.paths() {
            let Some(target) = resolve(tree, file, path) else { continue };
            let Some(to) = floor_of(tree.plan, &target) else {
                let what = format!("`{}` is on no floor of the table", path.segments.join("::"));
                complaints.push(Complaint::new(tree, file, path.line, what));
                continue;
            };
            if to.module != from.module && !from.may_import.contains(&to.module) {
                let what = format!(
                    "`{}` may not import `{}` (`{}`)",
                    from.module,
                    to.module,
                    path.segments.join("::")
                );
                complaints.push(Complaint::new(tree, file, path.line, what));
            }
        }
    }
    complaints
}

/// I/O, clocks and randomness only in folders that are named for it.
pub(crate) fn purity(tree: &Tree) -> Vec<Complaint> {
    let pure = |file: &&File| !file.folders().any(|folder| FOLDERS_WITH_IO.contains(&folder));
    let complain = |file: &File, path: &Path| {
        let written = path.segments.join("::");
        let impure = IMPURE.iter().find(|impure| begins_or_ends(&written, impure))?;
        Some((path.line, format!("`{written}` in a pure module (`{impure}` has its own folders)")))
            .map(|(line, what)| Complaint::new(tree, file, line, what))
    };
    tree.files
        .iter()
        .filter(pure)
        .flat_map(|file| file.paths().iter().filter_map(move |path| complain(file, path)))
        .collect()
}

/// `cfg(feature)` stands on `mod` and `use` lines of `mod.rs` and `lib.rs`, so that a module is there as a whole or not at all.
pub(crate) fn features(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let found = file.found();
        let elsewhere = found.features_elsewhere.iter();
        let front = found.features_on_front_lines.iter().filter(|_| !file.is_front());
        for line in elsewhere.chain(front) {
            let what =
                "`cfg(feature)` that is not on a `mod` or `use` line of a `mod.rs` or `lib.rs`";
            complaints.push(Complaint::new(tree, file, *line, what));
        }
    }
    complaints
}

/// No file is longer than the limit, tests not counted.
pub(crate) fn sizes(tree: &Tree) -> Vec<Complaint> {
    let lines = |file: &File| file.text.lines().count() - file.found().test_lines;
    tree.files
        .iter()
        .filter(|file| lines(file) > MAX_LINES)
        .map(|file| {
            Complaint::new(
                tree,
                file,
                1,
                format!("{} lines, {MAX_LINES} are the limit", lines(file)),
            )
        })
        .collect()
}

/// Names say what is inside, a folder has its `mod.rs`, and that opens with what it is.
pub(crate) fn names(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        let mut complain = |what: String| complaints.push(Complaint::new(tree, file, 1, what));
        if let Some(name) = file.module.iter().find(|name| EMPTY_NAMES.contains(&name.as_str())) {
            complain(format!("`{name}` says nothing about what is inside"));
        }
        let folder = format!("{}/", file.path.trim_end_matches(".rs"));
        if tree.files.iter().any(|other| other.path.starts_with(&folder)) {
            complain(format!("stands beside the folder `{folder}`: it should be its `mod.rs`"));
        }
        if file.is_front() && !file.text.starts_with("//!") {
            complain("does not open with what this module is".into());
        }
    }
    complaints
}

/// The row with the longest name that this path begins with.
fn floor_of<'a>(plan: &'a Plan, path: &[String]) -> Option<&'a Floor> {
    let begins = |floor: &&Floor| {
        let module: Vec<&str> = floor.module.split("::").collect();
        path.len() >= module.len() && module.iter().zip(path).all(|(a, b)| a == b)
    };
    plan.floors.iter().filter(begins).max_by_key(|floor| floor.module.len())
}

/// Where in this crate a path leads, from its root; `None` if out of the crate, or just to a neighbour.
fn resolve(tree: &Tree, file: &File, path: &Path) -> Option<Vec<String>> {
    let here = [&file.module[..], &path.inside[..]].concat();
    let mut segments = path.segments.iter().peekable();
    let mut target = match segments.peek()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => here,
        first if tree.modules.contains(&[&here[..], &[first.to_owned()]].concat().join("::")) => {
            here
        }
        _ => return None,
    };
    for segment in segments {
        match segment.as_str() {
            "crate" | "self" => {}
            "super" => {
                target.pop();
            }
            name => target.push(name.to_owned()),
        }
    }
    // A name at the crate's root stands for what `lib.rs` re-exports under it.
    match target.first().and_then(|first| tree.exports.get(first)) {
        Some(exported) => Some(exported.clone()),
        None => Some(target),
    }
}

/// Is one path, segment by segment, the beginning or the end of the other?
fn begins_or_ends(path: &str, part: &str) -> bool {
    path == part || path.starts_with(&format!("{part}::")) || path.ends_with(&format!("::{part}"))
}
