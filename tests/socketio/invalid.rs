//! Packets that break rules 22 to 24: each closes the connection that sent it, and no other.

use std::time::Duration;

use sio::server::{DisconnectReason, Io, Socket};
use tokio::sync::mpsc::unbounded_channel;

use crate::peer::{Peer, configured, serve, soon};

#[tokio::test]
async fn rules_22_to_24_an_invalid_packet_closes_only_the_connection_that_sent_it() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("ping", async || "pong");
    });
    let addr = serve(&io).await;
    let mut bystander = Peer::join(addr).await;
    for packet in [
        "",
        "x",
        "7",
        "0[]",
        "1{}",
        "2",
        "2{}",
        "2[]",
        "2[null]",
        r#"2["connect"]"#,
        r#"2["disconnecting",1]"#,
        r#"2["e""#,
        r#"29007199254740992["e"]"#,
        r#"2 1["e"]"#,
        "31{}",
        r#"4{"message":"no"}"#,
        r#"5["e"]"#,
        r#"511-["e"]"#,
        r#"51-["e",{"_placeholder":true,"num":1}]"#,
        r#"51-["e",{"_placeholder":true,"num":"0"}]"#,
    ] {
        let mut peer = Peer::join(addr).await;
        peer.send(packet).await;
        peer.is_closed().await;
        bystander.asks(r#"20["ping"]"#, r#"30["pong"]"#).await;
    }
}

#[tokio::test]
async fn rule_23_binary_that_was_not_announced_closes_the_connection() {
    let mut peer = Peer::join(serve(&Io::new()).await).await;
    peer.send_binary(b"x").await;
    peer.is_closed().await;
}

#[tokio::test]
async fn rule_23_text_while_attachments_are_missing_closes_the_connection() {
    let mut peer = Peer::join(serve(&Io::new()).await).await;
    peer.send(r#"51-["e",{"_placeholder":true,"num":0}]"#).await;
    peer.send(r#"2["e"]"#).await;
    peer.is_closed().await;
}

#[tokio::test]
async fn attachments_that_never_come_close_the_connection() {
    let io = configured(|config| config.limits.attachment_timeout = Duration::from_millis(100));
    let (sender, mut reasons) = unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        let sender = sender.clone();
        socket.on_disconnect(async move |reason: DisconnectReason| {
            let _ = sender.send(reason);
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send(r#"52-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#).await;
    peer.send_binary(b"x").await;
    peer.is_closed().await;
    assert_eq!(soon(reasons.recv()).await, Some(DisconnectReason::ParseError));
}
