//! Handshakes: connect, one echo, close; many at a time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use crate::frame::{self, BINARY, CLOSE};
use crate::process::Reading;
use crate::transport::{Opener, read_head};
use crate::{Span, Target, failure};

#[derive(Args)]
pub(crate) struct Handshake {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    span: Span,
}

/// What a client says after the opening handshake, and hears.
struct Dialogue {
    open: Vec<u8>,
    request: Vec<u8>,
    response: Vec<u8>,
    close: Vec<u8>,
    closed: Vec<u8>,
}

impl Handshake {
    pub(crate) fn run(&self) -> io::Result<Value> {
        let raw = self.target.raw;
        let (payload, key) = ([b'x'; 32], [1, 2, 3, 4]);
        let request = frame::masked(BINARY, &payload, key);
        let response = if raw { request.clone() } else { frame::plain(BINARY, &payload) };
        let status = 1000_u16.to_be_bytes();
        let dialogue = Dialogue {
            open: Opener::new(&self.target)?.request(),
            request,
            response,
            close: frame::masked(CLOSE, &status, key),
            closed: frame::plain(CLOSE, &status),
        };
        self.until(&dialogue, Instant::now() + self.span.warm_up)?;
        let first = Reading::take(self.target.pid)?;
        let count = self.until(&dialogue, first.at() + self.span.time)?;
        let last = Reading::take(self.target.pid)?;
        Ok(first.compare(&last, count))
    }

    fn until(&self, dialogue: &Dialogue, end: Instant) -> io::Result<u64> {
        let mut count = 0;
        while Instant::now() < end {
            self.batch(dialogue)?;
            count += self.target.connections as u64;
        }
        Ok(count)
    }

    /// All clients do each step before any does the next.
    fn batch(&self, dialogue: &Dialogue) -> io::Result<()> {
        let mut streams = Vec::with_capacity(self.target.connections);
        for _ in 0..self.target.connections {
            let stream = TcpStream::connect(self.target.addr)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            streams.push(stream);
        }
        let mut answer = vec![0; dialogue.response.len()];
        if !self.target.raw {
            all(&mut streams, |stream| stream.write_all(&dialogue.open))?;
            all(&mut streams, |stream| match read_head(&mut Chunked::new(stream))? {
                head if head.starts_with("HTTP/1.1 101") => Ok(()),
                head => Err(failure(head)),
            })?;
        }
        all(&mut streams, |stream| stream.write_all(&dialogue.request))?;
        all(&mut streams, |stream| {
            stream.read_exact(&mut answer)?;
            if answer == dialogue.response { Ok(()) } else { Err(failure("wrong answer")) }
        })?;
        if !self.target.raw {
            all(&mut streams, |stream| stream.write_all(&dialogue.close))?;
            all(&mut streams, |stream| {
                let mut last = vec![0; dialogue.closed.len()];
                stream.read_exact(&mut last)?;
                // Some send the code back, some another.
                if last[0] == CLOSE { Ok(()) } else { Err(failure("no close frame")) }
            })?;
        }
        all(&mut streams, |stream| stream.shutdown(Shutdown::Write))?;
        all(&mut streams, |stream| match stream.read(&mut answer)? {
            0 => Ok(()),
            _ => Err(failure("something after the end")),
        })
    }
}

fn all(
    streams: &mut [TcpStream],
    mut step: impl FnMut(&mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    streams.iter_mut().try_for_each(&mut step)
}

/// Reads a head with few system calls: nothing follows it before it is answered.
struct Chunked<'a> {
    stream: &'a mut TcpStream,
    buffer: [u8; 512],
    start: usize,
    end: usize,
}

impl<'a> Chunked<'a> {
    const fn new(stream: &'a mut TcpStream) -> Self {
        Self { stream, buffer: [0; 512], start: 0, end: 0 }
    }
}

impl Read for Chunked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, self.stream.read(&mut self.buffer)?);
        }
        let count = out.len().min(self.end - self.start);
        out[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}
