//! Long-polling (rules 6-8, 12, 19).

use sio::engine::{CloseReason, Config, Outgoing, SendError};

use crate::client::{Http, OPEN, Polling};
use crate::rig::{Event, Rig, out};

const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;

#[tokio::test]
async fn rule_11_the_open_packet() {
    let rig = Rig::start().await;
    let session = Polling::open(rig.addr).await;
    let rest = r#""upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    assert_eq!(session.open, format!(r#"0{{"sid":"{}",{rest}"#, session.sid));
}

#[tokio::test]
async fn rule_6_messages_wait_for_the_get_or_the_get_for_them() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.send_all(&[out("ä"), Outgoing::binary(&[1, 2, 3, 4])]).unwrap();
    handle.send(out("c")).unwrap();
    assert_eq!(handle.buffered_bytes(), 9);
    assert_eq!(session.receive().await, "4ä\x1ebAQIDBA==\x1e4c");
    session.get.send("GET", &session.target, "", "").await;
    session.send("4go").await;
    assert_eq!(rig.text().await, "go");
    handle.send(out("later")).unwrap();
    let answer = session.get.answer().await;
    answer.assert(200, "4later");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn rule_6_what_is_sent_at_once_comes_after_the_open_packet() {
    let rig = Rig::start().await;
    let mut get = Http::connect(rig.addr).await;
    let open = get.get(&format!("{OPEN}&greet")).await.body;
    assert!(open.starts_with('0') && !open.contains('\x1e'));
    let sid = open.split('"').nth(3).unwrap();
    get.get(&format!("{OPEN}&sid={sid}")).await.assert(200, "4welcome");
}

#[tokio::test]
async fn rule_12_a_post_brings_packets_in_order() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    let answer = session.post.post(&session.target, "4a\x1ebAQIDBA==\x1e4\x1e3\x1e6\x1e4é").await;
    answer.assert(200, "ok");
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(rig.text().await, "a");
    assert!(matches!(rig.event().await, Event::Binary(data) if data == [1, 2, 3, 4]));
    assert_eq!(rig.text().await, "");
    assert_eq!(rig.text().await, "é");
}

#[tokio::test]
async fn rule_12_decoding_stops_at_the_first_bad_packet() {
    for bad in ["4a\x1e\x1e4b", "4a\x1e9\x1e4b", "4a\x1ebA*\x1e4b"] {
        let mut rig = Rig::start().await;
        let mut session = Polling::open(rig.addr).await;
        rig.opened().await;
        session.post.post(&session.target, bad).await.assert(400, BAD_REQUEST);
        assert_eq!(rig.text().await, "a");
        assert_eq!(rig.closed().await, CloseReason::ParseError);
        rig.assert_quiet();
    }
}

#[tokio::test]
async fn rule_7_a_body_that_is_no_text() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    let head =
        format!("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n", session.target);
    session.post.write([head.as_bytes(), &[b'4', 0xff]].concat()).await;
    session.post.answer().await.assert(400, BAD_REQUEST);
    assert_eq!(rig.closed().await, CloseReason::ParseError);
}

#[tokio::test]
async fn rule_7_binary_bodies_are_gone() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    session
        .post
        .send("POST", &session.target, "Content-Type: application/octet-stream\r\n", "4a")
        .await;
    session.post.answer().await.assert(400, BAD_REQUEST);
    assert_eq!(rig.closed().await, CloseReason::TransportError);
}

#[tokio::test]
async fn rule_7_too_large_a_body_is_not_read_and_the_session_lives() {
    let mut config = Config::default();
    config.max_payload = 100;
    let mut rig = Rig::with(config).await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    session.send(&format!("4{}", "x".repeat(99))).await;
    assert_eq!(rig.text().await.len(), 99, "exactly as much as is allowed");
    // Announced: refused before a byte of it was sent.
    let head = format!("POST {} HTTP/1.1\r\nHost: test\r\n", session.target);
    session.post.write(format!("{head}Content-Length: 101\r\n\r\n")).await;
    session.post.answer().await.assert(413, "");
    // Not announced: refused once too much has come, although it does not end.
    let mut post = Http::connect(rig.addr).await;
    post.write(format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n40\r\n{}\r\n40\r\n{}\r\n",
        "x".repeat(64),
        "y".repeat(64)
    ))
    .await;
    post.answer().await.assert(413, "");
    session.post = Http::connect(rig.addr).await;
    session.send("4alive").await;
    assert_eq!(rig.text().await, "alive");
}

#[tokio::test]
async fn rule_8_a_second_get_ends_the_session() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    session.get.send("GET", &session.target, "", "").await;
    // The server has the first one for sure once it has answered something that came after it on the wire of the same machine;
    // a POST does not tell that, so let whichever comes second be refused.
    let mut other = Http::connect(rig.addr).await;
    other.send("GET", &session.target, "", "").await;
    let (one, two) = (session.get.answer().await, other.answer().await);
    let (first, second) = if one.status == 200 { (one, two) } else { (two, one) };
    first.assert(200, "1");
    second.assert(400, BAD_REQUEST);
    assert_eq!(rig.closed().await, CloseReason::TransportError);
    let gone = session.post.post(&session.target, "4a").await;
    gone.assert(400, r#"{"code":1,"message":"Session ID unknown"}"#);
}

#[tokio::test]
async fn rule_8_a_second_post_ends_the_session() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    rig.opened().await;
    let half =
        format!("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n4", session.target);
    session.post.write(&half).await;
    let mut other = Http::connect(rig.addr).await;
    other.write(&half).await;
    assert_eq!(rig.closed().await, CloseReason::TransportError, "whichever came second");
    rig.assert_quiet();
}

#[tokio::test]
async fn rule_8_a_client_that_gives_up_its_get_or_post_is_gone() {
    for request in [
        "GET {} HTTP/1.1\r\nHost: test\r\n\r\n",
        "POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n4",
    ] {
        let mut rig = Rig::start().await;
        let mut session = Polling::open(rig.addr).await;
        rig.opened().await;
        session.get.write(request.replace("{}", &session.target)).await;
        drop(session.get);
        assert_eq!(rig.closed().await, CloseReason::TransportError);
        assert_eq!(rig.engine.session_count(), 0);
    }
}

#[tokio::test]
async fn rule_19_the_client_closes() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    session.send("4last\x1e1\x1e4after").await;
    assert_eq!(rig.text().await, "last");
    assert_eq!(rig.closed().await, CloseReason::TransportClose);
    rig.assert_quiet();
    assert_eq!(handle.send(out("late")), Err(SendError::Closed));
}

#[tokio::test]
async fn rule_19_the_server_closes_after_what_it_sent() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.send(out("last")).unwrap();
    handle.close();
    assert_eq!(handle.send(out("late")), Err(SendError::Closed));
    session.send("4ignored").await;
    assert_eq!(session.receive().await, "4last");
    assert_eq!(session.receive().await, "1", "and not in one payload with what comes before it");
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    rig.assert_quiet();
}

#[tokio::test]
async fn what_waits_for_a_client_is_bounded() {
    let mut config = Config::default();
    config.max_buffered_bytes = 10;
    let mut rig = Rig::with(config).await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.send(out("123456789")).unwrap();
    assert_eq!(handle.send(out("x")), Err(SendError::Full));
    assert_eq!(session.receive().await, "4123456789");
    handle.send(out("x")).unwrap();
}

#[tokio::test]
async fn paused_reading_holds_back_the_post() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    handle.pause_reading();
    session.post.send("POST", &session.target, "", "4held").await;
    handle.send(out("meanwhile")).unwrap();
    assert_eq!(session.receive().await, "4meanwhile", "the other direction goes on");
    rig.assert_quiet();
    handle.resume_reading();
    session.post.answer().await.assert(200, "ok");
    assert_eq!(rig.text().await, "held");
}

#[tokio::test]
async fn a_pause_holds_back_the_rest_of_the_same_post() {
    let mut rig = Rig::start().await;
    let mut session = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    session.post.send("POST", &session.target, "", "4first\x1e4pause\x1e4held").await;
    assert_eq!(rig.text().await, "first");
    handle.send(out("meanwhile")).unwrap();
    assert_eq!(session.receive().await, "4meanwhile");
    rig.assert_quiet();
    handle.resume_reading();
    session.post.answer().await.assert(200, "ok");
    assert_eq!(rig.text().await, "held");
}
