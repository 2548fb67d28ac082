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

#[test]
fn rule_16_a_client_that_is_not_read_is_pinged_and_needs_not_answer() {
    let (mut rig, socket) = Rig::websocket();
    rig.next_timer();
    assert_eq!(rig.outputs(), ["send 2"]);
    rig.pass(TIMEOUT / 2);
    rig.session.handle_pause();
    assert_eq!(rig.next_timer(), INTERVAL - TIMEOUT / 2, "an interval after the last ping");
    assert_eq!(rig.outputs(), ["send 2"]);
    for _ in 0..10 {
        assert_eq!(rig.next_timer(), INTERVAL);
        assert_eq!(rig.outputs(), ["send 2"], "rule 15: else the client gives up");
    }
    rig.pass(Duration::from_secs(1));
    rig.session.handle_resume(rig.now);
    rig.pass(TIMEOUT - Duration::from_millis(1));
    assert_eq!(rig.outputs(), [""; 0], "the pong may lie behind a great many messages");
    rig.packet(socket, Packet::Pong(""));
    assert_eq!(rig.next_timer(), INTERVAL);
    assert_eq!(rig.outputs(), ["send 2"]);
}

#[test]
fn rule_16_a_client_that_vanished_while_it_was_not_read_times_out_after() {
    let (mut rig, _) = Rig::websocket();
    rig.session.handle_pause();
    rig.next_timer();
    assert_eq!(rig.outputs(), ["send 2"]);
    rig.session.handle_resume(rig.now);
    assert_eq!(rig.next_timer(), TIMEOUT);
    assert_eq!(rig.outputs(), ["close socket", "closed: ping timeout"]);
}

#[test]
fn rule_15_short_pauses_in_quick_succession_do_not_put_off_the_pings() {
    let (mut rig, _) = Rig::websocket();
    let (mut pings, mut longest, mut last) = (0, Duration::ZERO, rig.now);
    for _ in 0..1_000 {
        rig.session.handle_pause();
        rig.pass(Duration::from_secs(1));
        rig.session.handle_resume(rig.now);
        if rig.outputs() == ["send 2"] {
            longest = longest.max(rig.now - last);
            last = rig.now;
            pings += 1;
        }
    }
    assert_eq!((pings, longest), (1_000 / 25, INTERVAL));
}

#[test]
fn a_pause_without_an_unanswered_ping_changes_nothing() {
    let (mut rig, socket) = Rig::websocket();
    rig.next_timer();
    rig.session.handle_pause();
    rig.packet(socket, Packet::Pong(""));
    rig.session.handle_resume(rig.now);
    assert_eq!(rig.outputs(), ["send 2"]);
    assert_eq!(rig.next_timer(), INTERVAL);
    assert_eq!(rig.outputs(), ["send 2"]);
}
