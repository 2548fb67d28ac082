//! `Handler`, the API that is called.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use ws::net::Stream;
use ws::{CloseCode, CloseReport, Config, Context, Failure, Payload, Role, Sender, WebSocket};

use crate::raw;

/// Tells everything, and echoes messages.
struct Recorder(mpsc::UnboundedSender<String>);

impl Recorder {
    fn tell(&self, what: impl Into<String>) {
        let _ = self.0.send(what.into());
    }
}

impl ws::Handler for Recorder {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        self.tell("open");
        socket.text("welcome").unwrap();
    }

    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        self.tell(format!("message {}", message.as_text().unwrap_or("binary")));
        match message.as_text() {
            Some("close") => socket.close(CloseCode::NORMAL, "as you wish"),
            Some("panic") => panic!("as you wish"),
            _ => socket.send_payload(&message).unwrap(),
        }
    }

    fn on_ping(&mut self, _: &mut Context<'_>, payload: &[u8]) {
        self.tell(format!("ping {payload:?}"));
    }

    fn on_event(&mut self, socket: &mut Context<'_>, event: Box<dyn std::any::Any + Send>) {
        let event = event.downcast::<&str>().unwrap();
        self.tell(format!("event {event}"));
        socket.text(&event).unwrap();
    }

    fn on_error(&mut self, _: &mut Context<'_>, error: &ws::Error) {
        self.tell(format!("error {:?}", error.failure()));
    }

    fn on_close(&mut self, report: &CloseReport) {
        self.tell(format!("close {:?} clean {}", report.initiator, report.is_clean()));
    }
}

struct Pushed {
    client: WebSocket,
    sender: Sender,
    told: mpsc::UnboundedReceiver<String>,
}

fn pushed(config: Config) -> Pushed {
    let (config, (a, b)) = (Arc::new(config), tokio::io::duplex(1 << 16));
    let (tell, told) = mpsc::unbounded_channel();
    let (a, b) = (Stream::new(a), Stream::new(b));
    let client = WebSocket::from_stream(a, Bytes::new(), Role::Client, config.clone());
    let sender = ws::stream::spawn(b, Bytes::new(), Role::Server, config, Recorder(tell));
    Pushed { client, sender, told }
}

impl Pushed {
    async fn expect(&mut self, told: &[&str]) {
        for expected in told {
            assert_eq!(self.told.recv().await.as_deref(), Some(*expected));
        }
    }

    async fn receive(&mut self, text: &str) {
        let message = self.client.recv().await.unwrap().unwrap();
        assert_eq!(message.as_text(), Some(text));
    }
}

#[tokio::test]
async fn every_open_has_exactly_one_close_and_what_lies_between_is_told_in_order() {
    let mut pushed = pushed(Config::default());
    pushed.receive("welcome").await;
    pushed.client.send("one").await.unwrap();
    pushed.client.sender().ping(b"p").unwrap();
    pushed.client.send("two").await.unwrap();
    pushed.receive("one").await;
    pushed.receive("two").await;
    pushed.sender.notify("from outside").unwrap();
    pushed.receive("from outside").await;
    pushed.client.send("close").await.unwrap();
    assert_eq!(pushed.client.recv().await.unwrap(), None);
    drop(pushed.client);
    let told: Vec<String> = futures_util::stream::unfold(pushed.told, async |mut told| {
        told.recv().await.map(|line| (line, told))
    })
    .collect()
    .await;
    let expected = [
        "open",
        "message one",
        "ping [112]",
        "message two",
        "event from outside",
        "message close",
        "close Local clean true",
    ];
    assert_eq!(told, expected);
    assert!(pushed.sender.notify("too late").is_err());
    assert!(!pushed.sender.is_open());
}

#[tokio::test]
async fn a_failure_is_told_before_the_close() {
    let mut pushed = pushed(Config::default());
    pushed.client.sender().abort();
    pushed.expect(&["open"]).await;
    drop(pushed.client);
    assert_eq!(pushed.told.recv().await.as_deref(), Some("error Eof"));
    assert_eq!(pushed.told.recv().await.as_deref(), Some("close Peer clean false"));
    assert_eq!(pushed.told.recv().await, None);
    assert_eq!(pushed.sender.report().unwrap().failure, Some(Failure::Eof));
}

#[tokio::test]
async fn a_paused_connection_keeps_what_it_read_and_goes_on_where_it_stopped() {
    let mut pushed = pushed(Config::default());
    pushed.receive("welcome").await;
    pushed.expect(&["open"]).await;
    pushed.sender.pause_reading();
    for text in ["a", "b", "c"] {
        pushed.client.send(text).await.unwrap();
    }
    pushed.sender.try_send("while paused").unwrap();
    pushed.receive("while paused").await;
    assert!(pushed.told.is_empty());
    pushed.sender.resume_reading();
    pushed.expect(&["message a", "message b", "message c"]).await;
}

#[tokio::test]
async fn a_panicking_handler_ends_its_own_connection_only() {
    let server = ws::Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap();
    let (tell, _told) = mpsc::unbounded_channel();
    tokio::spawn(server.serve_with(move |_| Recorder(tell.clone())));
    let (mut unlucky, mut other) = (raw::connect(addr).await, raw::connect(addr).await);
    unlucky.write_all(&raw::frame(0x81, b"panic")).await.unwrap();
    let rest = raw::read_to_end(&mut unlucky).await;
    assert!(rest.starts_with(b"\x81\x07welcome\x88"), "{rest:?}");
    other.write_all(&raw::frame(0x81, b"fine")).await.unwrap();
    assert_eq!(raw::read_frame(&mut other).await, (0x81, b"welcome".to_vec()));
    assert_eq!(raw::read_frame(&mut other).await, (0x81, b"fine".to_vec()));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from_either() {
    let server = ws::Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    tokio::spawn(server.serve_with(move |_| Recorder(tell.clone())));
    let mut stream = raw::connect(addr).await;
    let frame = raw::frame(0x82, &[0; 50_000]);
    let mut sent = 0u64;
    // Until everybody's buffers are full and nothing moves.
    let write_all = async |stream: &mut tokio::net::TcpStream| {
        let write = stream.write_all(&frame);
        tokio::time::timeout(std::time::Duration::from_secs(1), write).await.is_ok()
    };
    while write_all(&mut stream).await {
        sent += 1;
        assert!(sent < 2000, "100 MB went nowhere");
    }
    drop(stream);
    while let Some(line) = told.recv().await {
        if line.starts_with("close") {
            return;
        }
    }
}

#[tokio::test]
async fn a_burst_that_came_in_one_read_is_answered_in_one_write() {
    let (mut a, b) = tokio::io::duplex(1 << 16);
    let burst: Vec<u8> = (0..16).flat_map(|_| raw::frame(0x81, b"hello")).collect();
    a.write_all(&burst).await.unwrap();
    let (tell, _told) = mpsc::unbounded_channel();
    ws::stream::spawn(Stream::new(b), Bytes::new(), Role::Server, Arc::default(), Recorder(tell));
    // One read of ours takes what one write of theirs gave.
    let mut answer = vec![0; 1 << 16];
    let count = a.read(&mut answer).await.unwrap();
    assert_eq!(count, 9 + 16 * 7);
}

/// Sends, has another thread send or close on the same connection, and sends again, all in one batch.
struct Relay(Option<Box<dyn FnOnce() + Send>>);

impl ws::Handler for Relay {
    fn on_message(&mut self, socket: &mut Context<'_>, _: Payload<'_>) {
        let sender = socket.sender();
        socket.text("before").unwrap();
        let other = self.0.take().unwrap_or_else(|| {
            let sender = sender.clone();
            Box::new(move || sender.try_send("from elsewhere").unwrap())
        });
        std::thread::spawn(other).join().unwrap();
        let sent = socket.text("after");
        assert_eq!(sent.is_ok(), sender.is_open());
    }
}

#[tokio::test]
async fn what_others_send_while_a_batch_is_handled_keeps_its_place() {
    let (near, far) = tokio::io::duplex(1 << 16);
    let config = Arc::new(Config::default());
    let _sender = ws::stream::spawn(
        Stream::new(near),
        Bytes::new(),
        Role::Server,
        config.clone(),
        Relay(None),
    );
    let mut client = WebSocket::from_stream(Stream::new(far), Bytes::new(), Role::Client, config);
    client.send("go").await.unwrap();
    for expected in ["before", "from elsewhere", "after"] {
        assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some(expected));
    }
}

#[tokio::test]
async fn a_close_from_elsewhere_waits_for_what_the_handler_has_sent() {
    let (near, far) = tokio::io::duplex(1 << 16);
    let config = Arc::new(Config::default());
    let (hand_over, sender) = std::sync::mpsc::channel::<Sender>();
    let close = move || sender.recv().unwrap().close(CloseCode::GOING_AWAY, "enough");
    let handler = Relay(Some(Box::new(close)));
    let sender =
        ws::stream::spawn(Stream::new(near), Bytes::new(), Role::Server, config.clone(), handler);
    hand_over.send(sender).unwrap();
    let mut client = WebSocket::from_stream(Stream::new(far), Bytes::new(), Role::Client, config);
    client.send("go").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some("before"));
    assert!(client.recv().await.unwrap().is_none(), "what was refused was not sent");
}
