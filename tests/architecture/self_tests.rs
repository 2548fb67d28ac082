//! Each rule, on made-up sources with one breach in them, and without.

use crate::rules::{self, Complaint};
use crate::source::Tree;
use crate::table::{Floor, MAX_LINES, Plan};

static PLAN: Plan = Plan {
    krate: "house",
    floors: &[
        Floor { module: "cellar", may_import: &[] },
        Floor { module: "ground", may_import: &["cellar"] },
        Floor { module: "ground::server", may_import: &["ground"] },
        Floor { module: "roof", may_import: &["ground"] },
    ],
};

const LIB: &str = "//! House.\npub mod cellar;\npub mod ground;\npub mod roof;\npub use cellar::{Jar, shelf::Wine as Bottle};\npub use roof::Tile;\n";

/// A house in order, with these files added or replaced.
fn tree(files: &[(&str, &str)]) -> Tree {
    let mut all = vec![
        ("lib.rs", LIB),
        ("cellar/mod.rs", "//! Cellar.\nmod shelf;\npub struct Jar;"),
        ("cellar/shelf.rs", "use super::Jar;\npub struct Wine(Jar);"),
        (
            "ground/mod.rs",
            "//! Ground.\npub mod server;\nuse crate::cellar::Jar;\npub struct Door(Jar);",
        ),
        ("ground/server/mod.rs", "//! Server.\nuse tokio::net::TcpListener;\nuse super::Door;"),
        ("roof/mod.rs", "//! Roof.\nuse crate::ground::Door;\npub struct Tile(Door);"),
    ];
    all.retain(|(path, _)| files.iter().all(|(added, _)| added != path));
    all.extend(files);
    Tree::new(&PLAN, all.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())))
}

#[track_caller]
fn assert_complains(rule: fn(&Tree) -> Vec<Complaint>, files: &[(&str, &str)], expected: &[&str]) {
    let complaints: Vec<String> = rule(&tree(files)).iter().map(ToString::to_string).collect();
    assert_eq!(complaints, expected);
}

#[test]
fn a_house_in_order_gets_no_complaint() {
    for rule in [rules::imports, rules::purity, rules::features, rules::sizes, rules::names] {
        assert_complains(rule, &[], &[]);
    }
}

#[test]
fn every_way_to_write_a_forbidden_import_is_found() {
    for (import, written) in [
        ("use crate::roof::Tile;", "crate::roof::Tile"),
        ("pub use crate::roof::Tile;", "crate::roof::Tile"),
        ("pub(crate) use crate::roof::Tile as T;", "crate::roof::Tile"),
        ("use crate::{cellar::Jar, roof::{self}};", "crate::roof"),
        ("use crate::{cellar::{Jar, shelf::{Wine}}, roof::{a::{B, C}}};", "crate::roof::a::B"),
        ("use crate::roof::*;", "crate::roof::*"),
        ("use super::super::roof::Tile;", "super::super::roof::Tile"),
        ("use self::super::super::roof::Tile;", "self::super::super::roof::Tile"),
        ("use crate::Tile;", "crate::Tile"),
        ("fn f() -> crate::roof::Tile { todo() }", "crate::roof::Tile"),
        ("fn f() { let _ = crate::roof::Tile::new(); }", "crate::roof::Tile::new"),
        ("fn f() { println!(\"{}\", crate::roof::Tile::LEN); }", "crate::roof::Tile::LEN"),
        ("fn f<T: Into<crate::roof::Tile>>(_: T) {}", "crate::roof::Tile"),
        ("impl Iterator for super::super::roof::Tile {}", "super::super::roof::Tile"),
        ("mod inner { use super::super::super::roof::Tile; }", "super::super::super::roof::Tile"),
        ("fn f() { use crate::roof::Tile; }", "crate::roof::Tile"),
    ] {
        let expected =
            format!("house/src/cellar/shelf.rs:1: `cellar` may not import `roof` (`{written}`)");
        let complaints = rules::imports(&tree(&[("cellar/shelf.rs", import)]));
        assert_eq!(complaints.first().map(ToString::to_string), Some(expected), "{import}");
    }
}

#[test]
fn an_upper_floor_may_not_skip_its_row() {
    assert_complains(
        rules::imports,
        &[(
            "roof/mod.rs",
            "//! Roof.\nuse crate::cellar::Jar;\nuse crate::Bottle;\nuse crate::Jar;",
        )],
        &[
            "house/src/roof/mod.rs:2: `roof` may not import `cellar` (`crate::cellar::Jar`)",
            "house/src/roof/mod.rs:3: `roof` may not import `cellar` (`crate::Bottle`)",
            "house/src/roof/mod.rs:4: `roof` may not import `cellar` (`crate::Jar`)",
        ],
    );
}

#[test]
fn a_floor_within_a_floor_has_its_own_row() {
    assert_complains(
        rules::imports,
        &[
            (
                "ground/mod.rs",
                "//! Ground.\npub mod server;\npub use server::Listener;\nuse self::server::Other;",
            ),
            ("ground/server/mod.rs", "//! Server.\nuse super::Door;\nuse crate::cellar::Jar;"),
        ],
        &[
            "house/src/ground/mod.rs:3: `ground` may not import `ground::server` (`server::Listener`)",
            "house/src/ground/mod.rs:4: `ground` may not import `ground::server` (`self::server::Other`)",
            "house/src/ground/server/mod.rs:3: `ground::server` may not import `cellar` (`crate::cellar::Jar`)",
        ],
    );
}

#[test]
fn what_is_on_no_floor_is_reported() {
    assert_complains(
        rules::imports,
        &[
            ("attic.rs", "pub struct Box;"),
            ("roof/mod.rs", "//! Roof.\nuse crate::attic::Box;\nuse crate::*;"),
        ],
        &[
            "house/src/attic.rs:1: its module has no row in the table",
            "house/src/roof/mod.rs:2: `crate::attic::Box` is on no floor of the table",
            "house/src/roof/mod.rs:3: `crate::*` is on no floor of the table",
        ],
    );
}

#[test]
fn tests_and_words_in_comments_may_say_what_they_like() {
    let text = "// use crate::roof::Tile;\n/// crate::roof::Tile\nconst A: &str = \"crate::roof::Tile\";\n\
                #[cfg(test)]\nmod tests { use crate::roof::Tile; use tokio::spawn; }\n\
                #[cfg(test)]\nuse crate::roof::Tile;\npub(in crate::roof) struct B;";
    let files = [
        ("cellar/shelf.rs", text),
        ("cellar/tests/roof.rs", "use crate::roof::Tile; use std::fs::read;"),
    ];
    assert_complains(rules::imports, &files, &[]);
    assert_complains(rules::purity, &files, &[]);
}

#[test]
fn io_clocks_and_randomness_in_a_pure_module_are_found() {
    for (line, written, impure) in [
        ("use tokio::sync::mpsc;", "tokio::sync::mpsc", "tokio"),
        ("async fn f() { tokio::select! {} }", "tokio::select", "tokio"),
        ("fn f(_: hyper::Request<()>) {}", "hyper::Request", "hyper"),
        ("fn f() -> u8 { rand::random() }", "rand::random", "rand"),
        ("use std::net::TcpStream;", "std::net::TcpStream", "std::net::TcpStream"),
        ("use std::{fs, time::Instant};", "std::fs", "std::fs"),
        ("fn f() { let _ = Instant::now(); }", "Instant::now", "Instant::now"),
        ("fn f() { dbg!(std::time::Instant::now()); }", "std::time::Instant::now", "Instant::now"),
    ] {
        let expected = format!(
            "house/src/cellar/shelf.rs:1: `{written}` in a pure module (`{impure}` has its own folders)"
        );
        assert_complains(rules::purity, &[("cellar/shelf.rs", line)], &[&expected]);
    }
    // A file called server is no folder called server.
    assert_eq!(
        rules::purity(&tree(&[("cellar/server.rs", "use tokio::net::TcpStream;")])).len(),
        1
    );
    // Addresses are values, and time that is passed in is pure.
    assert_complains(
        rules::purity,
        &[(
            "cellar/shelf.rs",
            "use std::net::IpAddr; use std::time::Instant; fn f(now: Instant) -> Instant { now }",
        )],
        &[],
    );
}

#[test]
fn a_feature_asked_for_in_the_middle_of_things_is_found() {
    let complaint = "`cfg(feature)` that is not on a `mod` or `use` line of a `mod.rs` or `lib.rs`";
    for (path, text, line) in [
        ("cellar/shelf.rs", "#[cfg(feature = \"tls\")]\nuse super::Jar;", 1),
        ("cellar/mod.rs", "//! Cellar.\n#[cfg(feature = \"tls\")]\npub struct Jar;", 2),
        (
            "cellar/mod.rs",
            "//! Cellar.\npub struct Jar {\n#[cfg(feature = \"tls\")]\n    lid: u8 }",
            3,
        ),
        ("cellar/mod.rs", "//! Cellar.\nfn f() -> bool { cfg!(feature = \"tls\") }", 2),
        (
            "cellar/mod.rs",
            "//! Cellar.\n#[cfg_attr(feature = \"tls\", derive(Debug))]\nstruct A;",
            2,
        ),
        ("cellar/shelf.rs", "#![cfg(all(unix, feature = \"tls\"))]\n", 1),
    ] {
        assert_complains(
            rules::features,
            &[(path, text)],
            &[&format!("house/src/{path}:{line}: {complaint}")],
        );
    }
    let lawful = "//! Cellar.\n#[cfg(feature = \"tls\")]\nmod shelf;\n#[cfg(not(feature = \"tls\"))]\npub use self::shelf::Wine;";
    assert_complains(rules::features, &[("cellar/mod.rs", lawful)], &[]);
}

#[test]
fn a_file_that_grew_too_long_is_found_but_its_tests_do_not_count() {
    let long = "fn f() {}\n".repeat(MAX_LINES + 1);
    let expected =
        format!("house/src/cellar/shelf.rs:1: {} lines, {MAX_LINES} are the limit", MAX_LINES + 1);
    assert_complains(rules::sizes, &[("cellar/shelf.rs", &long)], &[&expected]);
    let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_complains(
        rules::sizes,
        &[("cellar/shelf.rs", &tested), ("cellar/tests.rs", &long)],
        &[],
    );
}

#[test]
fn names_that_say_nothing_and_modules_in_two_places_are_found() {
    assert_complains(
        rules::names,
        &[
            ("cellar/utils.rs", ""),
            ("roof/types/mod.rs", "//! Types."),
            ("cellar/shelf/wine.rs", ""),
        ],
        &[
            "house/src/cellar/shelf.rs:1: stands beside the folder `cellar/shelf/`: it should be its `mod.rs`",
            "house/src/cellar/utils.rs:1: `utils` says nothing about what is inside",
            "house/src/roof/types/mod.rs:1: `types` says nothing about what is inside",
        ],
    );
    let complaint = "house/src/cellar/mod.rs:1: does not open with what this module is";
    assert_complains(rules::names, &[("cellar/mod.rs", "mod shelf;")], &[complaint]);
}
