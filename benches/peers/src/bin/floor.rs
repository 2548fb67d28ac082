//! The floor: one thread, epoll, and whatever comes goes back, or to everybody. What the kernel allows; nobody could use it.

use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use peers::{Args, Work};

struct Connection {
    stream: TcpStream,
    /// What the socket did not take.
    rest: Vec<u8>,
}

struct Floor {
    connections: Vec<Option<Connection>>,
    work: Work,
}

const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let args = Args::read();
    let mut listener = TcpListener::bind(args.addr)?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut floor = Floor { connections: Vec::new(), work: args.work };
    let mut buffer = vec![0; 256 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => floor.accept(&listener, &poll)?,
                Token(index) => floor.serve(index, &mut buffer),
            }
        }
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let index = self.connections.iter().position(Option::is_none);
            let index = index.filter(|_| self.work == Work::Echo).unwrap_or(self.connections.len());
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), both)?;
            if index == self.connections.len() {
                self.connections.push(None);
            }
            self.connections[index] = Some(Connection { stream, rest: Vec::new() });
        }
        Ok(())
    }

    fn serve(&mut self, index: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[index] else { return };
        let served = match self.work {
            Work::Echo => connection.echo(buffer),
            Work::Broadcast => connection.read(buffer).map(|count| self.publish(&buffer[..count])),
        };
        if served.is_err() {
            self.connections[index] = None;
        }
    }

    fn publish(&mut self, bytes: &[u8]) {
        for connection in self.connections.iter_mut().flatten() {
            if !bytes.is_empty() && connection.rest.is_empty() {
                // Who is gone is found out when it is read from.
                let _ = connection.write(bytes);
            }
        }
    }
}

impl Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest)?;
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    fn echo(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let count = self.read(buffer)?;
            self.write(&buffer[..count])?;
            if count < buffer.len() || !self.rest.is_empty() {
                return Ok(());
            }
        }
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
