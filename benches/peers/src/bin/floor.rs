//! The floor: one thread, epoll, and whatever comes goes back. What the kernel allows; nobody could use it.

use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

struct Connection {
    stream: TcpStream,
    /// What the socket did not take.
    rest: Vec<u8>,
}

const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or("127.0.0.1:9000".into());
    let mut listener = TcpListener::bind(addr.parse().map_err(io::Error::other)?)?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(connections.len()), both)?;
                    connections.push(Some(Connection { stream, rest: Vec::new() }));
                }
                continue;
            }
            let slot = &mut connections[event.token().0];
            if let Some(connection) = slot
                && connection.echo(&mut buffer).is_err()
            {
                *slot = None;
            }
        }
    }
}

impl Connection {
    fn echo(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest)?;
        while self.rest.is_empty() {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.write(&buffer[..count])?;
                    if count < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }
}
