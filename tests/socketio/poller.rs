//! A client of long-polling that writes every request by hand, and only those that it is told to.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::soon;

pub struct Poller {
    stream: TcpStream,
    pub path: String,
}

/// Status and body.
pub type Answer = (u16, String);

impl Poller {
    /// Opens a session, joins nothing.
    pub async fn open(addr: SocketAddr) -> Self {
        Self::open_version(addr, 4).await
    }

    /// The same in that version of Engine.IO. The open packet of version 3 has its length in front.
    pub async fn open_version(addr: SocketAddr, version: u8) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        let path = format!("/socket.io/?EIO={version}&transport=polling");
        let mut poller = Self { stream, path };
        let (status, open) = poller.get().await;
        assert_eq!(status, 200, "{open}");
        let (_, rest) = open.split_once(r#""sid":""#).unwrap();
        let sid = rest.split('"').next().unwrap();
        poller.path = format!("{}&sid={sid}", poller.path);
        poller
    }

    /// Opens a session and joins `/`.
    pub async fn join(addr: SocketAddr) -> Self {
        let mut poller = Self::open(addr).await;
        poller.send("0").await;
        let packets = poller.recv().await;
        assert!(packets[0].starts_with(r#"0{"sid":"#), "{packets:?}");
        poller
    }

    /// Sends a Socket.IO packet.
    pub async fn send(&mut self, packet: &str) {
        assert_eq!(self.post(&format!("4{packet}")).await, (200, "ok".to_owned()));
    }

    /// The Socket.IO packets that wait, or the next one. Without pings.
    pub async fn recv(&mut self) -> Vec<String> {
        loop {
            let (status, body) = self.get().await;
            assert_eq!(status, 200, "{body}");
            let packets: Vec<_> = body.split('\x1e').collect();
            if packets == ["2"] {
                assert_eq!(self.post("3").await.0, 200);
                continue;
            }
            let message = |packet: &str| packet.strip_prefix('4').map(str::to_owned);
            return packets.into_iter().filter_map(message).collect();
        }
    }

    /// What the session is called in private.
    pub fn sid(&self) -> &str {
        self.path.split_once("&sid=").unwrap().1
    }

    pub async fn get(&mut self) -> Answer {
        let head = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", self.path);
        self.request(head.as_bytes()).await
    }

    pub async fn post(&mut self, body: &str) -> Answer {
        let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n", self.path);
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        self.request(request.as_bytes()).await
    }

    /// Writes a request and reads its answer.
    pub async fn request(&mut self, request: &[u8]) -> Answer {
        self.write(request).await;
        self.answer().await
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// The answer to what was written.
    pub async fn answer(&mut self) -> Answer {
        let mut read = Vec::new();
        loop {
            let got = soon(self.stream.read_buf(&mut read)).await.unwrap();
            assert!(got > 0, "the server has closed after {:?}", String::from_utf8_lossy(&read));
            let text = String::from_utf8_lossy(&read);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest);
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() >= length {
                return (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned());
            }
        }
    }
}
