//! The HTTP surface: which request is refused how (rules 1-5, 9, 10), and limits.

use std::time::Duration;

use sio::engine::{Config, Cookie, Cors, Origins, Transport};
use tokio::io::AsyncReadExt;

use crate::client::{HANDSHAKE, Http, OPEN, Polling, WEBSOCKET};
use crate::rig::{Rig, soon};

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

#[tokio::test]
async fn rule_1_the_path_with_and_without_its_last_slash() {
    let rig = Rig::start().await;
    let mut http = Http::connect(rig.addr).await;
    assert_eq!(http.get(OPEN).await.status, 200);
    assert_eq!(http.get("/engine.io?EIO=4&transport=polling&t=abc&b64=1&j=0").await.status, 200);
    assert_eq!(
        http.get("/engine.iox?EIO=4&transport=polling").await.status,
        404,
        "others go to the fallback"
    );
    assert_eq!(http.get("/").await.status, 404);
    let rig = Rig::with(config(|config| config.path = "/socket.io/".into())).await;
    let mut http = Http::connect(rig.addr).await;
    assert_eq!(http.get("/socket.io/?EIO=4&transport=polling").await.status, 200);
    assert_eq!(http.get(OPEN).await.status, 404);
}

const TRANSPORT_UNKNOWN: &str = r#"{"code":0,"message":"Transport unknown"}"#;
const SESSION_ID_UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;
const BAD_HANDSHAKE_METHOD: &str = r#"{"code":2,"message":"Bad handshake method"}"#;
const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
const UNSUPPORTED_VERSION: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

#[tokio::test]
async fn rules_2_and_3_refusals_in_their_order() {
    let rig = Rig::start().await;
    let session = Polling::open(rig.addr).await;
    let own = |query: &str| format!("/engine.io/?EIO=4&sid={}{query}", session.sid);
    let table = [
        ("GET", "/engine.io/".into(), "", TRANSPORT_UNKNOWN),
        ("GET", "/engine.io/?EIO=4".into(), "", TRANSPORT_UNKNOWN),
        ("GET", "/engine.io/?EIO=4&transport=tarot".into(), "", TRANSPORT_UNKNOWN),
        (
            "POST",
            "/engine.io/?transport=tarot&sid=x".into(),
            "Origin: \u{e9}\r\n",
            TRANSPORT_UNKNOWN,
        ),
        ("GET", OPEN.into(), "Origin: \u{e9}\r\n", BAD_REQUEST),
        ("GET", format!("{OPEN}&sid="), "", SESSION_ID_UNKNOWN),
        ("GET", format!("{OPEN}&sid=short"), "", SESSION_ID_UNKNOWN),
        ("GET", format!("{OPEN}&sid=AAAAAAAAAAAAAAAAAAAA"), "", SESSION_ID_UNKNOWN),
        ("POST", format!("{OPEN}&sid=AAAAAAAAAAAAAAAAAAAA"), "", SESSION_ID_UNKNOWN),
        ("GET", own("&transport=websocket"), "", BAD_REQUEST),
        ("PUT", own("&transport=polling"), "", BAD_REQUEST),
        ("OPTIONS", own("&transport=polling"), "", BAD_REQUEST),
        ("POST", OPEN.into(), "", BAD_HANDSHAKE_METHOD),
        ("OPTIONS", OPEN.into(), "", BAD_HANDSHAKE_METHOD),
        ("POST", "/engine.io/?EIO=3&transport=polling".into(), "", BAD_HANDSHAKE_METHOD),
        ("GET", WEBSOCKET.into(), "", BAD_REQUEST),
        ("GET", "/engine.io/?EIO=3&transport=websocket".into(), "", BAD_REQUEST),
        ("GET", "/engine.io/?EIO=3&transport=polling".into(), "", UNSUPPORTED_VERSION),
        ("GET", "/engine.io/?EIO=44&transport=polling".into(), "", UNSUPPORTED_VERSION),
        ("GET", "/engine.io/?transport=polling".into(), "", UNSUPPORTED_VERSION),
    ];
    let mut http = Http::connect(rig.addr).await;
    for (method, target, headers, body) in table {
        http.send(method, &target, headers, "").await;
        let answer = http.answer().await;
        answer.assert(400, body);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{target}");
    }
    assert_eq!(rig.engine.session_count(), 1, "none of them opened or closed a session");
}

#[tokio::test]
async fn rule_3_a_disabled_transport_is_unknown() {
    let rig = Rig::with(config(|config| config.transports = vec![Transport::WebSocket])).await;
    Http::connect(rig.addr).await.get(OPEN).await.assert(400, TRANSPORT_UNKNOWN);
}

#[tokio::test]
async fn rule_4_refused_upgrades_are_plain() {
    let rig = Rig::start().await;
    for (target, message) in [
        ("/engine.io/?EIO=4&transport=tarot", "Transport unknown"),
        ("/engine.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA", "Session ID unknown"),
        ("/engine.io/?EIO=4&transport=polling", "Bad request"),
        ("/engine.io/?EIO=3&transport=websocket", "Unsupported protocol version"),
    ] {
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", target, HANDSHAKE, "").await;
        let answer = http.answer().await;
        answer.assert(400, message);
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("content-type"), Some("text/html"));
        assert_eq!(http.rest().await, "", "and the connection ends");
    }
}

#[tokio::test]
async fn rule_4_a_malformed_websocket_handshake_says_what_is_wrong() {
    let rig = Rig::start().await;
    let version = HANDSHAKE.replace("13", "8");
    let key = HANDSHAKE.replace("dGhl", "");
    for (headers, status) in [(version.as_str(), 426), (key.as_str(), 400)] {
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", WEBSOCKET, headers, "").await;
        assert_eq!(http.answer().await.status, status);
    }
    assert_eq!(rig.engine.session_count(), 0);
}

#[tokio::test]
async fn rule_2_pages_of_other_hosts_open_no_websocket() {
    let listed = config(|config| config.origins = Origins::listed(["http://good.test"]).unwrap());
    let any = config(|config| config.origins = Origins::Any);
    let shared = config(|config| {
        let mut cors = Cors::default();
        cors.origins = Origins::listed(["http://good.test"]).unwrap();
        config.cors = Some(cors);
    });
    for (name, config, origin, status) in [
        ("same host", Config::default(), "Origin: http://test\r\n", 101),
        ("no browser", Config::default(), "", 101),
        ("other host", Config::default(), "Origin: http://evil.test\r\n", 403),
        ("listed", listed.clone(), "Origin: http://good.test\r\n", 101),
        ("not listed", listed, "Origin: http://test\r\n", 403),
        ("any", any, "Origin: http://evil.test\r\n", 101),
        ("cors", shared.clone(), "Origin: http://good.test\r\n", 101),
        ("not cors", shared, "Origin: http://evil.test\r\n", 403),
    ] {
        let rig = Rig::with(config).await;
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", WEBSOCKET, &format!("{HANDSHAKE}{origin}"), "").await;
        assert_eq!(http.answer().await.status, status, "{name}");
    }
}

#[tokio::test]
async fn rule_9_the_cookie_comes_with_the_handshake_only() {
    let mut rig = Rig::with(config(|config| config.cookie = Some(Cookie::default()))).await;
    let mut http = Http::connect(rig.addr).await;
    let answer = http.get(&format!("{OPEN}&greet")).await;
    let sid = answer.body.split('"').nth(3).unwrap();
    assert_eq!(
        answer.header("set-cookie"),
        Some(format!("io={sid}; Path=/; HttpOnly; SameSite=Lax").as_str())
    );
    rig.opened().await;
    let answer = http.get(&format!("{OPEN}&sid={sid}")).await;
    assert_eq!((answer.body.as_str(), answer.header("set-cookie")), ("4welcome", None));
    let rig = Rig::start().await;
    assert_eq!(Http::connect(rig.addr).await.get(OPEN).await.header("set-cookie"), None, "opt-in");
}

#[tokio::test]
async fn rule_9_no_cors_by_default() {
    let rig = Rig::start().await;
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", OPEN, "Origin: http://a.test\r\n", "").await;
    let answer = http.answer().await;
    assert_eq!(answer.status, 200);
    assert!(!answer.head.to_lowercase().contains("access-control"), "{}", answer.head);
}

#[tokio::test]
async fn rule_9_cors_when_configured() {
    let rig = Rig::with(config(|config| {
        let mut cors = Cors::default();
        cors.origins = Origins::listed(["http://a.test"]).unwrap();
        cors.credentials = true;
        config.cors = Some(cors);
    }))
    .await;
    let mut http = Http::connect(rig.addr).await;
    let preflight = "Origin: http://a.test\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a\r\n";
    http.send("OPTIONS", "/engine.io/?transport=tarot", preflight, "").await;
    let answer = http.answer().await;
    answer.assert(204, "");
    for (name, value) in [
        ("access-control-allow-origin", "http://a.test"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "x-a"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    for (target, status) in [(OPEN, 200), ("/engine.io/?EIO=4", 400)] {
        http.send("GET", target, "Origin: http://a.test\r\n", "").await;
        let answer = http.answer().await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (status, Some("http://a.test"))
        );
        http.send("GET", target, "Origin: http://b.test\r\n", "").await;
        let answer = http.answer().await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, None));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn rule_10_ids_are_twenty_characters_and_differ() {
    let rig = Rig::start().await;
    let (one, two) = (Polling::open(rig.addr).await, Polling::open(rig.addr).await);
    assert_eq!((one.sid.len(), two.sid.len()), (20, 20));
    assert_ne!(one.sid, two.sid);
}

#[tokio::test]
async fn what_is_remembered_of_the_request() {
    let mut rig = Rig::start().await;
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", &format!("{OPEN}&token=t"), "Cookie: a=b\r\nX-Empty:\r\n", "").await;
    http.answer().await;
    let handle = rig.opened().await;
    let request = handle.request();
    assert_eq!(request.uri.query(), Some("EIO=4&transport=polling&token=t"));
    assert_eq!(request.headers()["cookie"], "a=b");
    assert_eq!(request.peer_addr, Some(http.stream.local_addr().unwrap()));
    assert!(!request.secure && request.issued.elapsed().unwrap() < Duration::from_secs(60));
}

#[tokio::test]
async fn sessions_are_limited() {
    let rig = Rig::with(config(|config| config.max_sessions = 1)).await;
    let _first = Polling::open(rig.addr).await;
    assert_eq!(Http::connect(rig.addr).await.get(OPEN).await.status, 503);
    let mut http = Http::connect(rig.addr).await;
    http.send("GET", WEBSOCKET, HANDSHAKE, "").await;
    assert_eq!(http.answer().await.status, 503);
}

#[tokio::test]
async fn the_head_of_a_request_is_limited() {
    let rig = Rig::start().await;
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x: {}\r\n", "y".repeat(200 << 10));
    for headers in [many, long] {
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", OPEN, &headers, "").await;
        assert_eq!(http.answer().await.status, 431);
        http.rest().await;
    }
    assert_eq!(Http::connect(rig.addr).await.get(OPEN).await.status, 200, "the next one is served");
}

#[tokio::test]
async fn half_a_request_and_silence_ends_the_connection() {
    let rig = Rig::with(config(|config| config.header_timeout = Duration::from_millis(50))).await;
    let mut http = Http::connect(rig.addr).await;
    http.write("GET /engine.io/?EIO=4 HTTP/1.1\r\nHost: te").await;
    let mut rest = Vec::new();
    soon(http.stream.read_to_end(&mut rest)).await.unwrap();
}
