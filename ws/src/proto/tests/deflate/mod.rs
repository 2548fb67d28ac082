//! RFC 7692 held against the machine: two ends that have agreed by a real handshake.

mod limits;
mod oracle;
mod payload;
mod prepared;
mod round_trip;
mod rsv;

use std::sync::Arc;
use std::time::Instant;

use super::wire::*;
use crate::handshake::{self, Opening};
use crate::proto::frame::{Header, Opcode, RSV1};
use crate::proto::{Config, Connection, Deflate, DeflateConfig, Role, mask};

/// Context takeover both ways, and everything is compressed.
fn takeover() -> DeflateConfig {
    DeflateConfig {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        threshold: 0,
        ..DeflateConfig::default()
    }
}

/// No context takeover, and everything is compressed.
fn alone() -> DeflateConfig {
    DeflateConfig { threshold: 0, ..DeflateConfig::default() }
}

/// What server and client make of a handshake.
fn agree(server: &DeflateConfig, client: &DeflateConfig) -> (Deflate, Deflate) {
    let target = "ws://example.com/".parse().unwrap();
    let opening = Opening::new(target, [7; 16]).deflate(client.clone());
    let mut upgrade = handshake::check(&opening.request()).unwrap();
    let at_server = upgrade.negotiate_deflate(server).unwrap().clone();
    let response = upgrade.accept(None, http::HeaderMap::new()).unwrap();
    let at_client = opening.verify(&response).unwrap().deflate().unwrap().clone();
    (at_server, at_client)
}

fn end_with(role: Role, deflate: &Deflate, config: Config) -> End {
    let mut end = End::plain(role);
    let connection = Connection::new(role, Arc::new(config), || KEY, Instant::now());
    end.connection = connection.with_deflate(deflate);
    end
}

/// One end of a connection on which both sides wanted `config`.
fn end(role: Role, config: &DeflateConfig) -> End {
    let (server, client) = agree(config, config);
    end_with(role, if role == Role::Server { &server } else { &client }, Config::default())
}

fn wire(step: usize, server: &DeflateConfig, client: &DeflateConfig) -> Wire {
    let (at_server, at_client) = agree(server, client);
    let mut wire = Wire::new(step);
    wire.server = end_with(Role::Server, &at_server, Config::default());
    wire.client = end_with(Role::Client, &at_client, Config::default());
    wire
}

/// A frame with these reserved bits, as `to` must receive it.
fn frame_with(to: Role, rsv: u8, opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mask = (to == Role::Server).then_some(KEY);
    let header = Header { fin, rsv, opcode, mask, len: payload.len() as u64 };
    let mut out = head(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(mask.unwrap_or_default(), 0, &mut out[start..]);
    out
}

fn deflated(to: Role, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame_with(to, RSV1, opcode, true, payload)
}

/// The payloads of what an end has to write, unmasked, each with its RSV bits.
fn payloads(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some((header, used)) = Header::decode(bytes).unwrap() {
        let (payload, rest) = bytes[used..].split_at(header.len as usize);
        let mut payload = payload.to_vec();
        mask::apply(header.mask.unwrap_or_default(), 0, &mut payload);
        found.push((header.rsv, payload));
        bytes = rest;
    }
    found
}

/// Text as applications send it: similar, never the same.
fn json(count: usize) -> String {
    let record = |i: usize| {
        let id = i.wrapping_mul(2_654_435_761) % 100_000;
        format!(
            r#"{{"id":{id},"name":"user {id}","online":{},"at":{}}},"#,
            id.is_multiple_of(3),
            1_700_000_000 + id
        )
    };
    (0..count).map(record).collect()
}

/// Bytes that don't compress.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
