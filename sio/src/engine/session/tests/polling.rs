use super::*;

const NOTHING: [&str; 0] = [];

#[test]
fn rule_6_a_get_takes_all_that_waits() {
    let mut rig = Rig::polling();
    rig.session.send_all(&[out("a"), out("b")]).unwrap();
    rig.session.send_all(&[out("c")]).unwrap();
    assert_eq!(rig.session.buffered_bytes(), 6);
    assert_eq!(rig.outputs(), NOTHING);
    rig.get().unwrap();
    assert_eq!(rig.outputs(), ["get 4a,4b,4c"]);
    assert_eq!(rig.session.buffered_bytes(), 0);
}

#[test]
fn rule_6_a_waiting_get_is_answered_by_the_next_message() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    assert_eq!(rig.outputs(), NOTHING);
    rig.session.send_all(&[out("a")]).unwrap();
    rig.session.send_all(&[out("b")]).unwrap();
    assert_eq!(rig.outputs(), ["get 4a"]);
}

#[test]
fn rule_7_a_post_brings_messages() {
    let mut rig = Rig::polling();
    rig.session.handle_post().unwrap();
    assert_eq!(rig.session.handle_packet(rig.now, text("a")), Some(Message::Text("a")));
    assert_eq!(
        rig.session.handle_packet(rig.now, Packet::from_binary(&[1])),
        Some(Message::Binary(&[1]))
    );
    for harmless in [Packet::Noop, Packet::Upgrade, Packet::Open(""), Packet::Pong("")] {
        assert_eq!(rig.session.handle_packet(rig.now, harmless), None);
    }
    rig.session.handle_post_end();
    assert_eq!(rig.outputs(), NOTHING);
    rig.post(&[]).unwrap();
}

#[test]
fn rule_7_what_is_no_packet_closes_the_session() {
    let mut rig = Rig::polling();
    rig.session.handle_post().unwrap();
    rig.session.handle_parse_error();
    assert_eq!(rig.outputs(), ["closed: parse error"]);
    assert_eq!(rig.session.handle_packet(rig.now, text("late")), None);
}

#[test]
fn rule_7_a_post_of_the_wrong_type_or_cut_short_closes_the_session() {
    let mut rig = Rig::polling();
    rig.session.handle_post().unwrap();
    rig.session.handle_post_error();
    assert_eq!(rig.outputs(), ["closed: transport error"]);
}

#[test]
fn rule_8_a_second_get_closes_the_session_and_the_first_gets_1() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    assert_eq!(rig.get(), Err(Refusal::BadRequest));
    assert_eq!(rig.outputs(), ["get 1", "closed: transport error"]);
    assert_eq!(rig.get(), Err(Refusal::SessionIdUnknown));
    assert_eq!(rig.post(&[]), Err(Refusal::SessionIdUnknown));
}

#[test]
fn rule_8_one_get_after_the_other_is_fine() {
    let mut rig = Rig::polling();
    for _ in 0..3 {
        rig.get().unwrap();
        rig.session.send_all(&[out("a")]).unwrap();
    }
    assert_eq!(rig.outputs(), ["get 4a"; 3]);
}

#[test]
fn rule_8_a_second_post_closes_the_session() {
    let mut rig = Rig::polling();
    rig.session.handle_post().unwrap();
    assert_eq!(rig.session.handle_post(), Err(Refusal::BadRequest));
    assert_eq!(rig.outputs(), ["closed: transport error"]);
}

#[test]
fn rule_8_a_get_that_is_given_up_with_its_answer_on_the_way_closes_the_session() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    rig.session.send_all(&[out("lost")]).unwrap();
    rig.session.handle_get_aborted();
    assert_eq!(rig.outputs(), ["get 4lost", "closed: transport error"]);
}

#[test]
fn rule_8_a_get_that_the_client_gives_up_closes_the_session() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    rig.session.handle_get_aborted();
    assert_eq!(rig.outputs(), ["closed: transport error"]);
}

#[test]
fn rule_19_the_client_closes() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    rig.post(&[Packet::Close, text("after")]).unwrap();
    assert_eq!(rig.outputs(), ["get 1", "closed: transport close"]);
}

#[test]
fn rule_19_closing_answers_the_waiting_get() {
    let mut rig = Rig::polling();
    rig.get().unwrap();
    rig.session.close(rig.now);
    assert_eq!(rig.outputs(), ["get 1", "closed: forced close"]);
}

#[test]
fn rule_19_closing_waits_for_the_next_get() {
    let mut rig = Rig::polling();
    rig.session.send_all(&[out("a")]).unwrap();
    rig.session.close(rig.now);
    assert_eq!(rig.session.send_all(&[out("b")]), Err(SendError::Closed));
    assert_eq!(rig.session.handle_packet(rig.now, text("ignored")), None);
    assert_eq!(rig.outputs(), NOTHING);
    rig.get().unwrap();
    assert_eq!(
        rig.outputs(),
        ["get 4a"],
        "`1` would be acted on before what stands in front of it"
    );
    rig.get().unwrap();
    assert_eq!(rig.outputs(), ["get 1", "closed: forced close"]);
}

#[test]
fn rule_19_closing_waits_30_seconds_for_the_get() {
    let mut rig = Rig::polling();
    rig.session.close(rig.now);
    rig.session.close(rig.now);
    assert_eq!(rig.next_timer(), Duration::from_secs(30), "and without heartbeats");
    assert_eq!(rig.outputs(), ["closed: forced close"]);
}

#[test]
fn rule_19_a_client_that_closes_while_we_do_is_done() {
    let mut rig = Rig::polling();
    rig.session.close(rig.now);
    rig.post(&[Packet::Close]).unwrap();
    assert_eq!(rig.outputs(), ["closed: forced close"]);
}

#[test]
fn abort_tells_only_who_is_listening() {
    let mut rig = Rig::polling();
    rig.session.abort();
    rig.session.abort();
    assert_eq!(rig.outputs(), ["closed: forced close"]);
}

#[test]
fn what_waits_is_bounded_by_bytes() {
    let mut rig = Rig::with(Config { max_buffered_bytes: 10, ..Config::default() });
    rig.session.send_all(&[out("aaaa"), out("bbb")]).unwrap();
    rig.session.send_all(&[out("the last may pass the limit")]).unwrap();
    assert_eq!(rig.session.send_all(&[out("c")]), Err(SendError::Full));
    rig.get().unwrap();
    assert_eq!(rig.outputs(), ["get 4aaaa,4bbb,4the last may pass the limit"]);
    rig.session.send_all(&[out("c")]).unwrap();
}

#[test]
fn an_idle_session_owns_no_buffers() {
    let mut rig = Rig::polling();
    for _ in 0..100 {
        rig.session.send_all(&[out("a")]).unwrap();
    }
    rig.get().unwrap();
    rig.outputs();
    assert_eq!(rig.session.outputs.capacity(), 0);
    assert!(size_of::<Session>() <= 256, "{}", size_of::<Session>());
}
