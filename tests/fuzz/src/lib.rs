//! What is fuzzed, as functions of bytes: `fuzz_targets/` hands them to the fuzzer, `tests/corpus.rs` replays what is committed.
//!
//! Each target panics when what it guards does not hold. Bytes become a structured input by `arbitrary`, so that most inputs get
//! past the first check of what they are meant for.

pub mod decoder_differential;
pub mod deflate;
pub mod engine_payload;
pub mod frames;
pub mod msgpack;
pub mod program;
pub mod request_head;
pub mod response_head;
pub mod session;
pub mod socketio_packet;

mod cuts;
mod heads;
mod wire;

use std::fmt::Debug;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};

/// A target by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 10] = [
    ("request_head", request_head::run),
    ("response_head", response_head::run),
    ("frames", frames::run),
    ("decoder_differential", decoder_differential::run),
    ("deflate", deflate::run),
    ("program", program::run),
    ("engine_payload", engine_payload::run),
    ("session", session::run),
    ("socketio_packet", socketio_packet::run),
    ("msgpack", msgpack::run),
];

/// The structured input that `data` stands for, or `None` where it stands for none. `SHOW=1` prints it.
fn input<'a, T: Arbitrary<'a> + Debug>(data: &'a [u8]) -> Option<T> {
    static SHOW: LazyLock<bool> = LazyLock::new(|| std::env::var_os("SHOW").is_some());
    let input = T::arbitrary_take_rest(Unstructured::new(data)).ok()?;
    if *SHOW {
        eprintln!("{input:#?}");
    }
    Some(input)
}
