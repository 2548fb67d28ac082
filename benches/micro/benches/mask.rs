//! Masking in place, at the start of a cache line and three bytes behind it.
//!
//! The other crates keep theirs to themselves: tungstenite's is the one of fastwebsockets, line by line; that of
//! tokio-websockets is seen in `decode`, with all that is around it.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use micro::{KEY, bytes};

const SIZES: &[usize] =
    &[16, 32, 64, 125, 128, 256, 512, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20];
const LINE: usize = 64;

fn main() {
    // What is looked up once is looked up now: divan takes its measure from the first call.
    let mut data = bytes(1 << 10);
    ws::proto::mask::apply(KEY, 0, &mut data);
    sockudo_ws::simd::apply_mask(&mut data, KEY);
    yawc::mask::apply_mask(&mut data, KEY);
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, size: usize, shift: usize, mask: impl Fn(&mut [u8])) {
    let mut data = bytes(size + 2 * LINE);
    let start = data.as_ptr().align_offset(LINE) + shift;
    let data = &mut data[start..start + size];
    bencher.counter(BytesCount::new(size)).bench_local(|| mask(black_box(&mut *data)));
}

/// All of them on payloads that lie so.
macro_rules! all {
    ($kind:ident, $shift:expr) => {
        mod $kind {
            use super::*;

            #[divan::bench(args = SIZES)]
            fn ours(bencher: Bencher<'_, '_>, size: usize) {
                bench(bencher, size, $shift, |data| {
                    ws::proto::mask::apply(black_box(KEY), 0, data);
                });
            }

            #[divan::bench(args = SIZES)]
            fn fastwebsockets(bencher: Bencher<'_, '_>, size: usize) {
                bench(bencher, size, $shift, |data| {
                    ::fastwebsockets::unmask(data, black_box(KEY));
                });
            }

            #[divan::bench(args = SIZES)]
            fn sockudo_ws(bencher: Bencher<'_, '_>, size: usize) {
                bench(bencher, size, $shift, |data| {
                    ::sockudo_ws::simd::apply_mask(data, black_box(KEY));
                });
            }

            #[divan::bench(args = SIZES)]
            fn yawc(bencher: Bencher<'_, '_>, size: usize) {
                bench(bencher, size, $shift, |data| ::yawc::mask::apply_mask(data, black_box(KEY)));
            }
        }
    };
}

all!(aligned, 0);
all!(unaligned, 3);
