//! Sixteen whole frames of a client, as one read delivers them, to messages. All start from a copy of the frames.

use std::io::{Cursor, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use futures_util::{FutureExt, StreamExt};
use micro::{FRAMES, ascii, bytes, frames};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::Decoder as _;
use ws::proto::frame::Opcode;
use ws::proto::{Received, Receiver};
use ws::{Config, Role};

const SIZES: &[usize] = &[16, 128, 1 << 10, 16 << 10];

fn main() {
    divan::main();
}

fn input(text: bool, size: usize) -> Vec<u8> {
    if text {
        frames(Opcode::Text, ascii(size).as_bytes())
    } else {
        frames(Opcode::Binary, &bytes(size))
    }
}

fn ours(bencher: Bencher<'_, '_>, input: Vec<u8>) {
    let mut receiver = Receiver::new(Role::Server, Arc::new(Config::default()));
    let mut buffer = input.clone();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        buffer.copy_from_slice(&input);
        let (mut rest, mut count) = (&mut buffer[..], 0);
        while let Some(Received::Message(message)) = receiver.handle_input(&mut rest) {
            count += usize::from(!black_box(message.as_bytes()).is_empty());
        }
        assert_eq!(count, FRAMES);
    });
}

fn sockudo_ws(bencher: Bencher<'_, '_>, input: Vec<u8>) {
    let role = sockudo_ws::Role::Server;
    let mut protocol = sockudo_ws::protocol::Protocol::new(role, 16 << 20, 16 << 20);
    let mut messages = Vec::with_capacity(FRAMES);
    let mut buffer = BytesMut::with_capacity(input.len());
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        messages.clear();
        buffer.reserve(input.len());
        buffer.extend_from_slice(&input);
        protocol.process_into(&mut buffer, &mut messages).expect("they are valid");
        assert_eq!(black_box(&messages).len(), FRAMES);
    });
}

/// What a caller has to do who gets text unchecked.
fn check(text: bool, payload: &[u8]) {
    assert!(!black_box(payload).is_empty());
    assert!(!text || simdutf8::basic::from_utf8(payload).is_ok());
}

fn yawc(bencher: Bencher<'_, '_>, text: bool, input: Vec<u8>) {
    let mut decoder = yawc::codec::Decoder::new(yawc::Role::Server, 16 << 20);
    let mut buffer = BytesMut::with_capacity(input.len());
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        buffer.reserve(input.len());
        buffer.extend_from_slice(&input);
        let mut count = 0;
        while let Some(frame) = decoder.decode(&mut buffer).expect("it is valid") {
            check(text, frame.payload());
            count += 1;
        }
        assert_eq!(count, FRAMES);
    });
}

/// Reads the same again and again.
struct Again(Cursor<Vec<u8>>);

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.position() == self.0.get_ref().len() as u64 {
            self.0.set_position(0);
        }
        self.0.read(buffer)
    }
}

impl Write for Again {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Always ready.
impl AsyncRead for Again {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let count = self.get_mut().read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Again {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn fastwebsockets(bencher: Bencher<'_, '_>, text: bool, input: Vec<u8>) {
    use fastwebsockets::{Role, WebSocket};
    let mut socket = WebSocket::after_handshake(Again(Cursor::new(input)), Role::Server);
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        for _ in 0..FRAMES {
            let frame = socket.read_frame().now_or_never().expect("it is there");
            check(text, &frame.expect("it is valid").payload);
        }
    });
}

fn tokio_websockets(bencher: Bencher<'_, '_>, input: Vec<u8>) {
    let mut socket = tokio_websockets::ServerBuilder::new().serve(Again(Cursor::new(input)));
    // It looks for a runtime in the end.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it can be");
    let _entered = runtime.enter();
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        for _ in 0..FRAMES {
            let message = socket.next().now_or_never().expect("it is there").expect("it goes on");
            assert!(!black_box(message.expect("it is valid").as_payload()).is_empty());
        }
    });
}

fn tungstenite(bencher: Bencher<'_, '_>, input: Vec<u8>) {
    use tungstenite::protocol::{Role, WebSocket};
    let stream = Again(Cursor::new(input));
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| {
        for _ in 0..FRAMES {
            assert!(!black_box(socket.read().expect("it is valid")).is_empty());
        }
    });
}

/// All of them on one kind of message.
macro_rules! all {
    ($kind:ident, $text:expr) => {
        mod $kind {
            use super::*;

            #[divan::bench(args = SIZES)]
            fn ours(bencher: Bencher<'_, '_>, size: usize) {
                super::ours(bencher, input($text, size));
            }

            #[divan::bench(args = SIZES)]
            fn sockudo_ws(bencher: Bencher<'_, '_>, size: usize) {
                super::sockudo_ws(bencher, input($text, size));
            }

            /// Leaves UTF-8 to its caller, who does it here as fast as can be.
            #[divan::bench(args = SIZES)]
            fn fastwebsockets(bencher: Bencher<'_, '_>, size: usize) {
                super::fastwebsockets(bencher, $text, input($text, size));
            }

            #[divan::bench(args = SIZES)]
            fn tokio_websockets(bencher: Bencher<'_, '_>, size: usize) {
                super::tokio_websockets(bencher, input($text, size));
            }

            /// Leaves UTF-8 to its caller, who does it here as fast as can be.
            #[divan::bench(args = SIZES)]
            fn yawc(bencher: Bencher<'_, '_>, size: usize) {
                super::yawc(bencher, $text, input($text, size));
            }

            #[divan::bench(args = SIZES)]
            fn tungstenite(bencher: Bencher<'_, '_>, size: usize) {
                super::tungstenite(bencher, input($text, size));
            }
        }
    };
}

all!(binary, false);
all!(text, true);
