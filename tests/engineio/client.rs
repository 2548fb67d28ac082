//! A client that writes HTTP by hand, so that it can also do it wrong.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ws::{Role, WebSocket};

use crate::rig::soon;

pub(crate) struct Http {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As they came.
    pub(crate) head: String,
    /// As text, as far as it is.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn assert(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.body.as_str()), (status, body), "{}", self.head);
    }
}

impl Http {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Writes a request; the body has a length if there is one.
    pub(crate) async fn send(&mut self, method: &str, target: &str, headers: &str, body: &str) {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        self.write(format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}{length}\r\n{body}"
        ))
        .await;
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        soon(self.read_answer()).await
    }

    pub(crate) async fn get(&mut self, target: &str) -> Answer {
        self.send("GET", target, "", "").await;
        self.answer().await
    }

    pub(crate) async fn post(&mut self, target: &str, body: &str) -> Answer {
        self.send("POST", target, "Content-Type: text/plain;charset=UTF-8\r\n", body).await;
        self.answer().await
    }

    /// What was read behind the last answer.
    pub(crate) fn take_read(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read)
    }

    /// Reads until the server has closed the connection.
    pub(crate) async fn rest(&mut self) -> String {
        // A server that refuses input may reset the connection after its answer.
        let _ = soon(self.stream.read_to_end(&mut self.read)).await;
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }

    async fn read_answer(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: String::new(), bytes: Vec::new() };
        let length: usize =
            answer.header("content-length").map_or(0, |value| value.parse().unwrap());
        while self.read.len() < length {
            self.read_more().await;
        }
        answer.bytes = self.read.drain(..length).collect();
        answer.body = String::from_utf8_lossy(&answer.bytes).into_owned();
        answer
    }

    async fn read_more(&mut self) {
        let read = self.stream.read_buf(&mut self.read).await.unwrap();
        assert_ne!(
            read,
            0,
            "the server closed the connection after {:?}",
            String::from_utf8_lossy(&self.read)
        );
    }
}

/// A polling session, with one connection for its GETs and one for its POSTs.
pub(crate) struct Polling {
    pub(crate) sid: String,
    pub(crate) target: String,
    pub(crate) open: String,
    pub(crate) get: Http,
    pub(crate) post: Http,
}

pub(crate) const OPEN: &str = "/engine.io/?EIO=4&transport=polling";

impl Polling {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let mut get = Http::connect(addr).await;
        let answer = get.get(OPEN).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let sid = answer.body.split('"').nth(3).unwrap().to_owned();
        Self {
            target: format!("{OPEN}&sid={sid}"),
            sid,
            open: answer.body,
            get,
            post: Http::connect(addr).await,
        }
    }

    pub(crate) async fn receive(&mut self) -> String {
        let answer = self.get.get(&self.target).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub(crate) async fn send(&mut self, packets: &str) {
        self.post.post(&self.target, packets).await.assert(200, "ok");
    }

    /// Opens a WebSocket for this session.
    pub(crate) async fn websocket(&self, addr: SocketAddr) -> WebSocket {
        websocket(addr, &format!("/engine.io/?EIO=4&transport=websocket&sid={}", self.sid)).await
    }

    /// And moves there.
    pub(crate) async fn upgrade(&self, addr: SocketAddr) -> WebSocket {
        let mut socket = self.websocket(addr).await;
        socket.send("2probe").await.unwrap();
        assert_eq!(receive(&mut socket).await, "3probe");
        socket.send("5").await.unwrap();
        socket
    }
}

pub(crate) const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

pub(crate) const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

pub(crate) async fn websocket(addr: SocketAddr, target: &str) -> WebSocket {
    let mut http = Http::connect(addr).await;
    http.send("GET", target, HANDSHAKE, "").await;
    let answer = http.answer().await;
    assert_eq!(answer.status, 101, "{answer:?}");
    let mut config = ws::Config::default();
    config.max_message_size = 32 << 20;
    WebSocket::from_stream(http.stream, Bytes::from(http.read), Role::Client, Arc::new(config))
}

/// The next text message.
pub(crate) async fn receive(socket: &mut WebSocket) -> String {
    let message = soon(socket.recv()).await.unwrap().expect("a message");
    message.as_text().expect("text").to_owned()
}

/// The WebSocket ends without another message.
pub(crate) async fn assert_closed(mut socket: WebSocket) {
    let end = soon(socket.recv()).await;
    assert!(matches!(end, Ok(None) | Err(_)), "{end:?}");
}
