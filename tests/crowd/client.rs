//! A client by WebSocket or by long-polling, on one connection at a time.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ws::WebSocket;

/// One client. Packets are Engine.IO's, with their type digit.
pub(crate) struct Client {
    addr: SocketAddr,
    line: Line,
    /// What has come and was not looked at yet.
    received: VecDeque<String>,
}

enum Line {
    WebSocket(WebSocket),
    /// A connection, for one request after the other, and the path of those.
    Polling(TcpStream, String),
}

impl Client {
    pub(crate) async fn websocket(addr: SocketAddr) -> Self {
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let socket = ws::connect(&url).await.unwrap();
        let mut client = Self { addr, line: Line::WebSocket(socket), received: VecDeque::new() };
        assert!(client.next().await.starts_with('0'));
        client.join().await;
        client
    }

    pub(crate) async fn polling(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        let mut client =
            Self { addr, line: Line::Polling(stream, path), received: VecDeque::new() };
        let open = client.next().await;
        let (_, rest) = open.split_once(r#""sid":""#).unwrap();
        let sid = rest.split('"').next().unwrap();
        if let Line::Polling(_, path) = &mut client.line {
            path.push_str("&sid=");
            path.push_str(sid);
        }
        client.join().await;
        client
    }

    async fn join(&mut self) {
        self.send("40").await;
        assert!(self.next().await.starts_with("40{"));
    }

    /// Sends an event, and gives the number that is its answer. News may come before that.
    pub(crate) async fn ask(&mut self, event: &str, room: usize, news: &mut Vec<u64>) -> u64 {
        self.send(&format!(r#"420["{event}",{room}]"#)).await;
        loop {
            let packet = self.next().await;
            match packet.strip_prefix("430[") {
                Some(answer) => return answer.trim_end_matches(']').parse().unwrap(),
                None => take(&packet, news),
            }
        }
    }

    /// The next piece of news.
    pub(crate) async fn hear(&mut self, news: &mut Vec<u64>) {
        let packet = self.next().await;
        take(&packet, news);
    }

    /// From polling to WebSocket, as the official client does it: probe, let the last GET end, upgrade.
    pub(crate) async fn upgrade(&mut self, news: &mut Vec<u64>) {
        let Line::Polling(_, path) = &self.line else { return };
        let url = format!("ws://{}{}", self.addr, path.replace("=polling", "=websocket"));
        let mut socket = ws::connect(&url).await.unwrap();
        socket.send("2probe").await.unwrap();
        let answer = socket.recv().await.unwrap().unwrap();
        assert_eq!(answer.as_text(), Some("3probe"));
        // Nothing comes by polling after this GET: it is answered by what there is, or by a noop.
        let packet = self.next().await;
        if packet != "6" {
            take(&packet, news);
        }
        socket.send("5").await.unwrap();
        self.line = Line::WebSocket(socket);
    }

    /// Leaves the namespace and the server.
    pub(crate) async fn leave(mut self) {
        self.send("41").await;
        match &mut self.line {
            Line::WebSocket(socket) => {
                socket.close(ws::CloseCode::NORMAL, "").await;
            }
            Line::Polling(..) => self.send("1").await,
        }
    }

    async fn send(&mut self, packet: &str) {
        match &mut self.line {
            Line::WebSocket(socket) => socket.send(packet).await.unwrap(),
            Line::Polling(stream, path) => {
                let (status, body) = request(stream, "POST", path, packet).await;
                assert_eq!((status, &*body), (200, "ok"));
            }
        }
    }

    /// The next packet that is not a ping, which is answered.
    async fn next(&mut self) -> String {
        loop {
            match self.received.pop_front() {
                Some(packet) if packet == "2" => self.send("3").await,
                Some(packet) => return packet,
                None => self.receive().await,
            }
        }
    }

    async fn receive(&mut self) {
        match &mut self.line {
            Line::WebSocket(socket) => {
                let message = socket.recv().await.unwrap().expect("the server has closed");
                self.received.push_back(message.as_text().unwrap().to_owned());
            }
            Line::Polling(stream, path) => {
                let (status, body) = request(stream, "GET", path, "").await;
                assert_eq!(status, 200, "{body}");
                self.received.extend(body.split('\x1e').map(str::to_owned));
            }
        }
    }
}

/// Notes an event's number. The noop that releases the last GET is none.
fn take(packet: &str, news: &mut Vec<u64>) {
    let number = packet.strip_prefix(r#"42["news","#).unwrap_or_else(|| panic!("{packet}"));
    news.push(number.trim_end_matches(']').parse().unwrap());
}

async fn request(stream: &mut TcpStream, method: &str, path: &str, body: &str) -> (u16, String) {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    loop {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "the server has closed");
        let text = std::str::from_utf8(&read).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() == length {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, body.to_owned());
        }
    }
}
