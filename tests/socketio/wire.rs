//! Rules 22 to 24 and 28 over a connection, where packets are taken; `invalid.rs` is where they are not.

use std::sync::Arc;

use serde_json::Value;
use sio::packet::{Args, Msgpack};
use sio::server::{Data, Event, Io, Socket};
use ws::Message;

use crate::peer::{Peer, configured, serve, soon};

/// Answers every event with its name and arguments.
fn mirror(io: &Io) {
    for namespace in [io.of("/"), io.of("/admin"), io.of("/a b-c?d=e")] {
        namespace.on_connect(async |socket: Socket| {
            for name in ["e", "-1.5e3", "a\"b", ""] {
                socket.on(name, async |Event(name): Event, Data(Args(all)): Data<Args<Value>>| {
                    (name, all)
                });
            }
        });
    }
}

#[tokio::test]
async fn rules_22_and_24_every_legal_form_of_a_packet_is_taken() {
    let io = Io::new();
    mirror(&io);
    let mut peer = Peer::open(serve(&io).await).await;
    peer.send(r#"0{"token": "x", "more": [1]}"#).await;
    peer.granted("0").await;
    peer.send("0/admin").await;
    peer.granted("0/admin,").await;
    peer.send(r#"0/a b-c?d=e, {} "#).await;
    peer.granted("0/a b-c?d=e,").await;
    for (packet, answer) in [
        (r#"20["e"]"#, r#"30["e",[]]"#),
        (r#"2/,1["e"]"#, r#"31["e",[]]"#),
        (r#"2007["e",null]"#, r#"37["e",[null]]"#),
        (r#"29007199254740991["e",1,2]"#, r#"39007199254740991["e",[1,2]]"#),
        (r#"2/admin,3["e",{"a":[]}]"#, r#"3/admin,3["e",[{"a":[]}]]"#),
        (r#"2/a b-c?d=e,4["e"]"#, r#"3/a b-c?d=e,4["e",[]]"#),
        ("25 [ \"e\" , 1 ]\n", r#"35["e",[1]]"#),
        (r#"26[-1.5e3,0]"#, r#"36["-1.5e3",[0]]"#),
        (r#"28["a\"b"]"#, r#"38["a\"b",[]]"#),
        (r#"29[""]"#, r#"39["",[]]"#),
    ] {
        peer.asks(packet, answer).await;
    }
    // An event that nobody listens to, answers to nothing, and a goodbye to one namespace: all go by.
    for packet in [r#"210["nobody"]"#, "3[1]", "399[]", "3/admin,0[]", "1/admin", "1/admin,"] {
        peer.send(packet).await;
    }
    peer.asks(r#"211["e"]"#, r#"311["e",[]]"#).await;
}

/// The reference dies of it with the next text packet.
#[tokio::test]
async fn rule_23_a_binary_packet_without_attachments_is_whole_by_itself() {
    let io = Io::new();
    mirror(&io);
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"50-1["e",1]"#, r#"31["e",[1]]"#).await;
    peer.send("60-7[1]").await;
    peer.asks(r#"22["e"]"#, r#"32["e",[]]"#).await;
    // As many as there may be, one of them twice and one not at all.
    let twice = r#"{"_placeholder":true,"num":0}"#;
    peer.send(&format!(r#"510-3["e",{twice},{twice}]"#)).await;
    for _ in 0..9 {
        peer.send_binary(b"x").await;
    }
    peer.send_binary(b"").await;
    let answer = peer.recv().await;
    assert!(answer.starts_with(r#"33["e",[{"_placeholder":true,"num":0}"#), "{answer}");
}

/// A string of less than 32 bytes in MessagePack.
fn text(text: &str) -> Vec<u8> {
    [&[0xa0 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// A map of MessagePack, by hand.
fn packet(kind: u8, namespace: &str, rest: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut packet = vec![0x80 | u8::try_from(2 + rest.len()).unwrap()];
    packet.extend([text("type"), vec![kind], text("nsp"), text(namespace)].concat());
    for (key, value) in rest {
        packet.extend([text(key), value.clone()].concat());
    }
    packet
}

#[tokio::test]
async fn rule_28_packets_of_messagepack_are_taken_and_others_close_the_connection() {
    let io = configured(|config| config.parser = Some(Arc::new(Msgpack)));
    mirror(&io);
    let addr = serve(&io).await;
    let open = async || {
        let url = format!("ws://{addr}/socket.io/?EIO=4&transport=websocket");
        let mut socket = soon(ws::connect(&url)).await.unwrap();
        soon(socket.recv()).await.unwrap();
        socket.send(packet(0, "/", &[])).await.unwrap();
        let granted = soon(socket.recv()).await.unwrap().unwrap();
        assert!(matches!(&granted, Message::Binary(bytes) if bytes.starts_with(&[0x83])));
        socket
    };
    let named = |name: Vec<u8>| ("data", [vec![0x91], name].concat());
    let event = |data: (&'static str, Vec<u8>)| packet(2, "/", &[data]);
    let asking = |id: u8| packet(2, "/", &[named(text("e")), ("id", vec![id])]);
    let mut good = open().await;
    good.send(asking(7)).await.unwrap();
    let Some(Message::Binary(answer)) = soon(good.recv()).await.unwrap() else {
        panic!("no answer")
    };
    assert!(
        answer.windows(6).any(|bytes| bytes == [&text("type")[..], &[3]].concat()),
        "{answer:?}"
    );

    let bad: Vec<Message> = vec![
        "42[\"e\"]".into(),
        vec![0xc1].into(),
        Vec::new().into(),
        event(("data", text("no array"))).into(),
        event(("data", vec![0x90])).into(),
        event(named(vec![0xc0])).into(),
        event(named(text("connect"))).into(),
        packet(5, "/", &[]).into(),
        packet(2, "admin", &[named(text("e"))]).into(),
        [event(named(text("e"))), vec![0]].concat().into(),
    ];
    for message in bad {
        let mut socket = open().await;
        let shown = format!("{message:?}");
        socket.send(message).await.unwrap();
        match soon(socket.recv()).await {
            Ok(Some(Message::Text(text))) if &*text == "1" => {}
            Ok(None) | Err(_) => {}
            Ok(Some(other)) => panic!("{shown} was answered with {other:?}"),
        }
    }
    good.send(asking(8)).await.unwrap();
    assert!(soon(good.recv()).await.unwrap().is_some());
}
