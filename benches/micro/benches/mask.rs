//! Masking in place.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use micro::{KEY, bytes};

const SIZES: &[usize] = &[16, 64, 128, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20];

fn main() {
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, size: usize, mask: impl Fn(&mut [u8])) {
    let mut data = bytes(size);
    bencher.counter(BytesCount::new(size)).bench_local(|| mask(black_box(&mut data)));
}

#[divan::bench(args = SIZES)]
fn ours(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, size, |data| ws::proto::mask::apply(black_box(KEY), 0, data));
}

#[divan::bench(args = SIZES)]
fn fastwebsockets(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, size, |data| fastwebsockets::unmask(data, black_box(KEY)));
}

#[divan::bench(args = SIZES)]
fn sockudo_ws(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, size, |data| sockudo_ws::simd::apply_mask(data, black_box(KEY)));
}

#[divan::bench(args = SIZES)]
fn yawc(bencher: Bencher<'_, '_>, size: usize) {
    bench(bencher, size, |data| yawc::mask::apply_mask(data, black_box(KEY)));
}
