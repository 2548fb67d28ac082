//! What the application decides about requests, and is told of them (rules 2-5, 10).

use std::sync::{Arc, Mutex};

use http::HeaderValue;
use sio::engine::server::ErrorContext;
use sio::engine::{Config, Refusal, Sid};

use crate::client::{HANDSHAKE, Http, OPEN, Polling, WEBSOCKET, receive};
use crate::rig::Rig;

type Told = Arc<Mutex<Vec<(Refusal, Option<ErrorContext>, String)>>>;

fn listen(rig: &Rig) -> Told {
    let told = Told::default();
    let to = told.clone();
    rig.engine.set_hooks(|hooks| {
        hooks.on_connection_error(move |error| {
            let target = error.request.uri.to_string();
            to.lock().unwrap().push((error.refusal.clone(), error.context.clone(), target));
        });
    });
    told
}

#[tokio::test]
async fn rule_3_the_application_refuses_with_code_4_and_its_words() {
    let rig = Rig::start().await;
    let told = listen(&rig);
    rig.engine.set_hooks(|hooks| {
        hooks.allow_request(async |request| {
            tokio::task::yield_now().await;
            match request.headers().get("x-key") {
                Some(key) if key == "right" => Ok(()),
                Some(_) => Err("the wrong \"key\"".to_owned()),
                None => Err(String::new()),
            }
        });
    });
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", OPEN, "X-Key: right\r\n", "").await;
    assert_eq!(http.answer().await.status, 200);
    http.send("GET", OPEN, "X-Key: wrong\r\n", "").await;
    http.answer().await.assert(403, r#"{"code":4,"message":"the wrong \"key\""}"#);
    http.get(OPEN).await.assert(403, r#"{"code":4,"message":"Forbidden"}"#);
    // Rule 2: the application is asked before the version is looked at, and not for a session that is open.
    http.get("/engine.io/?EIO=3&transport=polling")
        .await
        .assert(403, r#"{"code":4,"message":"Forbidden"}"#);
    // Rule 4: on an upgrade it is a plain 400.
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", WEBSOCKET, &format!("{HANDSHAKE}X-Key: wrong\r\n"), "").await;
    http.answer().await.assert(400, "the wrong \"key\"");
    assert_eq!(http.rest().await, "");
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", WEBSOCKET, &format!("{HANDSHAKE}X-Key: right\r\n"), "").await;
    assert_eq!(http.answer().await.status, 101);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 4);
    assert_eq!(told[0], (Refusal::Forbidden("the wrong \"key\"".into()), None, OPEN.into()));
}

#[tokio::test]
async fn rule_3_who_has_a_session_is_not_asked_again() {
    let rig = Rig::start().await;
    let mut client = Polling::open(rig.addr).await;
    rig.engine.set_hooks(|hooks| hooks.allow_request(async |_| Err("closed".to_owned())));
    client.send("4echo still here").await;
    assert_eq!(client.receive().await, "4still here");
    let mut socket = client.upgrade(rig.addr).await;
    socket.send("4echo on").await.unwrap();
    assert_eq!(receive(&mut socket).await, "4on");
}

#[tokio::test]
async fn rule_5_refused_requests_are_told_with_their_context() {
    let rig = Rig::start().await;
    let told = listen(&rig);
    let client = Polling::open(rig.addr).await;
    let _socket = client.upgrade(rig.addr).await;
    let mut http = Http::connect(rig.addr).await;
    let unknown = format!("{OPEN}&sid=AAAAAAAAAAAAAAAAAAAA");
    let mismatch = format!("{WEBSOCKET}&sid={}", client.sid);
    for (method, target, headers) in [
        ("GET", "/engine.io/?transport=tarot", ""),
        ("GET", &unknown, ""),
        ("POST", OPEN, ""),
        ("GET", OPEN, "Origin: \u{e9}\r\n"),
        ("GET", &mismatch, ""),
        ("GET", WEBSOCKET, ""),
        ("GET", "/engine.io/?EIO=3&transport=polling", ""),
    ] {
        http.send(method, target, headers, "").await;
        assert_eq!(http.answer().await.status, 400);
    }
    let told: Vec<_> = told
        .lock()
        .unwrap()
        .iter()
        .map(|(refusal, context, _)| (refusal.code(), context.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (0, None),
            (1, None),
            (2, None),
            (3, Some(ErrorContext::InvalidOrigin)),
            (3, Some(ErrorContext::TransportMismatch)),
            (3, Some(ErrorContext::TransportHandshakeError)),
            (5, None),
        ]
    );
}

#[tokio::test]
async fn rule_10_the_application_makes_ids_and_never_two_the_same() {
    let rig = Rig::start().await;
    let told = listen(&rig);
    rig.engine.set_hooks(|hooks| {
        hooks.generate_id(async |request| {
            tokio::task::yield_now().await;
            let wanted =
                request.uri.query().and_then(|query| query.split_once("id=")).map(|(_, id)| id);
            Sid::parse(wanted.unwrap_or_default()).ok_or_else(|| "no id".to_owned())
        });
    });
    let mut http = Http::connect(rig.addr).await;
    let own = format!("{OPEN}&id=node-1-aaaaaaaaaaaaa");
    let answer = http.get(&own).await;
    assert!(answer.body.starts_with(r#"0{"sid":"node-1-aaaaaaaaaaaaa","#), "{answer:?}");
    http.get(&own).await.assert(400, r#"{"code":3,"message":"Bad request"}"#);
    http.get(OPEN).await.assert(400, r#"{"code":3,"message":"Bad request"}"#);
    assert_eq!(rig.engine.session_count(), 1, "the first one lives");
    for (_, context, _) in told.lock().unwrap().iter() {
        assert_eq!(context.as_ref().map(ErrorContext::name), Some("ID_GENERATION_ERROR"));
    }
    assert_eq!(told.lock().unwrap().len(), 2);
    // A WebSocket learns it only after its 101, and is closed.
    let socket =
        crate::client::websocket(rig.addr, &format!("{WEBSOCKET}&id=node-1-aaaaaaaaaaaaa")).await;
    crate::client::assert_closed(socket).await;
}

#[tokio::test]
async fn headers_are_added_to_the_first_answer_and_to_all() {
    let rig = Rig::with(Config::default()).await;
    rig.engine.set_hooks(|hooks| {
        hooks.initial_headers(|headers, head| {
            assert_eq!(head.headers["host"], "test");
            headers.insert("x-first", HeaderValue::from_static("1"));
        });
        hooks.headers(|headers, _| _ = headers.append("x-all", HeaderValue::from_static("2")));
    });
    let mut http = Http::connect(rig.addr).await;
    let open = http.get(&format!("{OPEN}&greet")).await;
    assert_eq!((open.header("x-first"), open.header("x-all")), (Some("1"), Some("2")));
    let sid = open.body.split('"').nth(3).unwrap().to_owned();
    let target = format!("{OPEN}&sid={sid}");
    let get = http.get(&target).await;
    assert_eq!((get.header("x-first"), get.header("x-all")), (None, Some("2")));
    let post = http.post(&target, "4x").await;
    assert_eq!((post.header("x-first"), post.header("x-all")), (None, Some("2")));
    let refused = http.get("/engine.io/").await;
    assert_eq!((refused.header("x-first"), refused.header("x-all")), (None, None));
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", WEBSOCKET, HANDSHAKE, "").await;
    let open = http.answer().await;
    assert_eq!((open.header("x-first"), open.header("x-all")), (Some("1"), Some("2")));
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", &format!("{WEBSOCKET}&sid={sid}"), HANDSHAKE, "").await;
    let upgrade = http.answer().await;
    assert_eq!((upgrade.header("x-first"), upgrade.header("x-all")), (None, Some("2")));
}
