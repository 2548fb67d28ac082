//! Fan-out: what one connection sends comes to all of them.

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

#[derive(Args)]
pub(crate) struct FanOut {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    span: Span,
    /// Payload of a message, in bytes.
    #[arg(long, default_value_t = 128)]
    size: usize,
    /// Messages that are sent together; the next ones once everybody has got them.
    #[arg(long, default_value_t = 1)]
    under_way: u64,
}

/// What happened within a time.
#[derive(Default)]
struct Count {
    /// Messages received, by all connections.
    deliveries: u64,
    /// Times that something could be read on a connection: the writes of the server, unless two of them came before the
    /// generator looked.
    arrivals: u64,
    bursts: u64,
}

impl FanOut {
    pub(crate) fn run(&self) -> io::Result<Value> {
        let script = Script::new(Content::Binary, self.size, self.target.raw, false);
        let poll = Poll::new()?;
        let opener = Opener::new(&self.target)?;
        let mut connections = Vec::with_capacity(self.target.connections);
        for index in 0..self.target.connections {
            let mut connection = Connection::new(opener.open()?, false);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.transport.socket, Token(index), both)?;
            connections.push(connection);
        }
        let mut run = Run { fan_out: self, script, connections, poll, times: Histogram::new() };
        // Somebody may not have joined yet, although its handshake is over.
        std::thread::sleep(Duration::from_millis(200));
        run.until(Instant::now() + self.span.warm_up)?;
        let first = Reading::take(self.target.pid)?;
        run.times = Histogram::new();
        let count = run.until(first.at() + self.span.time)?;
        let last = Reading::take(self.target.pid)?;
        let mut line = first.compare(&last, count.deliveries);
        let expected = count.bursts * self.target.connections as u64;
        line["arrivals_per_burst"] = (count.arrivals as f64 / expected as f64).into();
        line["burst_p50_us"] = run.times.quantile(0.5).into();
        line["burst_p99_us"] = run.times.quantile(0.99).into();
        Ok(line)
    }
}

struct Run<'a> {
    fan_out: &'a FanOut,
    script: Script,
    connections: Vec<Connection>,
    poll: Poll,
    /// From a burst to its last delivery.
    times: Histogram,
}

impl Run<'_> {
    /// Sends bursts until `end`. Each is received by everybody before the next.
    fn until(&mut self, end: Instant) -> io::Result<Count> {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 1 << 18];
        let mut count = Count::default();
        let under_way = self.fan_out.under_way;
        while Instant::now() < end {
            let started = Instant::now();
            let mut missing = under_way * self.connections.len() as u64;
            count.bursts += 1;
            count.deliveries += missing;
            self.connections[0].send(under_way, &self.script)?;
            while missing > 0 {
                self.poll.poll(&mut events, Some(Duration::from_secs(10)))?;
                if events.is_empty() {
                    return Err(failure(format!("{missing} deliveries are missing")));
                }
                for event in &events {
                    let connection = &mut self.connections[event.token().0];
                    if event.is_readable() {
                        let received = connection.receive(&self.script, &mut buffer)?;
                        count.arrivals += u64::from(received > 0);
                        missing = missing
                            .checked_sub(received)
                            .ok_or_else(|| failure("more was delivered than sent"))?;
                    }
                }
            }
            self.times.add(started.elapsed());
        }
        Ok(count)
    }
}
