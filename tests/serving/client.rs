//! A client of Socket.IO over a WebSocket or long-polling that speaks packets by hand.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ws::WebSocket;

use crate::soon;

/// A WebSocket on which `/` has been joined.
pub(crate) async fn join(url: &str) -> WebSocket {
    join_by(ws::Client::builder(url)).await
}

pub(crate) async fn join_by(client: ws::Client) -> WebSocket {
    let mut socket = soon(client.connect()).await.unwrap();
    assert!(receive(&mut socket).await.starts_with("0{"));
    socket.send("40").await.unwrap();
    assert!(receive(&mut socket).await.starts_with("40{"));
    socket
}

pub(crate) fn url(addr: SocketAddr) -> String {
    format!("ws://{addr}/socket.io/?EIO=4&transport=websocket")
}

pub(crate) async fn receive(socket: &mut WebSocket) -> String {
    let message = soon(socket.recv()).await.unwrap().expect("a message");
    message.as_text().expect("text").to_owned()
}

/// Asks the server, and gives its answer.
pub(crate) async fn ask(socket: &mut WebSocket, event: &str) -> String {
    socket.send(format!("420{event}")).await.unwrap();
    receive(socket).await
}

/// One HTTP request on a connection of its own; the whole answer.
pub(crate) async fn request(addr: SocketAddr, method: &str, target: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Who is turned away at once may not read it.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

pub(crate) async fn get(addr: SocketAddr, target: &str) -> String {
    request(addr, "GET", target, "").await
}

/// Opens a session by long-polling, joins `/`, upgrades, and asks for an echo on each.
pub(crate) async fn poll_and_upgrade(addr: SocketAddr) {
    let target = "/socket.io/?EIO=4&transport=polling";
    let open = get(addr, target).await;
    let sid = open.split("\"sid\":\"").nth(1).unwrap_or_else(|| panic!("{open}"));
    let target = format!("{target}&sid={}", &sid[..20]);
    assert!(request(addr, "POST", &target, "40").await.ends_with("ok"));
    assert!(get(addr, &target).await.contains("40{\"sid\""));
    assert!(request(addr, "POST", &target, r#"421["echo","by polling"]"#).await.ends_with("ok"));
    assert!(get(addr, &target).await.ends_with(r#"431["by polling"]"#));
    let url = format!("ws://{addr}{}", target.replace("polling", "websocket"));
    let mut socket = soon(ws::Client::builder(url).connect()).await.unwrap();
    socket.send("2probe").await.unwrap();
    assert_eq!(receive(&mut socket).await, "3probe");
    socket.send("5").await.unwrap();
    assert_eq!(ask(&mut socket, r#"["echo","upgraded"]"#).await, r#"430["upgraded"]"#);
}
