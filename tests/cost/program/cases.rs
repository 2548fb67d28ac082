//! What is measured in memory.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use ws::handshake::{self, HeadReader};
use ws::net::Stream;
use ws::proto::frame::Opcode;
use ws::proto::{Connection, Event};
use ws::{
    Config, Context, Deflate, DeflateConfig, Handler, Message, Payload, Prepared, Role, Sender,
    WebSocket,
};

use crate::frames;
use crate::wire::{Peer, wire};

/// Something to do again and again.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// How often it is done, and how many messages that are each time.
    pub(crate) rounds: u64,
    pub(crate) messages: u64,
    /// Does it so many times.
    pub(crate) work: Box<dyn FnMut(u64)>,
    /// Bytes are read and written.
    pub(crate) has_wire: bool,
}

impl Case {
    /// Messages of all rounds.
    pub(crate) const fn count(&self) -> u64 {
        self.rounds * self.messages
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let binary = |size: usize| frames::message(Opcode::Binary, &vec![b'x'; size]);
    let text = |size: usize| frames::message(Opcode::Text, &letters(size));
    let ping = frames::message(Opcode::Ping, b"12345678");
    vec![
        echo("echo-push-128", Way::Push, 1, binary(128), 128),
        echo("echo-push-128x16", Way::Push, 16, binary(128), 128),
        echo("echo-push-16K", Way::Push, 1, binary(1 << 14), 1 << 14),
        echo("echo-push-1M", Way::Push, 1, binary(1 << 20), 1 << 20),
        echo(
            "echo-push-fragments-16x1K",
            Way::Push,
            1,
            frames::fragments(&[7; 1 << 14], 16),
            1 << 14,
        ),
        echo("echo-push-text-128x16", Way::Push, 16, text(128), 128),
        echo("echo-push-text-16K", Way::Push, 1, text(1 << 14), 1 << 14),
        echo("echo-pull-128", Way::Pull, 1, binary(128), 128),
        echo("echo-pull-128x16", Way::Pull, 16, binary(128), 128),
        echo("echo-pull-16K", Way::Pull, 1, binary(1 << 14), 1 << 14),
        echo("ping-push", Way::Push, 1, ping, 8),
        deflate(),
        fan_out("fan-out-64", 1),
        fan_out("fan-out-64x16", 16),
        client_send(),
        machine(),
        handshake(),
    ]
}

#[derive(Clone, Copy)]
enum Way {
    Push,
    Pull,
}

struct Echo;

impl Handler for Echo {
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        socket.send_payload(&message).unwrap();
    }
}

/// `count` messages of one read go back.
fn echo(name: &'static str, way: Way, count: u64, frame: Vec<u8>, size: usize) -> Case {
    let (stream, peer) = wire(frame.repeat(count as usize));
    let runtime = runtime();
    let entered = runtime.enter();
    let socket = WebSocket::from_stream(Stream::new(stream), Bytes::new(), Role::Server, quiet());
    match way {
        Way::Push => _ = socket.spawn(Echo),
        Way::Pull => _ = runtime.spawn(pull(socket)),
    }
    drop(entered);
    let expected = count * frames::length(size);
    talk(name, count, runtime, peer, move |rounds| rounds * expected)
}

async fn pull(mut socket: WebSocket) {
    while let Ok(Some(message)) = socket.recv().await {
        socket.send(message).await.unwrap();
    }
}

/// A message of the client is inflated, and its echo deflated with the context of those before.
fn deflate() -> Case {
    let mut config = DeflateConfig::default();
    config.server_no_context_takeover = false;
    let deflate = negotiate(&config);
    let json = letters(1024);
    let mut client = Connection::new(Role::Client, quiet(), || [1, 2, 3, 4], Instant::now())
        .with_deflate(&negotiate(&DeflateConfig::default()));
    client.send(&Message::from(std::str::from_utf8(&json).unwrap())).unwrap();
    let frame = bytes::Buf::chunk(client.outbox()).to_vec();
    let (stream, peer) = wire(frame);
    let runtime = runtime();
    let entered = runtime.enter();
    let socket = WebSocket::from_stream(Stream::new(stream), Bytes::new(), Role::Server, quiet());
    let sender = socket.with_deflate(&deflate).spawn(Echo);
    drop(entered);
    // How long an answer is depends on the codec, but it is always the same once its window is full of the same.
    let _ = sender;
    let mut lengths = Lengths::new(&deflate, &json);
    talk("echo-push-deflate-1K", 1, runtime, peer, move |rounds| lengths.next(rounds))
}

/// How long the server's compressed answers will be, found out by another one.
struct Lengths {
    twin: Connection,
    message: Message,
}

impl Lengths {
    fn new(deflate: &Deflate, text: &[u8]) -> Self {
        let twin = Connection::new(Role::Server, quiet(), || unreachable!(), Instant::now());
        let message = Message::from(std::str::from_utf8(text).unwrap());
        Self { twin: twin.with_deflate(deflate), message }
    }

    fn next(&mut self, rounds: u64) -> u64 {
        let mut total = 0;
        for _ in 0..rounds {
            self.twin.send(&self.message).unwrap();
            let len = self.twin.outbox().len();
            self.twin.handle_written(len);
            total += len as u64;
        }
        total
    }
}

/// A prepared message goes to many connections; `burst` of them at a time.
fn fan_out(name: &'static str, burst: u64) -> Case {
    const MEMBERS: u64 = 64;
    let runtime = runtime();
    let entered = runtime.enter();
    let (peers, senders): (Vec<Peer>, Vec<Sender>) = (0..MEMBERS)
        .map(|_| {
            let (stream, peer) = wire(Vec::new());
            let stream = Stream::new(stream);
            let sender = ws::stream::spawn(stream, Bytes::new(), Role::Server, quiet(), Echo);
            (peer, sender)
        })
        .unzip();
    drop(entered);
    let prepared = Prepared::binary(&[b'x'; 128]);
    let work = move |rounds| {
        runtime.block_on(async {
            for _ in 0..rounds {
                for peer in &peers {
                    peer.start(0, burst * frames::length(128));
                }
                for _ in 0..burst {
                    for sender in &senders {
                        sender.try_send_prepared(&prepared).unwrap();
                    }
                }
                for peer in &peers {
                    peer.done().await;
                }
            }
        });
    };
    let work = Box::new(work);
    Case { name, rounds: 40, messages: MEMBERS * burst, work, has_wire: true }
}

/// A client masks and sends.
fn client_send() -> Case {
    let (stream, peer) = wire(Vec::new());
    let runtime = runtime();
    let entered = runtime.enter();
    let mut socket =
        WebSocket::from_stream(Stream::new(stream), Bytes::new(), Role::Client, quiet());
    drop(entered);
    let work = move |rounds| {
        runtime.block_on(async {
            for _ in 0..rounds {
                let masked = frames::length(128) + 4;
                peer.start(0, masked);
                socket.send(&[b'x'; 128][..]).await.unwrap();
                peer.done().await;
            }
        });
    };
    Case { name: "client-send-128", rounds: 500, messages: 1, work: Box::new(work), has_wire: true }
}

/// The protocol machine alone.
fn machine() -> Case {
    let now = Instant::now();
    let mut server = Connection::new(Role::Server, quiet(), || unreachable!(), now);
    let frames = frames::message(Opcode::Text, &letters(128)).repeat(16);
    let mut buffer = frames.clone();
    let work = move |rounds| {
        for _ in 0..rounds {
            buffer.copy_from_slice(&frames);
            let mut input = &mut buffer[..];
            while let Some(event) = server.handle_input(now, &mut input) {
                let Event::Message(message) = event else { panic!("{event:?}") };
                let message = message.into_message();
                server.send(&message).unwrap();
            }
            let len = server.outbox().len();
            server.handle_written(len);
        }
    };
    Case {
        name: "machine-text-128x16",
        rounds: 100,
        messages: 16,
        work: Box::new(work),
        has_wire: false,
    }
}

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// The server's side of the opening handshake, as bytes.
fn handshake() -> Case {
    let work = |rounds| {
        for _ in 0..rounds {
            let read = HeadReader::default().request(REQUEST.as_bytes()).unwrap();
            let (request, _) = read.expect("the head is complete");
            let upgrade = handshake::check(&request).unwrap();
            let response = upgrade.accept(None, http::HeaderMap::new()).unwrap();
            assert!(handshake::encode_response(&response).starts_with(b"HTTP/1.1 101"));
        }
    };
    Case { name: "handshake", rounds: 200, messages: 1, work: Box::new(work), has_wire: false }
}

fn negotiate(config: &DeflateConfig) -> Deflate {
    let read = HeadReader::default().request(REQUEST.as_bytes()).unwrap();
    let (request, _) = read.expect("the head is complete");
    let mut upgrade = handshake::check(&request).unwrap();
    upgrade.negotiate_deflate(config).expect("it was offered").clone()
}

/// The peer says its turn again and again, and has `expected` bytes after so many rounds.
fn talk(
    name: &'static str,
    messages: u64,
    runtime: Runtime,
    peer: Peer,
    mut expected: impl FnMut(u64) -> u64 + 'static,
) -> Case {
    let rounds = 200;
    // Found out beforehand: it must not be counted.
    let mut due = vec![expected(rounds), expected(rounds)];
    due.reverse();
    let work = move |rounds| {
        let expected = due.pop().expect("it is worked twice");
        peer.start(rounds, expected);
        runtime.block_on(peer.done());
    };
    Case { name, rounds, messages, work: Box::new(work), has_wire: true }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// No timers: how long it takes under callgrind must make no difference.
fn quiet() -> Arc<Config> {
    let mut config = Config::default();
    config.ping_interval = None;
    Arc::new(config)
}

fn letters(size: usize) -> Vec<u8> {
    // Not to be compressed to nothing, and always the same.
    (0..size).map(|index| b'a' + (index * index % 251 % 26) as u8).collect()
}
