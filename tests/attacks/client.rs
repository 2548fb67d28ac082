//! Servers that mean no good, and our client.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use ws::client::Connected;
use ws::{Client, ConnectError};

use crate::memory::Meter;

/// What an answer may cost: a head of 16 KiB in a buffer that doubles, or 64 KiB of a body.
const ANSWER: isize = 160 * 1024;

/// Connects to a server that reads the request and answers with this, and then the second without end.
async fn answered(first: String, piece: String) -> (Result<Connected, ConnectError>, isize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1000];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(first.as_bytes()).await;
        while !piece.is_empty() && stream.write_all(piece.as_bytes()).await.is_ok() {}
        std::future::pending::<()>().await;
    });
    let (meter, begun) = (Meter::start(), Instant::now());
    let client = Client::builder(url).handshake_timeout(Duration::from_millis(300));
    let result = client.handshake().await;
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    server.abort();
    (result, meter.peak())
}

#[tokio::test]
async fn answers_without_end_are_bounded_in_time_and_memory() {
    let switching = "HTTP/1.1 101 Switching Protocols\r\n";
    let many = "X-Header: 1\r\n".repeat(1000);
    let letters = "x".repeat(50_000);
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    let ok = "HTTP/1.1 200 OK\r\n";
    let table = [
        (switching.to_owned(), many.clone(), "Head"),
        (format!("{switching}X: "), letters.clone(), "Head"),
        (String::new(), letters.clone(), "Head"),
        ("HTTP/1.1 101 ".to_owned(), letters.clone(), "Head"),
        (format!("{switching}\r\n"), letters.clone(), "Invalid"),
        (interim.clone(), interim, "Timeout"),
        (ok.to_owned(), many, "Head"),
        (format!("{ok}\r\n"), letters.clone(), "Refused"),
        (format!("{ok}Content-Length: 99999999999999999999\r\n\r\n"), letters.clone(), "Refused"),
        (format!("{ok}Transfer-Encoding: chunked\r\n\r\n"), "1\r\nx\r\n".repeat(9000), "Refused"),
        (format!("{ok}Transfer-Encoding: chunked\r\n\r\n"), "0".repeat(50_000), "Refused"),
        (format!("{ok}Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n"), letters, "Refused"),
        (String::new(), String::new(), "Timeout"),
    ];
    for (first, piece, expected) in table {
        let what = format!("{first:.60} {piece:.20}");
        let (result, peak) = answered(first, piece).await;
        let error = result.unwrap_err();
        let kind = match &error {
            ConnectError::Head(_) => "Head",
            ConnectError::Invalid(_) => "Invalid",
            ConnectError::Timeout => "Timeout",
            ConnectError::Refused(refused) => {
                assert!(refused.body.len() <= 64 * 1024, "{what}");
                "Refused"
            }
            other => panic!("{what}: {other}"),
        };
        assert_eq!(kind, expected, "{what}: {error}");
        assert!(peak < ANSWER, "{what}: {peak}");
    }
}
