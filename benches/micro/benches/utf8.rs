//! UTF-8: ours checks text that arrives in pieces; the others need all of it.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use micro::{ascii, mixed};
use ws::proto::Utf8Validator;

const SIZES: &[usize] = &[16, 128, 1 << 10, 16 << 10, 64 << 10];

fn main() {
    // What is looked up once is looked up now: divan takes its measure from the first call.
    let text = mixed(1 << 10);
    assert!(simdutf8::basic::from_utf8(text.as_bytes()).is_ok());
    assert!(sockudo_ws::utf8::validate_utf8(text.as_bytes()));
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, text: &str, is_valid: impl Fn(&[u8]) -> bool) {
    let bencher = bencher.counter(BytesCount::of_str(text));
    bencher.bench_local(|| assert!(is_valid(black_box(text.as_bytes()))));
}

/// The four of them on one kind of text.
macro_rules! all {
    ($kind:ident) => {
        mod $kind {
            use super::*;

            #[divan::bench(args = SIZES)]
            fn ours(bencher: Bencher<'_, '_>, size: usize) {
                bench(bencher, &super::$kind(size), |text| {
                    let mut validator = Utf8Validator::new();
                    validator.feed(text).is_ok() && validator.finish().is_ok()
                });
            }

            #[divan::bench(args = SIZES)]
            fn simdutf8(bencher: Bencher<'_, '_>, size: usize) {
                let is_valid = |text: &[u8]| simdutf8::basic::from_utf8(text).is_ok();
                bench(bencher, &super::$kind(size), is_valid);
            }

            #[divan::bench(args = SIZES)]
            fn sockudo_ws(bencher: Bencher<'_, '_>, size: usize) {
                bench(bencher, &super::$kind(size), sockudo_ws::utf8::validate_utf8);
            }

            #[divan::bench(args = SIZES)]
            fn std(bencher: Bencher<'_, '_>, size: usize) {
                let is_valid = |text: &[u8]| ::std::str::from_utf8(text).is_ok();
                bench(bencher, &super::$kind(size), is_valid);
            }
        }
    };
}

all!(ascii);
all!(mixed);
