//! HTTP beside Socket.IO.

use sio::server::Io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{serve, soon};

async fn get(io: &Io, path: &str) -> String {
    let mut stream = TcpStream::connect(serve(io).await).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn other_paths_are_answered_by_the_fallback_or_not_found() {
    let io = Io::new();
    assert!(get(&io, "/").await.starts_with("HTTP/1.1 404 "));
    let page = String::from("<h1>chat</h1>");
    io.fallback(async move |request| {
        let found = request.uri().path() == "/";
        let status = if found { 200 } else { 404 };
        http::Response::builder()
            .status(status)
            .body(if found { page } else { String::new() })
            .unwrap()
    });
    let answer = get(&io, "/").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n<h1>chat</h1>"),
        "{answer}"
    );
    assert!(get(&io, "/other").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn polling_opens_a_session_on_the_path_of_socket_io() {
    let answer = get(&Io::new(), "/socket.io/?EIO=4&transport=polling").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#"0{"sid":""#), "{answer}");
}
