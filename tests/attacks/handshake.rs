//! Opening handshakes that are too long, too slow, or never meant. Over sockets, with the clock of the system.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use ws::{ServerConfig, ServerHandle};

use crate::flood::{echo, warm_up};
use crate::memory::Meter;
use crate::raw;

/// What a connection costs whose handshake is not done: its task, a buffer of 1 KiB for the head, and the client's socket.
const HALF_OPEN: isize = 8 * 1024;
/// A head of 16 KiB at most, in a buffer that doubles, and what is made of it.
const HEAD: isize = 64 * 1024;

/// A server that echoes, on this thread.
pub async fn server(config: ServerConfig) -> (SocketAddr, ServerHandle) {
    let server = ws::Server::bind_with("127.0.0.1:0", config).await.unwrap();
    let (addr, handle) = (server.local_addr().unwrap(), server.handle());
    tokio::spawn(server.serve(echo));
    (addr, handle)
}

pub fn impatient(timeout: Duration) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.handshake_timeout = timeout;
    config
}

/// An exchange of one message with a server that is not to be disturbed.
pub async fn is_served(addr: SocketAddr) {
    let mut stream = raw::connect(addr).await;
    stream.write_all(&raw::frame(0x82, b"hello")).await.unwrap();
    assert_eq!(raw::read_frame(&mut stream).await, (0x82, b"hello".to_vec()));
    stream.write_all(&raw::close(1000)).await.unwrap();
    raw::read_to_end(&mut stream).await;
}

/// Writes without end until the server has had enough; gives how much went out, and the answer.
async fn flood(addr: SocketAddr, first: &[u8], piece: &[u8]) -> (usize, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut sent = 0;
    let (mut read, mut write) = stream.split();
    let mut answer = Vec::new();
    let writing = async {
        let _ = write.write_all(first).await;
        while sent < 64 << 20 && write.write_all(piece).await.is_ok() {
            sent += piece.len();
        }
    };
    // The answer is there before the reset that follows unread input.
    let _ = tokio::join!(writing, read.read_to_end(&mut answer));
    (sent, String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn floods_of_headers_are_refused_at_their_limits_and_cost_no_more_than_these() {
    warm_up().await;
    let (addr, handle) = server(ServerConfig::default()).await;
    is_served(addr).await;
    let many = "X-Header: 1\r\n".repeat(1000);
    let folded = "X: y\r\n z\r\n".repeat(1000);
    let letters = "x".repeat(10_000);
    let table = [
        ("", many.as_str(), "431"),
        ("GET / HTTP/1.1\r\n", &many, "431"),
        ("GET / HTTP/1.1\r\n", &folded, "431"),
        ("GET / HTTP/1.1\r\nX: ", &letters, "431"),
        ("GET / HTTP/1.1\r\n", &letters, "431"),
        ("GET /", &letters, "414"),
        ("", &letters, "414"),
        ("\r\n", "\r\n\r\n\r\n\r\n", "400"),
        ("\0", "\0\0\0\0\0\0\0\0", "400"),
        ("\x16\x03\x01", "\x02\0\x01\0\x01", "400"),
    ];
    for (first, piece, status) in table {
        let (meter, begun) = (Meter::start(), Instant::now());
        let (sent, answer) = flood(addr, first.as_bytes(), piece.as_bytes()).await;
        // A reset may overtake the answer if more is sent than is drained.
        let refused = answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status} "));
        assert!(refused, "{first:?} {piece:.20}: {answer}");
        assert!(sent < 64 << 20, "taken without end");
        assert!(meter.peak() < HEAD, "{first:?}: {}", meter.peak());
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        is_served(addr).await;
    }
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0);
}

/// The request that panicked a well-known server: a target that is no URI.
#[tokio::test]
async fn targets_that_are_none_are_refused_and_the_next_client_is_served() {
    let (addr, _handle) = server(ServerConfig::default()).await;
    for target in ["/<", "<", "/\u{7f}", "//", "http://[", "*", "/%", "/\\", "/ /", "a:b:c", ""] {
        let request = raw::request(addr).replacen("GET / ", &format!("GET {target} "), 1);
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = raw::read_head(&mut stream).await;
        let known = ["101", "400", "505"].map(|status| format!("HTTP/1.1 {status} "));
        assert!(known.iter().any(|start| head.starts_with(start)), "{target}: {head}");
        is_served(addr).await;
    }
}

#[tokio::test]
async fn a_request_that_trickles_is_given_up_at_the_handshake_timeout() {
    let (addr, handle) = server(impatient(Duration::from_millis(300))).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let begun = Instant::now();
    let (mut read, mut write) = stream.split();
    let trickle = async {
        for byte in raw::request(addr).bytes().cycle() {
            if write.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut head = [0; 13];
    tokio::select! {
        () = trickle => unreachable!("the answer comes first"),
        answered = read.read_exact(&mut head) => { answered.unwrap(); }
    }
    assert_eq!(&head, b"HTTP/1.1 408 ");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    // Goes on or not, it is over.
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0);
}

/// What says nothing, or nothing that is TLS, to a server that wants TLS.
#[tokio::test]
async fn a_tls_handshake_that_is_none_is_given_up_at_the_handshake_timeout() {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let tls = ws::net::TlsAcceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let mut config = impatient(Duration::from_millis(300));
    config.secure = Some(std::sync::Arc::new(tls));
    let (addr, handle) = server(config).await;
    let record = [&b"\x16\x03\x01\x40\x00"[..], &[1; 10_000]].concat();
    for bytes in [&b""[..], b"\x16", &record[..5], &record, b"GET / HTTP/1.1\r\n\r\n"] {
        let (meter, begun) = (Meter::start(), Instant::now());
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP"));
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        assert!(meter.peak() < 2 * HEAD, "{}", meter.peak());
    }
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0);
}

#[tokio::test]
async fn five_thousand_half_open_handshakes_cost_little_and_keep_nobody_waiting() {
    // Both ends are in this process.
    let limit = rlimit::increase_nofile_limit(20_000).unwrap();
    let count = 5000.min((limit as usize).saturating_sub(2000) / 2);
    let (addr, handle) = server(impatient(Duration::MAX)).await;
    is_served(addr).await;
    let begun = Instant::now();
    let mut streams = Vec::with_capacity(count);
    let meter = Meter::start();
    for i in 0..count {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = raw::request(addr);
        // From not a byte to all but one.
        stream.write_all(&request.as_bytes()[..i % request.len()]).await.unwrap();
        streams.push(stream);
    }
    is_served(addr).await;
    let each = meter.live() / count as isize;
    assert!(each < HALF_OPEN, "{each}");
    is_served(addr).await;
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    drop(streams);
    assert_eq!(handle.shutdown(Duration::from_secs(60)).await, 0, "nobody is left");
    let left = meter.live() / count as isize;
    assert!(left < 100, "{left}");
}

#[tokio::test]
async fn a_megabyte_pipelined_behind_the_handshake_is_served_in_order_without_being_kept() {
    warm_up().await;
    let (addr, _handle) = server(ServerConfig::default()).await;
    is_served(addr).await;
    let mut bytes = raw::request(addr).into_bytes();
    for i in 0..1000u16 {
        bytes.extend(raw::frame(0x82, &[&i.to_be_bytes()[..], &[7; 1000]].concat()));
    }
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let meter = Meter::start();
    let (mut read, mut write) = stream.split();
    let reading = async {
        let mut head = [0; 13];
        read.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 101 ");
        let mut rest = Vec::with_capacity(1 << 21);
        while rest.len() < 1000 * 1006 {
            assert!(read.read_buf(&mut rest).await.unwrap() > 0);
        }
        let from = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        rest.drain(..from);
        while rest.len() < 1000 * 1006 {
            assert!(read.read_buf(&mut rest).await.unwrap() > 0);
        }
        for (i, frame) in rest.chunks(1006).enumerate() {
            assert_eq!(frame[4..6], (i as u16).to_be_bytes());
        }
    };
    let (written, ()) = tokio::join!(write.write_all(&bytes), reading);
    written.unwrap();
    // The rest of one read, what waits for a client that has not read yet, and the test's own buffer.
    let most = (1 << 21) + 256 * 1024 + (2 << 20);
    assert!(meter.peak() < most, "{}", meter.peak());
}
