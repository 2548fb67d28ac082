//! One connection of the generator: writes requests, reads answers and compares them.

use std::io;
use std::time::Instant;

use crate::failure;
use crate::inflate::Inflater;
use crate::script::Script;
use crate::transport::Transport;

pub(crate) struct Connection {
    pub(crate) transport: Transport,
    inflater: Option<Inflater>,
    /// Bytes of the endless row of requests that may be written, and that were.
    due: u64,
    written: u64,
    /// Messages that were asked for.
    requested: u64,
    /// Bytes that came: of the endless row of answers, if they are not compressed.
    pub(crate) received: u64,
    /// Messages that came back.
    pub(crate) answered: u64,
    /// When something came last, or the first request was written.
    pub(crate) heard_at: Instant,
}

impl Connection {
    pub(crate) fn new(transport: Transport, deflate: bool) -> Self {
        let inflater = deflate.then(Inflater::new);
        let heard_at = Instant::now();
        Self {
            transport,
            inflater,
            due: 0,
            written: 0,
            requested: 0,
            received: 0,
            answered: 0,
            heard_at,
        }
    }

    /// Sends `count` more messages, or what could not be written of those before.
    #[inline]
    pub(crate) fn send(&mut self, count: u64, script: &Script) -> io::Result<()> {
        if count > 0 {
            self.requested += count;
            self.due = script.requests.position(self.requested);
        }
        let (bytes, round) = (&script.requests.bytes, script.requests.round() as u64);
        while self.written < self.due {
            let start = (self.written % round) as usize;
            let end = bytes.len().min(start + (self.due - self.written) as usize);
            match self.transport.write(&bytes[start..end]) {
                Ok(written) => self.written += written as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        match self.transport.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads what there is, checks it, and tells how many messages came back whole.
    #[inline]
    pub(crate) fn receive(&mut self, script: &Script, buffer: &mut [u8]) -> io::Result<u64> {
        let before = self.answered;
        loop {
            let count = match self.transport.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            self.check(script, &buffer[..count])?;
            if count < buffer.len() && self.transport.short_read_is_last() {
                break;
            }
        }
        Ok(self.answered - before)
    }

    fn check(&mut self, script: &Script, mut bytes: &[u8]) -> io::Result<()> {
        if let Some(inflater) = &mut self.inflater {
            self.received += bytes.len() as u64;
            self.answered += inflater.take(bytes, &script.payloads)?;
            return Ok(());
        }
        let (expected, round) = (&script.responses.bytes, script.responses.round() as u64);
        while !bytes.is_empty() {
            let start = (self.received % round) as usize;
            let count = bytes.len().min(expected.len() - start);
            if bytes[..count] != expected[start..start + count] {
                return Err(failure("the server answered something else"));
            }
            self.received += count as u64;
            bytes = &bytes[count..];
        }
        self.answered = script.responses.messages(self.received);
        Ok(())
    }
}
