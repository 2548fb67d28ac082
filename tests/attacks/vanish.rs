//! Clients that go away without a word, in any state: by a reset, by half a close, or by a close of the socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use ws::net::Stream;
use ws::{
    CloseCode, CloseReport, Config, Context, Failure, Payload, Role, ServerConfig, WebSocket,
};

use crate::flood::warm_up;
use crate::handshake::{is_served, server};
use crate::memory::Meter;
use crate::raw::{self, close, frame};

#[derive(Clone, Copy, Debug)]
enum Exit {
    /// The socket is reset: what was not read yet is lost.
    Reset,
    /// The client ends its side and waits for the server to end the other.
    HalfClose,
    /// The socket is closed.
    Close,
}

async fn leave(mut stream: TcpStream, exit: Exit) {
    match exit {
        Exit::Reset => stream.set_zero_linger().unwrap(),
        Exit::HalfClose => {
            stream.shutdown().await.unwrap();
            let mut rest = Vec::new();
            let reading = stream.read_to_end(&mut rest);
            // However it ends, the server does not leave it open.
            let ended = tokio::time::timeout(Duration::from_secs(60), reading).await;
            assert!(ended.is_ok(), "the server has not ended its side");
        }
        Exit::Close => {}
    }
}

const EXITS: [Exit; 3] = [Exit::Reset, Exit::HalfClose, Exit::Close];

/// What a client has said when it goes; the answer is read as far as it is a head.
fn states(addr: std::net::SocketAddr) -> Vec<Vec<u8>> {
    let request = raw::request(addr).into_bytes();
    let open = |frames: &[u8]| [&request[..], frames].concat();
    let message = frame(0x82, &[7; 1000]);
    vec![
        vec![],
        request[..1].to_vec(),
        request[..40].to_vec(),
        request[..request.len() - 1].to_vec(),
        raw::request(addr).replace("Upgrade", "X").into_bytes(),
        open(&[]),
        open(&message[..1]),
        open(&message[..7]),
        open(&message[..500]),
        open(&frame(0x82, &[7; 900_000])[..600_000]),
        open(&message),
        open(&frame(0x02, b"part")),
        open(&frame(0x89, b"ping")),
        open(&frame(0x89, b"half a ping")[..8]),
        open(&[0xFF; 10]),
        open(&close(1000)),
        open(&close(1000)[..7]),
        open(&[message.as_slice(), &close(1000), &message].concat()),
    ]
}

#[tokio::test]
async fn clients_that_vanish_in_any_state_leave_nothing_behind() {
    warm_up().await;
    let (addr, handle) = server(ServerConfig::default()).await;
    is_served(addr).await;
    let states = states(addr);
    let meter = Meter::start();
    for bytes in &states {
        for exit in EXITS {
            for reads_head in [false, true] {
                let mut stream = TcpStream::connect(addr).await.unwrap();
                stream.write_all(bytes).await.unwrap();
                if reads_head && bytes.len() > raw::request(addr).len() {
                    let head = raw::read_head(&mut stream).await;
                    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
                }
                leave(stream, exit).await;
            }
        }
    }
    is_served(addr).await;
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0, "nobody is left");
    drop(states);
    // Each of 108 is known to the wheel until its first deadline; no buffer is.
    assert!(meter.live() < 108 * 1024, "{}", meter.live());
}

/// Counts what is told.
struct Told(Arc<[AtomicUsize; 2]>);

impl ws::Handler for Told {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
        let _ = socket.binary(&[7; 100_000]);
    }

    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let _ = socket.send_payload(&message);
    }

    fn on_close(&mut self, _: &CloseReport) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn handlers_of_clients_that_vanish_are_told_once() {
    let server = ws::Server::bind_with("127.0.0.1:0", ServerConfig::default()).await.unwrap();
    let (addr, handle) = (server.local_addr().unwrap(), server.handle());
    let told = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let made = told.clone();
    tokio::spawn(server.serve_with(move |_| Told(made.clone())));
    for bytes in states(addr) {
        for exit in EXITS {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
            leave(stream, exit).await;
        }
    }
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0);
    let [opened, closed] = [0, 1].map(|i| told[i].load(Ordering::Relaxed));
    assert_eq!(opened, closed);
    assert!(opened >= 13, "{opened}");
}

/// A message that brings down its handler does not keep it from being told of the end; nor does an end that does.
#[tokio::test]
async fn a_handler_that_panics_is_told_of_the_end_once_too() {
    struct Panics(Arc<[AtomicUsize; 2]>);
    impl ws::Handler for Panics {
        fn on_open(&mut self, _: &mut Context<'_>) {
            self.0[0].fetch_add(1, Ordering::Relaxed);
        }
        fn on_message(&mut self, _: &mut Context<'_>, _: Payload<'_>) {
            panic!("as the peer wishes");
        }
        fn on_close(&mut self, _: &CloseReport) {
            self.0[1].fetch_add(1, Ordering::Relaxed);
            panic!("again");
        }
    }
    let told = Arc::new([const { AtomicUsize::new(0) }; 2]);
    for bytes in [frame(0x82, b"panic"), close(1000), vec![]] {
        let (mut peer, ours) = tokio::io::duplex(1 << 10);
        peer.write_all(&bytes).await.unwrap();
        peer.shutdown().await.unwrap();
        let (stream, handler) = (Stream::new(ours), Panics(told.clone()));
        let sender = ws::stream::spawn(stream, Bytes::new(), Role::Server, Arc::default(), handler);
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        let code = if bytes.len() > 8 { 1011u16 } else { 1000 };
        assert!(rest.is_empty() || rest[2..] == code.to_be_bytes(), "{rest:?}");
        assert!(!sender.is_open());
    }
    assert_eq!([0, 1].map(|i| told[i].load(Ordering::Relaxed)), [3, 3]);
}

/// The other end of a stream in memory is dropped, behind every byte of what it said.
#[tokio::test]
async fn a_peer_killed_behind_any_byte_is_an_error_never_a_message() {
    let bytes = [
        frame(0x81, b"whole"),
        frame(0x01, b"fr"),
        frame(0x89, b"p"),
        frame(0x80, b"agments"),
        close(1000),
    ]
    .concat();
    for cut in 0..=bytes.len() {
        for closing in [false, true] {
            let (mut peer, ours) = tokio::io::duplex(1 << 10);
            peer.write_all(&bytes[..cut]).await.unwrap();
            drop(peer);
            let mut socket = WebSocket::from_stream(
                Stream::new(ours),
                Bytes::new(),
                Role::Server,
                Arc::new(Config::default()),
            );
            if closing {
                socket.sender().close(CloseCode::NORMAL, "");
            }
            let mut messages = Vec::new();
            let end = loop {
                match socket.recv().await {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break None,
                    Err(error) => break Some(error.failure()),
                }
            };
            // With a close frame or a pong of ours on its way the pipe may be found broken before all was read.
            let mut expected: Vec<ws::Message> = vec!["whole".into(), "fragments".into()];
            expected.truncate(messages.len());
            assert_eq!(messages, expected, "{cut}");
            match end {
                None => assert_eq!(cut, bytes.len()),
                Some(failure) => {
                    assert!(matches!(failure, Failure::Eof | Failure::Io(_)), "{failure}")
                }
            }
        }
    }
}
