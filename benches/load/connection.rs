//! One connection of the generator.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use mio::net::TcpStream as Socket;

use crate::frame::Exchange;

/// A client that keeps a number of messages in flight.
pub struct Connection {
    pub socket: Socket,
    /// Bytes that still have to be written, counted from the front of an endless row of requests.
    unsent: usize,
    sent_at: usize,
    received_at: usize,
}

/// Connects and, unless the server speaks no WebSocket, does the opening handshake.
pub fn open(addr: SocketAddr, raw: bool) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    if !raw {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(String::from_utf8_lossy(&head).into_owned()));
        }
    }
    Ok(stream)
}

impl Connection {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let socket = Socket::from_std(stream);
        Ok(Self { socket, unsent: 0, sent_at: 0, received_at: 0 })
    }

    /// Sends `count` more messages. `burst` is the request as often as fits.
    pub fn send(&mut self, count: usize, exchange: &Exchange, burst: &[u8]) -> io::Result<()> {
        self.unsent += count * exchange.request.len();
        while self.unsent > 0 {
            let end = burst.len().min(self.sent_at + self.unsent);
            match self.socket.write(&burst[self.sent_at..end]) {
                Ok(written) => {
                    self.unsent -= written;
                    self.sent_at = (self.sent_at + written) % exchange.request.len();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what there is, checks it, and tells how many messages came back whole. `expected` is the response as often as
    /// fits.
    pub fn receive(
        &mut self,
        exchange: &Exchange,
        expected: &[u8],
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let size = exchange.response.len();
        let mut whole = 0;
        loop {
            let room = buffer.len().min(expected.len() - self.received_at);
            match self.socket.read(&mut buffer[..room]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    let end = self.received_at + count;
                    if buffer[..count] != expected[self.received_at..end] {
                        return Err(io::Error::other("the server answered something else"));
                    }
                    whole += end / size;
                    self.received_at = end % size;
                    if count < room {
                        return Ok(whole);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(whole),
                Err(error) => return Err(error),
            }
        }
    }
}
