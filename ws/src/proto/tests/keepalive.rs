//! Keepalive over the virtual wire, in virtual time.

use std::time::Duration;

use super::wire::*;
use crate::proto::{Failure, Initiator, Role};
use crate::{CloseCode, Config};

const SECOND: Duration = Duration::from_secs(1);

/// A server that pings every 30 s, gives 20 s for an answer, and a client that leaves it to the server.
fn wire() -> Wire {
    let mut wire = Wire::new(usize::MAX);
    let config = Config { ping_interval: None, ..Config::default() };
    wire.client = End::new(Role::Client, config, wire.now);
    wire
}

#[test]
fn an_idle_connection_lives_on_pings_and_pongs() {
    let mut wire = wire();
    wire.pass(3600 * SECOND);
    let pings = wire.client.seen.iter().filter(|seen| matches!(seen, Seen::Ping(_))).count();
    let pongs = wire.server.seen.iter().filter(|seen| matches!(seen, Seen::Pong(_))).count();
    assert_eq!((pings, pongs), (wire.client.seen.len(), wire.server.seen.len()));
    assert!((3600 / 60..=3600 / 30).contains(&pings), "{pings} pings in an hour");
    assert_eq!(pings, pongs);
    assert_eq!(wire.server.connection.latency(), Some(Duration::ZERO));
}

#[test]
fn a_peer_that_talks_is_not_pinged() {
    let mut wire = wire();
    for _ in 0..100 {
        wire.client.connection.send(&"busy".into()).unwrap();
        wire.deliver();
        wire.pass(20 * SECOND);
    }
    assert_eq!(wire.client.seen, []);
}

#[test]
fn a_dead_wire_is_found_within_two_intervals_and_the_deadline_of_the_ping() {
    let mut wire = wire();
    wire.client.connection.send(&"last words".into()).unwrap();
    wire.deliver();
    wire.is_cut = true;
    let cut_at = wire.now;
    while !wire.server.is_closed() {
        wire.pass(SECOND);
        assert!(wire.now - cut_at <= (2 * 30 + 20) * SECOND);
    }
    let report = wire.server.report();
    assert_eq!(report.failure, Some(Failure::PongTimeout));
    assert_eq!((&report.sent, &report.received), (&None, &None));
    assert_eq!(report.initiator, Initiator::Local);
}

#[test]
fn the_latency_is_the_time_from_ping_to_pong() {
    let mut wire = wire();
    wire.is_cut = true;
    wire.pass(30 * SECOND);
    assert!(!wire.server.connection.outbox().is_empty(), "the ping");
    wire.pass(3 * SECOND);
    wire.is_cut = false;
    wire.deliver();
    assert_eq!(wire.server.connection.latency(), Some(3 * SECOND));
    wire.pass(20 * SECOND);
    assert!(!wire.server.is_closed());
}

#[test]
fn messages_hold_off_the_idle_timeout_and_pings_do_not() {
    let config = Config { idle_timeout: Some(60 * SECOND), ..Config::default() };
    let mut wire = Wire::with(usize::MAX, &config);
    for _ in 0..10 {
        wire.client.connection.send(&"busy".into()).unwrap();
        wire.server.connection.send(&"busy".into()).unwrap();
        wire.deliver();
        wire.pass(50 * SECOND);
    }
    assert!(!wire.client.is_closed() && !wire.server.is_closed());
    wire.pass(120 * SECOND);
    let (client, server) = (wire.client.report(), wire.server.report());
    let idle = [client, server].into_iter().filter(|r| r.failure == Some(Failure::IdleTimeout));
    let sent: Vec<_> = idle.map(|r| r.sent.as_ref().unwrap().code).collect();
    assert!(!sent.is_empty() && sent.iter().all(|code| *code == CloseCode::GOING_AWAY));
}

#[test]
fn a_silent_peer_that_slowly_reads_what_we_send_is_not_taken_for_dead() {
    // A long download over a thin line: the stream is full, so that no ping leaves, and the peer has nothing to say.
    let mut wire = wire();
    let server = &mut wire.server;
    server.connection.send(&vec![0; 1_000_000].into()).unwrap();
    for _ in 0..60 {
        assert_eq!(server.write(10_000).len(), 10_000);
        server.connection.handle_blocked();
        wire.now += 10 * SECOND;
        assert_eq!(server.connection.handle_timeout(wire.now), None);
    }
    // Then the line is cut, and that is found.
    for _ in 0..8 {
        wire.now += 10 * SECOND;
        server.seen.extend(server.connection.handle_timeout(wire.now).map(Seen::Closed));
    }
    assert_eq!(server.report().failure, Some(Failure::PongTimeout));
}

#[test]
fn a_stream_that_was_full_when_the_ping_was_due_is_not_failed_for_a_pong_nobody_asked_for() {
    let mut wire = wire();
    let server = &mut wire.server;
    server.connection.send(&vec![0; 1000].into()).unwrap();
    server.connection.handle_blocked();
    wire.now += 30 * SECOND;
    assert_eq!(server.connection.handle_timeout(wire.now), None, "no ping into a full stream");
    server.write(usize::MAX);
    wire.now += 20 * SECOND;
    assert_eq!(server.connection.handle_timeout(wire.now), None);
    // From here on the ping leaves and is answered.
    wire.client.seen.clear();
    wire.pass(60 * SECOND);
    assert!(wire.client.seen.iter().any(|seen| matches!(seen, Seen::Ping(_))));
    assert!(!wire.server.is_closed());
}
