//! Holds the sources of `ws` and `sio` against the plan of the house: who may import whom, where I/O and
//! clocks may live, where `cfg(feature)` may stand, how long a file may be and what it may not be called.
//!
//! [`table`] is the plan as data, [`rules`] what is checked, [`source`] and [`paths`] how a file is read.
//! [`self_tests`] plant one breach of each rule in made-up sources and ask for the complaint: a rule that
//! can't fail would guard nothing.

mod paths;
mod rules;
mod self_tests;
mod source;
mod table;

use std::path::Path;

use crate::rules::Complaint;
use crate::source::Tree;
use crate::table::{SIO, WS};

fn trees() -> [Tree; 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [Tree::read(&root.join("ws"), &WS), Tree::read(&root.join("sio"), &SIO)]
}

#[track_caller]
fn assert_clean(rule: fn(&Tree) -> Vec<Complaint>) {
    let complaints: Vec<_> =
        trees().iter().flat_map(rule).map(|complaint| complaint.to_string()).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_floor_imports_only_what_the_table_grants_it() {
    assert_clean(rules::imports);
}

#[test]
fn tokio_sockets_clocks_and_randomness_stay_in_the_folders_made_for_them() {
    assert_clean(rules::purity);
}

#[test]
fn features_are_asked_for_on_mod_and_use_lines_only() {
    assert_clean(rules::features);
}

#[test]
fn files_have_a_size_that_one_can_read() {
    assert_clean(rules::sizes);
}

#[test]
fn files_and_folders_have_names_that_say_something() {
    assert_clean(rules::names);
}

#[test]
fn there_is_something_to_check() {
    for tree in trees() {
        assert!(tree.files.len() > 10, "{} has {} files", tree.plan.krate, tree.files.len());
        let imports: usize = tree.files.iter().map(|file| file.paths().len()).sum();
        assert!(imports > 100, "{} has {imports} paths", tree.plan.krate);
    }
}
