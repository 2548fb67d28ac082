//! Replays what is committed below `corpus/`, one test per target, on any toolchain.

use std::fs;
use std::path::Path;

fn replay(name: &str) {
    let (_, run) = fuzz::TARGETS.iter().find(|(target, _)| *target == name).expect("a target");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("each target has a corpus") {
        let path = entry.expect("it can be read").path();
        // Shown only if what follows panics.
        println!("{}", path.display());
        run(&fs::read(path).expect("it can be read"));
        count += 1;
    }
    assert!(count > 10, "{count} inputs");
}

macro_rules! replay {
    ($($target:ident)*) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target));
        }
    )*};
}

replay! {
    request_head response_head frames decoder_differential deflate program engine_payload session socketio_packet msgpack
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut corpora: Vec<_> = fs::read_dir(folder)
        .expect("there is one")
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("a name"))
        .collect();
    let mut targets: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    corpora.sort();
    targets.sort();
    assert_eq!(corpora, targets);
}
