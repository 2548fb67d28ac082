//! Rule 21: clients of Engine.IO version 3, if they are served.

use std::time::Duration;

use sio::engine::{CloseReason, Config, Outgoing, Protocol};

use crate::client::{Answer, Http, Polling, receive, websocket};
use crate::rig::{Rig, out, soon};

const OPEN3: &str = "/engine.io/?EIO=3&transport=polling";
const WEBSOCKET3: &str = "/engine.io/?EIO=3&transport=websocket";

async fn start(change: impl FnOnce(&mut Config)) -> Rig {
    let mut config = Config::default();
    config.allow_eio3 = true;
    change(&mut config);
    Rig::with(config).await
}

/// A polling client of version 3.
struct Client {
    http: Http,
    target: String,
    open: Answer,
}

impl Client {
    async fn open(rig: &Rig, query: &str) -> Self {
        let mut http = Http::connect(rig.addr).await;
        let open = http.get(&format!("{OPEN3}{query}")).await;
        assert_eq!(open.status, 200, "{open:?}");
        let sid = open.body.split("sid").nth(1).unwrap();
        let sid: String = sid
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
            .take(20)
            .collect();
        Self { http, target: format!("{OPEN3}{query}&sid={sid}"), open }
    }

    async fn receive(&mut self) -> Answer {
        let answer = self.http.get(&self.target).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    async fn post(&mut self, content_type: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: test\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            self.target,
            body.len()
        );
        self.http.write([head.as_bytes(), body].concat()).await;
        self.http.answer().await
    }

    async fn send(&mut self, payload: &str) -> Answer {
        self.post("text/plain;charset=UTF-8", payload.as_bytes()).await
    }
}

#[tokio::test]
async fn rule_21_version_3_is_refused_unless_it_is_allowed() {
    let rig = Rig::start().await;
    let refusal = r#"{"code":5,"message":"Unsupported protocol version"}"#;
    Http::connect(rig.addr).await.get(OPEN3).await.assert(400, refusal);
    let mut rig = start(|_| ()).await;
    for target in [OPEN3, "/engine.io/?transport=polling"] {
        assert_eq!(Http::connect(rig.addr).await.get(target).await.status, 200);
        assert_eq!(rig.opened().await.protocol(), Protocol::V3);
    }
    let _client = Polling::open(rig.addr).await;
    assert_eq!(rig.opened().await.protocol(), Protocol::V4, "beside version 4");
}

#[tokio::test]
async fn rule_21_packets_go_behind_their_lengths() {
    let mut rig = start(|_| ()).await;
    let mut client = Client::open(&rig, "").await;
    let (length, open) = client.open.body.split_once(':').unwrap();
    assert_eq!(length.parse(), Ok(open.len()));
    assert!(open.starts_with(r#"0{"sid":"#) && open.contains(r#""upgrades":["websocket"]"#));
    let handle = rig.opened().await;
    client.send("6:4hello5:4é🦀!").await.assert(200, "ok");
    assert_eq!((rig.text().await, rig.text().await), ("hello".into(), "é🦀!".into()));
    handle.send_all(&[out("é"), out("🦀")]).unwrap();
    client.receive().await.assert(200, "2:4é3:4🦀");
    let answer = client.send("9:4hello").await;
    assert_eq!(answer.status, 400);
    assert_eq!(rig.closed().await, CloseReason::ParseError);
}

#[tokio::test]
async fn rule_21_binary_by_bytes_or_base64() {
    let mut rig = start(|_| ()).await;
    let packets = [out("a"), Outgoing::binary(&[1, 2, 3, 4])];

    let mut client = Client::open(&rig, "").await;
    rig.opened().await.send_all(&packets).unwrap();
    let answer = client.receive().await;
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.bytes, [0, 2, 255, b'4', b'a', 1, 5, 255, 4, 1, 2, 3, 4]);
    let body = [0, 2, 255, b'4', b'b', 1, 3, 255, 4, 8, 9];
    client.post("application/octet-stream", &body).await.assert(200, "ok");
    assert_eq!(rig.text().await, "b");
    assert!(matches!(rig.event().await, crate::rig::Event::Binary(data) if data == [8, 9]));

    let mut client = Client::open(&rig, "&b64=1").await;
    rig.opened().await.send_all(&packets).unwrap();
    let answer = client.receive().await;
    answer.assert(200, "2:4a10:b4AQIDBA==");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    client.send("6:b4CAk=").await.assert(200, "ok");
    assert!(matches!(rig.event().await, crate::rig::Event::Binary(data) if data == [8, 9]));
}

#[tokio::test]
async fn rule_21_jsonp() {
    let mut rig = start(|_| ()).await;
    let mut client = Client::open(&rig, "&j=7").await;
    let handle = rig.opened().await;
    assert_eq!(client.open.header("content-type"), Some("text/javascript; charset=UTF-8"));
    assert!(client.open.body.starts_with("___eio[7](\"") && client.open.body.ends_with("\");"));
    handle.send_all(&[out("\"a\u{2028}\""), Outgoing::binary(&[1])]).unwrap();
    client.receive().await.assert(200, r#"___eio[7]("5:4\"a\u2028\"6:b4AQ==");"#);
    let form = "application/x-www-form-urlencoded";
    client.post(form, b"d=5%3A4%5Cn%5C%5Cn+").await.assert(200, "ok");
    assert_eq!(rig.text().await, "\n\\n ");
    assert_eq!(client.post(form, b"e=1").await.status, 400);
    assert_eq!(rig.closed().await, CloseReason::ParseError);
}

#[tokio::test]
async fn rule_21_the_client_pings_and_the_server_answers() {
    let mut rig = start(|_| ()).await;
    let mut client = Client::open(&rig, "").await;
    rig.opened().await;
    client.send("1:2").await.assert(200, "ok");
    client.receive().await.assert(200, "1:3");
    // As often as it likes: one answer is enough.
    client.send(&"1:2".repeat(1000)).await.assert(200, "ok");
    client.receive().await.assert(200, "1:3");

    let mut socket = websocket(rig.addr, WEBSOCKET3).await;
    rig.opened().await;
    assert!(receive(&mut socket).await.starts_with("0{"));
    for _ in 0..3 {
        socket.send("2").await.unwrap();
        assert_eq!(receive(&mut socket).await, "3");
    }
    // Rule 16: the other direction is an error.
    socket.send("3").await.unwrap();
    assert_eq!(rig.closed().await, CloseReason::TransportError);
}

#[tokio::test]
async fn rule_21_a_client_that_stops_to_ping_is_gone() {
    let mut rig = start(|config| {
        config.ping_interval = Duration::from_millis(100);
        config.ping_timeout = Duration::from_millis(50);
    })
    .await;
    let mut socket = websocket(rig.addr, WEBSOCKET3).await;
    rig.opened().await;
    assert!(receive(&mut socket).await.starts_with("0{"));
    assert_eq!(rig.closed().await, CloseReason::PingTimeout);
    assert!(matches!(soon(socket.recv()).await, Ok(None)), "and is not pinged");
}

#[tokio::test]
async fn rule_21_binary_frames_carry_a_type() {
    let mut rig = start(|_| ()).await;
    let mut socket = websocket(rig.addr, WEBSOCKET3).await;
    let handle = rig.opened().await;
    receive(&mut socket).await;
    handle.send(Outgoing::binary(&[1, 2])).unwrap();
    let message = soon(socket.recv()).await.unwrap().unwrap();
    assert_eq!((message.is_text(), message.as_bytes()), (false, &[4, 1, 2][..]));
    socket.send(vec![4_u8, 8, 9]).await.unwrap();
    assert!(matches!(rig.event().await, crate::rig::Event::Binary(data) if data == [8, 9]));
    socket.send("b4CAk=").await.unwrap();
    assert!(matches!(rig.event().await, crate::rig::Event::Binary(data) if data == [8, 9]));
    handle.send(out("text")).unwrap();
    assert_eq!(receive(&mut socket).await, "4text");
    socket.send(vec![9_u8, 9]).await.unwrap();
    assert_eq!(rig.closed().await, CloseReason::ParseError);

    let mut socket = websocket(rig.addr, &format!("{WEBSOCKET3}&b64=1")).await;
    let handle = rig.opened().await;
    receive(&mut socket).await;
    handle.send(Outgoing::binary(&[1, 2, 3, 4])).unwrap();
    assert_eq!(receive(&mut socket).await, "b4AQIDBA==");
}

#[tokio::test]
async fn rule_21_the_upgrade_is_that_of_version_4() {
    let mut rig = start(|_| ()).await;
    let client = Client::open(&rig, "").await;
    let handle = rig.opened().await;
    let target = client.target.replace("polling", "websocket");
    let mut socket = websocket(rig.addr, &target).await;
    socket.send("2probe").await.unwrap();
    assert_eq!(receive(&mut socket).await, "3probe");
    handle.send_all(&[out("a"), Outgoing::binary(&[1])]).unwrap();
    socket.send("5").await.unwrap();
    assert_eq!(receive(&mut socket).await, "4a");
    assert_eq!(soon(socket.recv()).await.unwrap().unwrap().as_bytes(), [4, 1]);
    socket.send("4back").await.unwrap();
    assert_eq!(rig.text().await, "back");
}

#[tokio::test]
async fn rule_21_closing_by_either_side() {
    let mut rig = start(|_| ()).await;
    let mut client = Client::open(&rig, "").await;
    rig.opened().await.close();
    client.receive().await.assert(200, "1:1");
    assert_eq!(rig.closed().await, CloseReason::ForcedClose);
    let mut client = Client::open(&rig, "").await;
    rig.opened().await;
    client.send("1:1").await.assert(200, "ok");
    assert_eq!(rig.closed().await, CloseReason::TransportClose);
}
