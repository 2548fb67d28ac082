//! A client that is a blocking socket, for a thread that is not the server's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What a browser says about itself.
pub const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\nCache-Control: no-cache\r\n\
    Pragma: no-cache\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";

pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Opens a session over WebSocket with these headers more than needed, and joins `/`.
pub fn join(addr: SocketAddr, headers: &str) -> Client {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut client = Client { stream, received: Vec::new() };
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         {headers}\r\n"
    );
    client.stream.write_all(head.as_bytes()).unwrap();
    client.wait_for("maxPayload");
    client.send(&["40"]);
    client.wait_for("40{\"sid\"");
    client
}

/// Opens a session by long-polling, joins `/`, and waits by a GET for what comes.
pub fn poll(addr: SocketAddr) -> Client {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut client = Client { stream, received: Vec::new() };
    let target = "/socket.io/?EIO=4&transport=polling";
    client.request("GET", target, addr, "");
    let open = client.read_until("maxPayload");
    let sid = open.split("\"sid\":\"").nth(1).unwrap();
    let target = format!("{target}&sid={}", &sid[..20]);
    client.request("POST", &target, addr, "40");
    client.read_until("ok");
    client.request("GET", &target, addr, "");
    client.read_until("40{\"sid\"");
    client.request("GET", &target, addr, "");
    client
}

impl Client {
    fn request(&mut self, method: &str, target: &str, addr: SocketAddr, body: &str) {
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: {addr}\r\n{length}\r\n{body}");
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    fn read_until(&mut self, what: &str) -> String {
        let mut chunk = [0; 4096];
        while !self.received.windows(what.len()).any(|window| window == what.as_bytes()) {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "closed while waiting for {what}");
            self.received.extend(&chunk[..count]);
        }
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }

    /// Sends text messages of less than 126 bytes in one piece, with a mask of zeros.
    pub fn send(&mut self, messages: &[impl AsRef<str>]) {
        let mut frames = Vec::new();
        for message in messages.iter().map(AsRef::as_ref) {
            frames.extend([0x81, 0x80 | u8::try_from(message.len()).unwrap(), 0, 0, 0, 0]);
            frames.extend(message.bytes());
        }
        self.stream.write_all(&frames).unwrap();
    }

    /// Reads until this has come, and forgets it.
    pub fn wait_for(&mut self, what: &str) {
        let mut chunk = [0; 4096];
        while !self.received.windows(what.len()).any(|window| window == what.as_bytes()) {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "closed while waiting for {what}");
            self.received.extend(&chunk[..count]);
        }
        self.received.clear();
    }
}
