//! Clients that mean no good, or have died: they cost what is bounded, for a time that is, and nobody else.

use std::time::Duration;

use sio::engine::{CloseReason, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{HANDSHAKE, Http, OPEN, Polling, WEBSOCKET};
use crate::rig::{Rig, out, soon};

fn impatient() -> Config {
    let mut config = Config::default();
    config.ping_interval = Duration::from_millis(100);
    config.ping_timeout = Duration::from_millis(100);
    config
}

async fn assert_served(rig: &Rig) {
    let mut client = Polling::open(rig.addr).await;
    client.send("4echo yes").await;
    assert!(client.receive().await.ends_with("4yes"));
}

#[tokio::test]
async fn a_post_that_trickles_is_given_up() {
    let mut rig = Rig::with(impatient()).await;
    let mut client = Polling::open(rig.addr).await;
    rig.opened().await;
    let head =
        format!("POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n", client.target);
    client.post.write(head).await;
    let trickle = async {
        while client.post.stream.write_all(b"4").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(trickle).await;
    // By its heartbeat or for its POST, whichever comes first.
    let reason = rig.closed().await;
    assert!(matches!(reason, CloseReason::PingTimeout | CloseReason::TransportError), "{reason}");
    assert_eq!(rig.engine.session_count(), 0);
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let mut rig = Rig::with(impatient()).await;
    let mut client = Polling::open(rig.addr).await;
    let handle = rig.opened().await;
    client.get.send("GET", &client.target, "", "").await;
    soon(async {
        while !handle.is_writable() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    handle.send(out(&"x".repeat(32 << 20))).unwrap();
    assert_eq!(rig.closed().await, CloseReason::PingTimeout);
    // The connection is not kept for ever either: what was not written is lost.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let mut rest = Vec::new();
    let _ = soon(client.get.stream.read_to_end(&mut rest)).await;
    assert!(rest.len() < 32 << 20, "{}", rest.len());
}

#[tokio::test]
async fn websockets_that_are_abandoned_in_their_handshake_leave_no_session() {
    let mut rig = Rig::with(impatient()).await;
    for round in 0..200 {
        let mut http = Http::connect(rig.addr).await;
        http.send("GET", WEBSOCKET, HANDSHAKE, "").await;
        if round % 2 == 0 {
            http.stream.set_zero_linger().unwrap();
        }
        drop(http);
    }
    assert_served(&rig).await;
    soon(async {
        while rig.engine.session_count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // Each that was opened was closed.
    let mut open = 0;
    while let Some(event) = rig.try_event() {
        match event {
            crate::rig::Event::Open(_) => open += 1,
            crate::rig::Event::Close(_) => open -= 1,
            _ => {}
        }
    }
    assert_eq!(open, 0);
}

#[tokio::test]
async fn requests_of_dice_harm_nobody() {
    let rig = Rig::start().await;
    let pieces: [&[u8]; 24] = [
        b"GET ",
        b"POST ",
        b"OPTIONS ",
        b"/engine.io/",
        b"/engine.io/?",
        b"EIO=4",
        b"EIO=3",
        b"&transport=polling",
        b"&transport=websocket",
        b"&sid=AAAAAAAAAAAAAAAAAAAA",
        b"&sid=",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b"Host: test\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Content-Length: 9999999999999999999\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"Expect: 100-continue\r\n",
        b"Origin: \xff\r\n",
        b"\0\xff\x80",
        b"5\r\n4abcd\r\n0\r\n\r\n",
    ];
    let mut dice = 0x2545_f491_u32;
    let mut roll = |sides: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        dice as usize % sides
    };
    for _ in 0..400 {
        let request: Vec<u8> =
            (0..roll(16)).flat_map(|_| pieces[roll(pieces.len())]).copied().collect();
        let mut stream = TcpStream::connect(rig.addr).await.unwrap();
        let _ = stream.write_all(&request).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{answer:?}");
    }
    assert_served(&rig).await;
}

#[tokio::test]
async fn half_requests_by_the_thousand_keep_nobody_waiting() {
    let mut config = Config::default();
    config.header_timeout = Duration::from_millis(300);
    let rig = Rig::with(config).await;
    let mut halves = Vec::new();
    for _ in 0..1000 {
        let mut stream = TcpStream::connect(rig.addr).await.unwrap();
        stream
            .write_all(b"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost")
            .await
            .unwrap();
        halves.push(stream);
    }
    assert_served(&rig).await;
    for mut stream in halves {
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    assert_served(&rig).await;
}

/// Who knows one session, or the id that users see, knows no other.
#[tokio::test]
async fn a_session_can_not_be_guessed_or_taken_over() {
    let mut rig = Rig::start().await;
    let victim = Polling::open(rig.addr).await;
    rig.opened().await.send(out("secret")).unwrap();
    let attacker = Polling::open(rig.addr).await;
    rig.opened().await;
    let mut changed = victim.sid.clone().into_bytes();
    changed[19] = if changed[19] == b'A' { b'B' } else { b'A' };
    let near = String::from_utf8(changed).unwrap();
    for sid in [
        &near,
        &victim.sid[..19],
        &format!("{}A", victim.sid),
        &victim.sid.to_lowercase(),
        &attacker.sid[..0],
    ] {
        if *sid == victim.sid {
            continue;
        }
        for target in [format!("{OPEN}&sid={sid}"), format!("{WEBSOCKET}&sid={sid}")] {
            let refused = Http::connect(rig.addr).await.get(&target).await;
            assert_eq!((refused.status, refused.body.contains("Session ID unknown")), (400, true));
        }
    }
    // Of two ids in one query the first counts, for every check.
    let mut http = Http::connect(rig.addr).await;
    http.get(&format!("{OPEN}&sid={near}&sid={}", victim.sid))
        .await
        .assert(400, r#"{"code":1,"message":"Session ID unknown"}"#);
    let mut victim = victim;
    assert_eq!(victim.receive().await, "4secret", "and the victim lives");
}
