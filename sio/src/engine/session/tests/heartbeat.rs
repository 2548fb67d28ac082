use super::*;

const INTERVAL: Duration = Duration::from_secs(25);
const TIMEOUT: Duration = Duration::from_secs(20);

#[test]
fn rule_16_ping_then_pong_then_ping() {
    let (mut rig, socket) = Rig::websocket();
    for _ in 0..3 {
        assert_eq!(rig.next_timer(), INTERVAL);
        assert_eq!(rig.outputs(), ["send 2"]);
        rig.pass(Duration::from_secs(1));
        rig.packet(socket, Packet::Pong(""));
        assert_eq!(rig.outputs(), [""; 0]);
    }
}

#[test]
fn rule_16_no_pong_in_time_closes_with_ping_timeout() {
    let (mut rig, _) = Rig::websocket();
    rig.next_timer();
    rig.outputs();
    rig.pass(TIMEOUT - Duration::from_millis(1));
    assert_eq!(rig.outputs(), [""; 0]);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.outputs(), ["close socket", "closed: ping timeout"]);
    assert_eq!(rig.session.poll_timeout(), None);
}

#[test]
fn rule_16_a_polling_client_that_never_comes_back_times_out() {
    let mut rig = Rig::polling();
    rig.next_timer();
    assert_eq!(rig.outputs(), [""; 0], "the ping waits for a GET");
    assert_eq!(rig.next_timer(), TIMEOUT);
    assert_eq!(rig.outputs(), ["closed: ping timeout"]);
}

#[test]
fn rule_16_a_waiting_get_carries_the_ping_and_learns_of_the_timeout() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    rig.next_timer();
    assert_eq!(rig.outputs(), ["get 2"]);
    rig.get().unwrap();
    rig.next_timer();
    assert_eq!(rig.outputs(), ["get 1", "closed: ping timeout"]);
}

#[test]
fn rule_16_unsolicited_and_repeated_pongs_are_harmless() {
    let (mut rig, socket) = Rig::websocket();
    rig.packet(socket, Packet::Pong(""));
    rig.pass(INTERVAL / 2);
    rig.packet(socket, Packet::Pong("anything"));
    assert_eq!(rig.next_timer(), INTERVAL / 2, "nor do they put off the next ping");
    assert_eq!(rig.outputs(), ["send 2"]);
    rig.packet(socket, Packet::Pong(""));
    rig.packet(socket, Packet::Pong(""));
    assert_eq!(rig.next_timer(), INTERVAL);
    assert_eq!(rig.outputs(), ["send 2"]);
}

#[test]
fn rule_16_a_client_must_not_ping() {
    let (mut rig, socket) = Rig::websocket();
    rig.packet(socket, Packet::Ping("probe"));
    assert_eq!(rig.outputs(), ["close socket", "closed: transport error"]);
    let mut rig = Rig::polling();
    rig.post(&[Packet::Ping("")]).unwrap();
    assert_eq!(rig.outputs(), ["closed: transport error"]);
}

#[test]
fn a_late_timer_pings_once() {
    let (mut rig, _) = Rig::websocket();
    rig.pass(INTERVAL * 10);
    assert_eq!(rig.outputs(), ["send 2"]);
    assert_eq!(rig.next_timer(), TIMEOUT, "and then gives the client its full time");
}
