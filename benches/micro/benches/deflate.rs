//! JSON compressed as a server sends it, context taken over, all at the same level; and the codec alone.

use std::sync::Arc;
use std::time::Instant;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use flate2::{Compress, Compression, FlushCompress};
use micro::documents;
use ws::handshake::{self, HeadReader};
use ws::proto::Connection;
use ws::{Config, Deflate, DeflateConfig, Message, Role};

const SIZES: &[usize] = &[1 << 10, 16 << 10];

/// Our default.
const LEVEL: u32 = 3;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

fn main() {
    divan::main();
}

fn negotiated() -> Deflate {
    let mut config = DeflateConfig::default();
    config.server_no_context_takeover = false;
    let read = HeadReader::default().request(REQUEST.as_bytes()).expect("it is valid");
    let (request, _) = read.expect("it is whole");
    let mut upgrade = handshake::check(&request).expect("it is an upgrade");
    upgrade.negotiate_deflate(&config).expect("it was offered").clone()
}

#[divan::bench(args = SIZES)]
fn ours(bencher: Bencher<'_, '_>, size: usize) {
    let config = Arc::new(Config::default());
    let no_mask = || unreachable!("a server does not mask");
    let mut server = Connection::new(Role::Server, config, no_mask, Instant::now());
    server = server.with_deflate(&negotiated());
    let mut messages = documents(size).into_iter().map(Message::from).cycle();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let message = messages.next().expect("it never ends");
        server.send(black_box(&message)).expect("it is open");
        let len = server.outbox().len();
        server.handle_written(len);
    });
}

#[divan::bench(args = SIZES)]
fn sockudo_ws(bencher: Bencher<'_, '_>, size: usize) {
    use sockudo_ws::deflate::{DeflateConfig, DeflateContext};
    let config = DeflateConfig { compression_level: LEVEL, ..DeflateConfig::default() };
    let mut context = DeflateContext::server(config);
    let mut texts = documents(size).into_iter().cycle();
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let text = texts.next().expect("it never ends");
        context.compress(black_box(text.as_bytes())).expect("it can be")
    });
}

#[divan::bench(args = SIZES)]
fn zlib_rs(bencher: Bencher<'_, '_>, size: usize) {
    let mut codec = Compress::new(Compression::new(LEVEL), false);
    let mut texts = documents(size).into_iter().cycle();
    let mut out = Vec::with_capacity(2 * size);
    bencher.counter(BytesCount::new(size)).bench_local(|| {
        let text = texts.next().expect("it never ends");
        out.clear();
        codec.compress_vec(black_box(text.as_bytes()), &mut out, FlushCompress::Sync)
    });
}
