//! permessage-deflate over real sockets: agreed in the handshake, used by both ways to hold a connection.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use ws::{Client, Compress, Context, DeflateConfig, Handler, Message, Payload, Prepared};

struct Echo;

impl Handler for Echo {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let _ = socket.send_payload(&message);
    }
}

fn config(takes_over: bool) -> DeflateConfig {
    let mut config = DeflateConfig::default();
    config.server_no_context_takeover = !takes_over;
    config.client_no_context_takeover = !takes_over;
    config
}

async fn bind(deflate: Option<DeflateConfig>) -> (ws::Server, SocketAddr) {
    let mut config = ws::ServerConfig::default();
    config.deflate = deflate;
    let server = ws::Server::bind_with("127.0.0.1:0", config).await.unwrap();
    let addr = server.local_addr().unwrap();
    (server, addr)
}

/// Passes one connection on and counts what the server and the client said after the handshake.
async fn counting(to: SocketAddr) -> (SocketAddr, mpsc::UnboundedReceiver<(usize, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(to).await.unwrap();
        let count = tokio::io::copy_bidirectional(&mut client, &mut server).await.unwrap();
        let _ = tell.send((count.0 as usize, count.1 as usize));
    });
    (addr, told)
}

fn messages() -> Vec<Message> {
    let words = "the quick brown fox jumps over the lazy dog and over the lazy cat ";
    vec![
        words.repeat(20).into(),
        "short".into(),
        words.repeat(40_000 / words.len()).into(),
        Bytes::from_static(&[0; 100_000]).into(),
        "".into(),
        words.repeat(20).into(),
    ]
}

#[tokio::test]
async fn push_and_pull_servers_echo_compressed_messages() {
    for takes_over in [false, true] {
        for is_push in [false, true] {
            let (server, addr) = bind(Some(config(takes_over))).await;
            let handle = server.handle();
            let serving = tokio::spawn(async move {
                if is_push {
                    server.serve_with(|_| Echo).await;
                } else {
                    let echo = async |mut socket: ws::WebSocket| {
                        while let Some(message) = socket.recv().await? {
                            socket.send(message).await.map_err(Box::new)?;
                        }
                        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
                    };
                    server.serve(echo).await;
                }
            });
            let (through, mut counted) = counting(addr).await;
            let client = Client::builder(format!("ws://{through}/")).deflate(config(takes_over));
            let connected = client.handshake().await.unwrap();
            let agreed = connected.deflate().unwrap().to_string();
            assert_eq!(agreed.contains("no_context_takeover"), !takes_over, "{agreed}");
            let mut socket = connected.into_websocket();
            let messages = messages();
            for message in &messages {
                socket.send(message.clone()).await.unwrap();
            }
            for message in &messages {
                assert!(socket.recv().await.unwrap().as_ref() == Some(message));
            }
            assert!(socket.close(ws::CloseCode::NORMAL, "").await.is_clean());
            let (up, down) = counted.recv().await.unwrap();
            let plain: usize = messages.iter().map(Message::len).sum();
            assert!(up < plain / 20 && down < plain / 20, "{up} up, {down} down for {plain}");
            handle.shutdown(std::time::Duration::from_secs(5)).await;
            serving.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_push_client_speaks_it_too() {
    struct Collect(mpsc::UnboundedSender<Message>);
    impl Handler for Collect {
        fn on_open(&mut self, socket: &mut Context<'_>) {
            messages().into_iter().for_each(|message| socket.send(message).unwrap());
        }
        fn on_message(&mut self, _: &mut Context<'_>, message: Payload<'_>) {
            let _ = self.0.send(message.into_message());
        }
    }
    let (server, addr) = bind(Some(config(true))).await;
    tokio::spawn(server.serve_with(|_| Echo));
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = Client::builder(format!("ws://{addr}/")).deflate(config(true));
    let sender = client.connect_with(Collect(tell)).await.unwrap();
    for message in messages() {
        assert!(told.recv().await.unwrap() == message);
    }
    sender.close(ws::CloseCode::NORMAL, "");
}

#[tokio::test]
async fn neither_side_has_it_unless_both_want_it() {
    for (of_server, of_client) in [(None, Some(config(true))), (Some(config(true)), None)] {
        let (server, addr) = bind(of_server).await;
        tokio::spawn(server.serve_with(|_| Echo));
        let mut client = Client::builder(format!("ws://{addr}/"));
        if let Some(offer) = of_client {
            client = client.deflate(offer);
        }
        let connected = client.handshake().await.unwrap();
        assert!(connected.deflate().is_none());
        let mut socket = connected.into_websocket();
        socket.send_with("x".repeat(1000), Compress::Always).await.unwrap();
        assert_eq!(socket.recv().await.unwrap(), Some("x".repeat(1000).into()));
    }
}

#[tokio::test]
async fn the_switch_of_each_message_reaches_the_wire_from_everywhere() {
    struct Greet;
    impl Handler for Greet {
        fn on_open(&mut self, socket: &mut Context<'_>) {
            let text = "a".repeat(1000);
            socket.text(&text).unwrap();
            socket.send_with(text.as_str(), Compress::Never).unwrap();
            socket.send_with("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Compress::Always).unwrap();
            let sender = socket.sender();
            sender.try_send_with(text.as_str(), Compress::Never).unwrap();
            sender.try_send_prepared(&Prepared::text(&text)).unwrap();
            sender.try_send_prepared(&Prepared::text(&text).compress(Compress::Never)).unwrap();
        }
        fn on_message(&mut self, _: &mut Context<'_>, _: Payload<'_>) {}
    }
    let (server, addr) = bind(Some(config(false))).await;
    tokio::spawn(server.serve_with(|_| Greet));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let mut first_bytes = Vec::new();
    for _ in 0..6 {
        first_bytes.push(stream.read_u8().await.unwrap());
        let len = match stream.read_u8().await.unwrap() {
            126 => stream.read_u16().await.unwrap().into(),
            len => usize::from(len),
        };
        stream.read_exact(&mut vec![0; len]).await.unwrap();
    }
    assert_eq!(first_bytes, [0xC1, 0x81, 0xC1, 0x81, 0xC1, 0x81]);
}
