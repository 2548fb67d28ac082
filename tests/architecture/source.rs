//! The sources of one crate: files with their place in the tree of modules.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::paths::{Found, read};
use crate::table::Plan;

/// All sources of a crate.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) plan: &'static Plan,
    pub(crate) files: Vec<File>,
    /// Modules that have a file, like `proto::frame`.
    pub(crate) modules: BTreeSet<String>,
    /// What `lib.rs` re-exports: the name at the crate's root and the path it stands for.
    pub(crate) exports: BTreeMap<String, Vec<String>>,
}

/// One file, outside of the tests.
#[derive(Debug)]
pub(crate) struct File {
    /// Below `src`, like `proto/frame.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Its module, like `["proto", "frame"]`.
    pub(crate) module: Vec<String>,
    found: OnceCell<Found>,
}

impl Tree {
    /// Reads `src` of the package in this folder.
    pub(crate) fn read(package: &Path, plan: &'static Plan) -> Self {
        let src = package.join("src");
        let mut files = Vec::new();
        read_folder(&src, &src, &mut files);
        Self::new(plan, files)
    }

    /// From pairs of path and text. Files of tests are left out: they may import what they like.
    pub(crate) fn new(
        plan: &'static Plan,
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let files: Vec<File> = files
            .into_iter()
            .filter(|(path, _)| !is_test(path))
            .map(|(path, text)| File::new(path, text))
            .collect();
        let modules = files
            .iter()
            .map(|file| file.module.join("::"))
            .filter(|module| !module.is_empty())
            .collect();
        let exports = files
            .iter()
            .filter(|file| file.path == "lib.rs")
            .flat_map(|file| &file.found().paths)
            .filter_map(|path| Some((path.exported_as.clone()?, path.segments.clone())))
            .collect();
        Self { plan, files, modules, exports }
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let mut module: Vec<String> =
            path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        module.pop_if(|last| last == "mod" || last == "lib");
        Self { path, text, module, found: OnceCell::new() }
    }

    /// What stands in it. Panics if it isn't Rust.
    pub(crate) fn found(&self) -> &Found {
        self.found.get_or_init(|| {
            read(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
        })
    }

    pub(crate) fn paths(&self) -> &[crate::paths::Path] {
        &self.found().paths
    }

    /// The folders it lies in, below `src`.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.path.rsplit('/').skip(1)
    }

    /// Is it a `mod.rs` or a `lib.rs`?
    pub(crate) fn is_front(&self) -> bool {
        self.path == "lib.rs" || self.path.ends_with("mod.rs")
    }
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

fn read_folder(src: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(folder).expect("a folder of sources can be read");
    for entry in entries {
        let path = entry.expect("a folder of sources can be read").path();
        if path.is_dir() {
            read_folder(src, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(src).expect("it was found in there");
            let text = fs::read_to_string(&path).expect("a source is readable text");
            files.push((below.to_string_lossy().replace('\\', "/"), text));
        }
    }
    files.sort();
}
