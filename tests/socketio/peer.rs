//! A client that knows Engine.IO's heartbeat and nothing else.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use sio::server::{Config, Io};
use tokio::time::timeout;
use ws::{Message, WebSocket};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves on a free port for as long as the runtime lives.
pub async fn serve(io: &Io) -> SocketAddr {
    let listening = io.bind("127.0.0.1:0").await.unwrap();
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    addr
}

/// A server whose settings are changed by `change`.
pub fn configured(change: impl FnOnce(&mut Config)) -> Io {
    let mut config = Config::default();
    change(&mut config);
    Io::with_config(config).unwrap()
}

/// Waits for something, but not for ever.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it should have happened by now")
}

pub struct Peer {
    socket: WebSocket,
    pub engine_sid: String,
}

impl Peer {
    /// Opens a session, joins nothing.
    pub async fn open(addr: SocketAddr) -> Self {
        Self::open_with(addr, "").await
    }

    /// The same with more in the query.
    pub async fn open_with(addr: SocketAddr, query: &str) -> Self {
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket{query}");
        let mut socket = soon(ws::connect(&url)).await.unwrap();
        let open = soon(socket.recv()).await.unwrap().unwrap();
        let open: Value =
            serde_json::from_str(open.as_text().unwrap().strip_prefix('0').unwrap()).unwrap();
        let engine_sid = open["sid"].as_str().unwrap().to_owned();
        Self { socket, engine_sid }
    }

    /// Opens a session and joins `/`.
    pub async fn join(addr: SocketAddr) -> Self {
        let mut peer = Self::open(addr).await;
        peer.send("0").await;
        peer.granted("0").await;
        peer
    }

    /// Sends a Socket.IO packet.
    pub async fn send(&mut self, packet: &str) {
        soon(self.socket.send(format!("4{packet}"))).await.unwrap();
    }

    /// Sends an attachment.
    pub async fn send_binary(&mut self, bytes: &'static [u8]) {
        soon(self.socket.send(bytes.to_vec())).await.unwrap();
    }

    /// The next Socket.IO packet.
    pub async fn recv(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => {
                text.strip_prefix('4').unwrap_or_else(|| panic!("{text:?}")).to_owned()
            }
            other => panic!("a packet was expected, not {other:?}"),
        }
    }

    /// The next attachment.
    pub async fn recv_binary(&mut self) -> Vec<u8> {
        match self.next().await {
            Some(Message::Binary(bytes)) => bytes.to_vec(),
            other => panic!("an attachment was expected, not {other:?}"),
        }
    }

    /// The server's CONNECT; `head` is what stands before its payload. Gives the socket's id.
    pub async fn granted(&mut self, head: &str) -> String {
        let packet = self.recv().await;
        let payload = packet.strip_prefix(head).unwrap_or_else(|| panic!("{packet}"));
        let payload: Value = serde_json::from_str(payload).unwrap_or_else(|_| panic!("{packet}"));
        payload["sid"].as_str().unwrap().to_owned()
    }

    /// Sends the packet, and shows that nothing came before its answer.
    pub async fn asks(&mut self, packet: &str, answer: &str) {
        self.send(packet).await;
        assert_eq!(self.recv().await, answer);
    }

    /// The server closes the connection, and sends no other packet before.
    pub async fn is_closed(&mut self) {
        assert_eq!(self.next().await, None, "the connection should be closed");
    }

    /// Goes without a word.
    pub fn vanish(self) {
        drop(self);
    }

    /// `None` at the end.
    async fn next(&mut self) -> Option<Message> {
        loop {
            match soon(self.socket.recv()).await {
                Ok(Some(Message::Text(text))) if &*text == "2" => {
                    soon(self.socket.send("3")).await.unwrap();
                }
                Ok(Some(Message::Text(text))) if &*text == "1" => return None,
                Ok(Some(message)) => return Some(message),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}
