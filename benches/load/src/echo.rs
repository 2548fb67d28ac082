//! Echo: so many connections, so many messages in flight on each.

use std::io;
use std::time::{Duration, Instant};

use clap::Args;
use mio::{Events, Interest, Poll, Token};
use serde_json::Value;

use crate::connection::Connection;
use crate::histogram::Histogram;
use crate::process::Reading;
use crate::script::{Content, Script};
use crate::transport::Opener;
use crate::{Span, Target, failure};

/// How much is read at once.
const BUFFER: usize = 1 << 18;

#[derive(Args)]
pub(crate) struct Echo {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    span: Span,
    /// Payload of a message, in bytes.
    #[arg(long, default_value_t = 128)]
    size: usize,
    /// Messages on their way at a time, on each connection.
    #[arg(long, default_value_t = 1)]
    in_flight: u64,
    /// What messages contain.
    #[arg(long, default_value = "binary")]
    content: Content,
}

struct Run {
    script: Script,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
    poll: Poll,
    events: Events,
    messages: u64,
    /// Between two answers on a connection: with one message in flight the time it took.
    gaps: Histogram,
}

impl Echo {
    pub(crate) fn run(&self) -> io::Result<Value> {
        let script = Script::new(self.content, self.size, self.target.raw, self.target.deflate);
        let mut run = Run::new(&self.target, script)?;
        for connection in &mut run.connections {
            connection.send(self.in_flight, &run.script)?;
        }
        run.until(Instant::now() + self.span.warm_up)?;
        let before: Vec<_> = run.connections.iter().map(|c| c.answered).collect();
        let (first, messages) = (Reading::take(self.target.pid)?, run.messages);
        run.gaps = Histogram::new();
        run.until(first.at() + self.span.time)?;
        let last = Reading::take(self.target.pid)?;
        let mut line = first.compare(&last, run.messages - messages);
        let counts = run.connections.iter().zip(before).map(|(c, before)| c.answered - before);
        let (least, most) =
            counts.fold((u64::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
        let mean = (run.messages - messages) as f64 / run.connections.len() as f64;
        line["least_of_mean"] = (least as f64 / mean).into();
        line["most_of_mean"] = (most as f64 / mean).into();
        let received: u64 = run.connections.iter().map(|c| c.received).sum();
        let answered: u64 = run.connections.iter().map(|c| c.answered).sum();
        line["wire_bytes"] = (received as f64 / answered as f64).into();
        line["gap_p50_us"] = run.gaps.quantile(0.5).into();
        line["gap_p99_us"] = run.gaps.quantile(0.99).into();
        line["gap_max_us"] = run.gaps.max().into();
        Ok(line)
    }
}

impl Run {
    fn new(target: &Target, script: Script) -> io::Result<Self> {
        let poll = Poll::new()?;
        let opener = Opener::new(target)?;
        let mut connections = Vec::with_capacity(target.connections);
        for index in 0..target.connections {
            let mut connection = Connection::new(opener.open()?, target.deflate);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.transport.socket, Token(index), both)?;
            connections.push(connection);
        }
        Ok(Self {
            script,
            connections,
            buffer: vec![0; BUFFER],
            poll,
            events: Events::with_capacity(1024),
            messages: 0,
            gaps: Histogram::new(),
        })
    }

    /// Answers each answer with a request, until `end`.
    fn until(&mut self, end: Instant) -> io::Result<()> {
        loop {
            self.poll.poll(&mut self.events, Some(Duration::from_secs(10)))?;
            if self.events.is_empty() {
                return Err(failure("no answer for ten seconds"));
            }
            let now = Instant::now();
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                let mut answered = 0;
                if event.is_readable() {
                    answered = connection.receive(&self.script, &mut self.buffer)?;
                }
                if answered > 0 {
                    self.messages += answered;
                    self.gaps.add(now - connection.heard_at);
                    connection.heard_at = now;
                }
                connection.send(answered, &self.script)?;
            }
            if now >= end {
                return Ok(());
            }
        }
    }
}
