//! Two connections on a virtual wire with virtual time, frames made by hand, and what was seen as owned values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut};

use crate::Config;
use crate::proto::frame::{Header, Opcode};
use crate::proto::{CloseReport, Connection, Event, Message, ProtocolError, Role, mask};

pub(super) const BOTH: [Role; 2] = [Role::Server, Role::Client];
pub(super) const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// What happened, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Message(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closed(CloseReport),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message(payload) => Self::Message(payload.into_message()),
            Event::Ping(payload) => Self::Ping(payload.into_owned()),
            Event::Pong(payload) => Self::Pong(payload.into_owned()),
            Event::Closed(report) => Self::Closed(report),
        }
    }
}

pub(super) fn text(text: &str) -> Seen {
    Seen::Message(text.into())
}

pub(super) fn binary(bytes: &[u8]) -> Seen {
    Seen::Message(bytes.into())
}

/// A frame as `to` must receive it: masked if that is a server.
pub(super) fn frame(to: Role, opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mask = (to == Role::Server).then_some(KEY);
    let header = Header { fin, rsv: 0, opcode, mask, len: payload.len() as u64 };
    let mut out = head(&header);
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        let start = out.len() - payload.len();
        mask::apply(key, 0, &mut out[start..]);
    }
    out
}

/// A header and nothing behind it.
pub(super) fn head(header: &Header) -> Vec<u8> {
    let (bytes, used) = header.encode();
    bytes[..used].to_vec()
}

/// One machine, driven by hand.
#[derive(Debug)]
pub(super) struct End {
    pub(super) role: Role,
    pub(super) connection: Connection,
    pub(super) seen: Vec<Seen>,
    /// Whether big messages are read straight into their own buffer.
    pub(super) is_direct: bool,
}

impl End {
    pub(super) fn new(role: Role, config: Config, now: Instant) -> Self {
        let connection = Connection::new(role, Arc::new(config), || KEY, now);
        Self { role, connection, seen: Vec::new(), is_direct: false }
    }

    /// With the default limits.
    pub(super) fn plain(role: Role) -> Self {
        Self::new(role, Config::default(), Instant::now())
    }

    /// One read delivers `bytes`.
    pub(super) fn read(&mut self, now: Instant, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        if self.is_direct {
            while let Some(mut spare) = self.connection.direct().filter(|_| !input.is_empty()) {
                let count = input.len().min(spare.remaining_mut());
                let (piece, rest) = std::mem::take(&mut input).split_at_mut(count);
                spare.put_slice(piece);
                input = rest;
                self.seen.extend(self.connection.handle_direct(now, count).map(Seen::from));
            }
        }
        while let Some(event) = self.connection.handle_input(now, &mut input) {
            self.seen.push(event.into());
        }
        assert!(input.is_empty(), "everything is taken or thrown away");
    }

    /// Reads of `step` bytes each deliver `bytes`.
    pub(super) fn feed(&mut self, bytes: &[u8], step: usize) {
        let now = Instant::now();
        for piece in bytes.chunks(step) {
            self.read(now, piece);
        }
    }

    pub(super) fn eof(&mut self) {
        self.seen.extend(self.connection.handle_eof().map(Seen::Closed));
    }

    /// A write takes up to `limit` bytes of what is to be written.
    pub(super) fn write(&mut self, limit: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < limit {
            let outbox = self.connection.outbox();
            let chunk = outbox.chunk();
            let count = chunk.len().min(limit - out.len());
            if count == 0 {
                break;
            }
            out.extend_from_slice(&chunk[..count]);
            self.connection.handle_written(count);
        }
        out
    }

    /// All that is to be written, as what the other side makes of it.
    pub(super) fn sent(&mut self) -> Vec<Seen> {
        let other = if self.role == Role::Server { Role::Client } else { Role::Server };
        let config = Config { max_message_size: usize::MAX, ..Config::default() };
        let mut peer = Self::new(other, config, Instant::now());
        let bytes = self.write(usize::MAX);
        let mut rest = &bytes[..];
        while let Some((header, used)) = Header::decode(rest).unwrap() {
            rest = &rest[used + usize::try_from(header.len).unwrap()..];
            // The peer would not notice.
            assert!(header.opcode != Opcode::Close || rest.is_empty(), "sent after a close frame");
        }
        peer.feed(&bytes, usize::MAX);
        peer.seen
    }

    pub(super) fn report(&self) -> &CloseReport {
        let reports: Vec<_> = self.seen.iter().filter(|s| matches!(s, Seen::Closed(_))).collect();
        match (reports[..].first(), self.seen.last()) {
            (Some(Seen::Closed(report)), Some(Seen::Closed(_))) if reports.len() == 1 => report,
            _ => panic!("exactly one report, and nothing after it: {:?}", self.seen),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.seen.last(), Some(Seen::Closed(_)))
    }
}

/// What a machine that plays `role` makes of `bytes`, read `step` at a time.
pub(super) fn seen(role: Role, bytes: &[u8], step: usize) -> Vec<Seen> {
    let mut end = End::plain(role);
    end.feed(bytes, step);
    end.seen
}

/// With which violation a machine that plays `role` fails over `bytes`, if it does.
pub(super) fn violation(role: Role, bytes: &[u8]) -> Option<ProtocolError> {
    match seen(role, bytes, usize::MAX).last() {
        Some(Seen::Closed(report)) => match report.failure {
            Some(crate::Failure::Protocol(error)) => Some(error),
            _ => None,
        },
        _ => None,
    }
}

/// A client and a server.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) now: Instant,
    pub(super) client: End,
    pub(super) server: End,
    /// Bytes that one read delivers.
    step: usize,
    /// Whether the wire carries anything.
    pub(super) is_cut: bool,
}

impl Wire {
    pub(super) fn new(step: usize) -> Self {
        Self::with(step, &Config::default())
    }

    pub(super) fn with(step: usize, config: &Config) -> Self {
        let now = Instant::now();
        let end = |role| End::new(role, config.clone(), now);
        let (client, server) = (end(Role::Client), end(Role::Server));
        Self { now, client, server, step, is_cut: false }
    }

    /// Carries bytes both ways, a read's worth in turn, until the wire is quiet. Returns how many it carried.
    pub(super) fn deliver(&mut self) -> usize {
        let mut carried = 0;
        while !self.is_cut {
            let (up, down) = (self.client.write(self.step), self.server.write(self.step));
            if up.is_empty() && down.is_empty() {
                break;
            }
            self.server.read(self.now, &up);
            self.client.read(self.now, &down);
            carried += up.len() + down.len();
        }
        carried
    }

    /// Lets time pass: each deadline is kept when it is due, and what it causes is delivered.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..10_000 {
            let due = [&self.client, &self.server].map(|end| end.connection.poll_timeout());
            let Some(next) = due.into_iter().flatten().min().filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            for end in [&mut self.client, &mut self.server] {
                if end.connection.poll_timeout().is_some_and(|at| at <= self.now) {
                    end.seen.extend(end.connection.handle_timeout(self.now).map(Seen::Closed));
                }
            }
            self.deliver();
        }
        panic!("a deadline that does not move");
    }
}
