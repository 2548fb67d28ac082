use super::*;

const NOTHING: [&str; 0] = [];

#[test]
fn rule_17_probe_upgrade_and_flush() {
    let (mut rig, socket) = Rig::probing();
    rig.session.send_all(&[out("a"), out("b")]).unwrap();
    assert_eq!(rig.outputs(), NOTHING, "messages stay with polling until `5`");
    assert_eq!(rig.session.transport(), Transport::Polling);
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.outputs(), ["upgraded 4a,4b"]);
    assert_eq!(rig.session.transport(), Transport::WebSocket);
    rig.session.send_all(&[out("c")]).unwrap();
    assert_eq!(rig.outputs(), ["send 4c"]);
    assert_eq!(rig.packet(socket, text("in")), Some("in".into()));
}

#[test]
fn rule_17_polling_goes_on_during_the_probe() {
    let (mut rig, _) = Rig::probing();
    rig.session.send_all(&[out("a")]).unwrap();
    rig.get().unwrap();
    assert_eq!(rig.outputs(), ["get 4a"]);
    rig.session.handle_post().unwrap();
    assert_eq!(rig.session.handle_packet(rig.now, text("b")), Some(Message::Text("b")));
}

#[test]
fn rule_17_a_waiting_get_gets_a_noop_every_100_ms() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    let socket = rig.session.handle_probe(rig.now).unwrap();
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.outputs(), NOTHING, "not before the probe is answered");
    rig.packet(socket, Packet::Ping("probe"));
    assert_eq!(rig.next_timer(), Duration::from_millis(100));
    assert_eq!(rig.outputs(), ["probe 3probe", "get 6"]);
    rig.pass(Duration::from_millis(30));
    rig.get().unwrap();
    assert_eq!(
        rig.next_timer(),
        Duration::from_millis(100),
        "no busy loop for a client that does not pause"
    );
    assert_eq!(rig.outputs(), ["get 6"]);
}

#[test]
fn rule_17_a_get_that_still_waits_at_the_upgrade_is_ended() {
    let (mut rig, socket) = Rig::probing();
    rig.get().unwrap();
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.outputs(), ["get 6", "upgraded "]);
    rig.session.handle_get_aborted();
    assert_eq!(rig.outputs(), NOTHING, "and nobody minds if the client does not care");
}

#[test]
fn rule_17_a_post_that_began_before_the_upgrade_is_heard() {
    let (mut rig, socket) = Rig::probing();
    rig.session.handle_post().unwrap();
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.session.handle_packet(rig.now, text("late")), Some(Message::Text("late")));
    rig.session.handle_post_end();
    assert_eq!(rig.session.handle_post(), Err(Refusal::BadRequest));
}

#[test]
fn rule_17_the_heartbeat_goes_on_across_the_upgrade() {
    let mut rig = Rig::polling();
    rig.pass(Duration::from_secs(25));
    let socket = rig.session.handle_probe(rig.now).unwrap();
    rig.packet(socket, Packet::Ping("probe"));
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.outputs(), ["probe 3probe", "upgraded 2"]);
    rig.packet(socket, Packet::Pong(""));
    assert_eq!(rig.next_timer(), Duration::from_secs(25));
}

#[test]
fn rule_18_any_other_packet_closes_only_the_new_websocket() {
    let others = [
        text("x"),
        Packet::Ping(""),
        Packet::Ping("probe "),
        Packet::Pong("probe"),
        Packet::Noop,
        Packet::Close,
    ];
    for packet in others.into_iter().chain([
        Packet::Open(""),
        Packet::Upgrade,
        Packet::from_binary(b"2probe"),
    ]) {
        let mut rig = Rig::polling();
        let socket = rig.session.handle_probe(rig.now).unwrap();
        assert_eq!(rig.packet(socket, packet), None);
        assert_eq!(rig.outputs(), ["close probe"], "{packet:?}");
        rig.session.send_all(&[out("alive")]).unwrap();
        rig.get().unwrap();
        assert_eq!(rig.outputs(), ["get 4alive"]);
    }
}

#[test]
fn rule_18_after_the_probe_only_5_is_right() {
    for packet in [text("x"), Packet::Ping("probe"), Packet::Close] {
        let (mut rig, socket) = Rig::probing();
        rig.packet(socket, packet);
        assert_eq!(rig.outputs(), ["close probe"], "{packet:?}");
        assert!(rig.session.is_open());
    }
}

#[test]
fn rule_18_a_probe_has_ten_seconds() {
    let (mut rig, socket) = Rig::probing();
    rig.pass(Duration::from_millis(9_999));
    assert_eq!(rig.outputs(), NOTHING);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.outputs(), ["close probe"]);
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.outputs(), NOTHING, "too late");
    assert_eq!(rig.session.transport(), Transport::Polling);
}

#[test]
fn rule_18_a_probe_that_breaks_is_forgotten_and_may_be_tried_again() {
    let mut rig = Rig::polling();
    let first = rig.session.handle_probe(rig.now).unwrap();
    rig.session.handle_socket_parse_error(first);
    assert_eq!(rig.outputs(), ["close probe"]);
    let second = rig.session.handle_probe(rig.now).unwrap();
    rig.session.handle_socket_closed(first, CloseReason::TransportError);
    assert_eq!(rig.outputs(), NOTHING, "the late end of the first one does not end the second");
    rig.packet(first, Packet::Ping("probe"));
    rig.packet(second, Packet::Ping("probe"));
    rig.packet(second, Packet::Upgrade);
    assert_eq!(rig.outputs(), ["probe 3probe", "upgraded "]);
}

#[test]
fn rule_18_there_is_one_websocket_per_session() {
    let (mut rig, socket) = Rig::probing();
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::BadRequest));
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::BadRequest));
    assert!(rig.session.is_open());
    let (mut rig, _) = Rig::websocket();
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::BadRequest));
}

#[test]
fn rule_18_no_upgrade_where_none_is_offered() {
    let mut rig = Rig::with(Config { allow_upgrades: false, ..Config::default() });
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::BadRequest));
    let mut rig = Rig::with(Config { transports: vec![Transport::Polling], ..Config::default() });
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::BadRequest));
}

#[test]
fn rule_18_polling_after_the_upgrade_is_a_bad_request() {
    let (mut rig, socket) = Rig::probing();
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.get(), Err(Refusal::BadRequest));
    assert_eq!(rig.post(&[]), Err(Refusal::BadRequest));
    assert!(rig.session.is_open());
}

#[test]
fn rule_18_a_session_that_closes_during_the_probe_finishes_on_the_websocket() {
    let (mut rig, socket) = Rig::probing();
    rig.session.send_all(&[out("last")]).unwrap();
    rig.session.close(rig.now);
    assert_eq!(rig.outputs(), NOTHING);
    rig.packet(socket, Packet::Upgrade);
    assert_eq!(rig.outputs(), ["upgraded 4last", "close socket", "closed: forced close"]);
}

#[test]
fn rule_18_or_by_polling_if_a_get_comes_first() {
    let (mut rig, socket) = Rig::probing();
    rig.session.close(rig.now);
    rig.get().unwrap();
    assert_eq!(rig.outputs(), ["close probe", "get 1", "closed: forced close"]);
    assert_eq!(rig.packet(socket, Packet::Upgrade), None);
    assert_eq!(rig.outputs(), NOTHING);
}

#[test]
fn rule_18_a_closing_session_gets_no_new_websocket() {
    let mut rig = Rig::polling();
    rig.session.close(rig.now);
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::BadRequest));
    rig.pass(Duration::from_secs(30));
    assert_eq!(rig.session.handle_probe(rig.now), Err(Refusal::SessionIdUnknown));
}

#[test]
fn rule_19_closing_a_websocket_session() {
    let (mut rig, _) = Rig::websocket();
    rig.session.close(rig.now);
    assert_eq!(rig.outputs(), ["close socket", "closed: forced close"]);
}

#[test]
fn rule_20_reasons_of_a_websocket_that_ends() {
    for reason in [CloseReason::TransportClose, CloseReason::TransportError] {
        let (mut rig, socket) = Rig::websocket();
        rig.session.handle_socket_closed(socket, reason);
        assert_eq!(rig.outputs(), ["close socket".to_owned(), format!("closed: {reason}")]);
    }
    let (mut rig, socket) = Rig::websocket();
    rig.session.handle_socket_parse_error(socket);
    assert_eq!(rig.outputs(), ["close socket", "closed: parse error"]);
    let (mut rig, socket) = Rig::websocket();
    rig.packet(socket, Packet::Close);
    assert_eq!(rig.outputs(), ["close socket", "closed: transport close"]);
}
