//! Echo: so many connections, so many messages in flight on each.

use std::io;
use std::time::{Duration, Instant};

use clap::Args;
use mio::{Events, Interest, Poll, Token};

use crate::connection::{Connection, open};
use crate::frame::Exchange;
use crate::{Target, cpu, seconds};

/// Requests are written, and answers compared, in pieces of at most about this size.
const BURST: usize = 1 << 20;

#[derive(Args)]
pub struct Echo {
    #[command(flatten)]
    target: Target,
    /// Payload of a message, in bytes.
    #[arg(long, default_value_t = 128)]
    size: usize,
    /// Messages on their way at a time, on each connection.
    #[arg(long, default_value_t = 1)]
    in_flight: usize,
    /// Send text instead of binary messages.
    #[arg(long)]
    text: bool,
    /// How long to measure, in seconds.
    #[arg(long, default_value = "3", value_parser = seconds)]
    time: Duration,
    /// How long to run before, in seconds.
    #[arg(long, default_value = "0.5", value_parser = seconds)]
    warm_up: Duration,
}

/// Counters at one moment.
struct Reading {
    at: Instant,
    messages: u64,
    server: Duration,
    own: Duration,
}

impl Echo {
    pub fn run(&self) -> io::Result<String> {
        let exchange = Exchange::new(self.size, self.text, self.target.raw);
        let repeat = |bytes: &[u8]| bytes.repeat(BURST / bytes.len() + 2);
        let (burst, expected) = (repeat(&exchange.request), repeat(&exchange.response));
        let mut buffer = vec![0; BURST];
        let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
        let mut connections = Vec::with_capacity(self.target.connections);
        for index in 0..self.target.connections {
            let stream = open(self.target.addr, self.target.raw)?;
            let mut connection = Connection::new(stream)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.socket, Token(index), interest)?;
            connections.push(connection);
        }
        for connection in &mut connections {
            connection.send(self.in_flight, &exchange, &burst)?;
        }
        let (mut messages, mut first) = (0u64, None::<Reading>);
        let mut next = Instant::now() + self.warm_up;
        loop {
            poll.poll(&mut events, Some(Duration::from_secs(10)))?;
            if events.is_empty() {
                return Err(io::Error::other("no answer for ten seconds"));
            }
            for event in &events {
                let connection = &mut connections[event.token().0];
                let mut answered = 0;
                if event.is_readable() {
                    answered = connection.receive(&exchange, &expected, &mut buffer)?;
                    messages += answered as u64;
                }
                connection.send(answered, &exchange, &burst)?;
            }
            if Instant::now() >= next {
                let reading = self.read(messages)?;
                match first {
                    None => first = Some(reading),
                    Some(first) => return Ok(self.line(&first, &reading)),
                }
                next = Instant::now() + self.time;
            }
        }
    }

    fn read(&self, messages: u64) -> io::Result<Reading> {
        let (server, own) = (cpu::time_of(self.target.pid)?, cpu::time_of(std::process::id())?);
        Ok(Reading { at: Instant::now(), messages, server, own })
    }

    fn line(&self, first: &Reading, last: &Reading) -> String {
        let elapsed = (last.at - first.at).as_secs_f64();
        let messages = (last.messages - first.messages) as f64;
        let (server, own) =
            ((last.server - first.server).as_secs_f64(), (last.own - first.own).as_secs_f64());
        serde_json::json!({
            "work": "echo",
            "connections": self.target.connections,
            "size": self.size,
            "in_flight": self.in_flight,
            "text": self.text,
            "per_second": (messages / elapsed).round(),
            "server_us": server / messages * 1e6,
            "own_us": own / messages * 1e6,
            "server_busy": server / elapsed,
            "generator_was_the_limit": own / elapsed > 0.9 && server / elapsed < 0.9,
        })
        .to_string()
    }
}
