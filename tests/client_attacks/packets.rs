//! Packets of Socket.IO that a server should not send.

use std::time::Duration;

use sio::client::{ConnectError, DisconnectReason};

use crate::memory::Meter;
use crate::support::{OPEN, client, configured, scripted, soon};

#[tokio::test]
async fn answers_to_connect_of_the_wrong_form_are_told() {
    for (answer, expected) in [
        ("40", "older protocol"),
        ("40{}", "older protocol"),
        (r#"40{"sid":5}"#, "older protocol"),
        ("40[]", "parse error"),
        ("40null", "parse error"),
        ("44", "parse error"),
        ("44[1]", "parse error"),
        ("445", "parse error"),
        ("44{}", "refused"),
        (r#"44{"message":5}"#, "refused"),
        (r#"44{"message":"no","data":[1]}"#, "no"),
        ("43[]", "too long"),
        (r#"42["e"#, "parse error"),
        ("42[]", "parse error"),
        (r#"42["connect"]"#, "parse error"),
        (r#"4251-["e",{"_placeholder":true,"num":9}]"#, "parse error"),
        ("451000000-[\"e\"]", "parse error"),
        ("4", "open packet|parse error"),
    ] {
        let config = configured(|config| config.timeout = Duration::from_millis(500));
        let (addr, _heard) = scripted(&[OPEN, answer]).await;
        let error = soon(client(addr).config(config).connect()).await.unwrap_err();
        let text = error.to_string();
        let told = expected.split('|').any(|expected| text.contains(expected));
        assert!(told, "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn packets_that_mean_nothing_do_no_harm() {
    let messages = [
        OPEN,
        r#"40{"sid":"a"}"#,
        r#"40{"sid":"b"}"#,
        "41/other,",
        r#"42/other,["e"]"#,
        "4399[1]",
        "43/other,1[]",
        "6",
        "3",
        "3probe",
        "5",
        r#"42["end"]"#,
    ];
    let (addr, _heard) = scripted(&messages).await;
    let socket = soon(client(addr).keep_events().connect()).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().name(), "end");
    assert_eq!(&*socket.id(), "a");
}

/// JSON of any depth costs no stack: what is too deep to be read ends the session.
#[tokio::test]
async fn data_in_data_without_end_is_no_packet() {
    for (depth, is_read) in [(100, true), (100_000, false)] {
        let deep = format!(r#"42["deep",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
        let (addr, _heard) = scripted(&[OPEN, r#"40{"sid":"a"}"#, &deep]).await;
        let config = configured(|config| config.reconnection.enabled = false);
        let builder = client(addr).config(config).keep_events();
        let socket = soon(builder.connect()).await.unwrap();
        match soon(socket.next()).await {
            Some(event) => assert!(is_read && event.data::<serde_json::Value>().is_ok()),
            None => {
                assert!(!is_read);
                assert_eq!(soon(socket.closed()).await, DisconnectReason::ParseError);
            }
        }
    }
}

/// A namespace that never answers, and events for it without end.
#[tokio::test]
async fn events_before_the_answer_are_bounded() {
    let event = format!(r#"42["e","{}"]"#, "x".repeat(1000));
    let mut messages = vec![OPEN];
    messages.extend(std::iter::repeat_n(event.as_str(), 20_000));
    messages.push(r#"44{"message":"no"}"#);
    let (addr, _heard) = scripted(&messages).await;
    let config = configured(|config| config.max_queued_bytes = 1 << 20);
    let meter = Meter::start();
    let error = soon(client(addr).config(config).connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
    assert!(meter.peak() < 4 << 20, "{}", meter.peak());
}

#[tokio::test]
async fn a_heartbeat_that_nobody_can_keep_ends_the_session_without_haste() {
    for (interval, timeout) in [("1", "0"), ("1", "1")] {
        let open = OPEN.replace("25000", interval).replace("20000", timeout);
        let (addr, mut heard) = scripted(&[&open, r#"40{"sid":"a"}"#]).await;
        let socket = client(addr).start().unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        socket.disconnect();
        let mut connects = 0;
        while let Ok(message) = heard.try_recv() {
            connects += usize::from(message == "closed");
        }
        assert!((1..5).contains(&connects), "{connects} sessions in two seconds");
    }
    let ages =
        OPEN.replace("25000", "18446744073709551615").replace("20000", "18446744073709551615");
    let (addr, _heard) = scripted(&[&ages, r#"40{"sid":"a"}"#]).await;
    let socket = soon(client(addr).connect()).await.unwrap();
    assert!(socket.connected());
}

#[tokio::test]
async fn every_close_code_is_an_end_and_not_more() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 3000, 4999] {
        let server = ws::Server::bind("127.0.0.1:0").await.unwrap();
        let addr = server.local_addr().unwrap();
        tokio::spawn(server.serve(move |mut socket: ws::WebSocket| async move {
            socket.send(OPEN).await?;
            socket.recv().await?;
            socket.send(r#"40{"sid":"a"}"#).await?;
            let code = ws::CloseCode::new(code).unwrap();
            socket.close(code, "a reason").await;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        }));
        let config = configured(|config| config.reconnection.enabled = false);
        let socket = soon(client(addr).config(config).connect()).await.unwrap();
        assert_eq!(soon(socket.closed()).await, DisconnectReason::TransportClose, "{code}");
    }
}
