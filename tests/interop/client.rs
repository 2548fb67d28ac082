//! The client of `sio` against a server that speaks the contract of `reference_server.js`: Node's, or ours. Takes the URL, goes
//! through its list, says which check it is at, and panics at the first that fails.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sio::client::{Client, ConnectError, Data, DisconnectReason, EmitError, Socket};
use tokio::sync::mpsc;
use tokio::time::timeout;

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).expect("the URL of the server is the argument");
    macro_rules! checks {
        ($($check:ident)*) => {$(
            println!("{}", stringify!($check));
            timeout(Duration::from_secs(20), $check(&url)).await.expect("in time");
        )*};
    }
    checks! {
        several_arguments_and_unicode_come_back
        binary_survives_both_ways
        answers_both_ways
        a_thousand_messages_each_way_in_order
        rooms_reach_the_others
        namespaces_share_a_connection
        refusals_carry_message_and_data
        large_messages_pass
        each_side_ends_it_and_knows_why
    }
}

async fn connect(url: &str) -> Socket {
    Client::builder(url).connect().await.expect("the server lets anyone in")
}

/// What comes of an event from now on.
fn events<T>(socket: &Socket, event: &'static str) -> mpsc::UnboundedReceiver<T>
where
    T: for<'de> Deserialize<'de> + Send + 'static,
{
    let (sender, events) = mpsc::unbounded_channel();
    socket.on(event, async move |Data(data): Data<T>| {
        let _ = sender.send(data); // nobody waits any more
    });
    events
}

/// The reason of the end, once it has come.
fn end(socket: &Socket) -> mpsc::UnboundedReceiver<DisconnectReason> {
    let (sender, end) = mpsc::unbounded_channel();
    socket.on_disconnect(async move |reason: DisconnectReason| {
        let _ = sender.send(reason); // nobody waits any more
    });
    end
}

async fn several_arguments_and_unicode_come_back(url: &str) {
    type Args = (String, i64, f64, Option<bool>, Vec<Value>);
    let socket = connect(url).await;
    let mut echo = events::<Args>(&socket, "echo");
    let args: Args = (
        "𝒳 \u{2028} \0 \"é\"".to_owned(),
        i64::from(i32::MIN),
        -2.5e-7,
        None,
        vec![json!({ "ключ": [[]] })],
    );
    socket.emit("echo", &args).expect("connected");
    assert_eq!(echo.recv().await, Some(args));
}

async fn binary_survives_both_ways(url: &str) {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        parts: Vec<Bytes>,
        meta: HashMap<String, Bytes>,
        name: String,
    }
    let socket = connect(url).await;
    let all: Vec<u8> = (0..=255).collect();
    let file = || File {
        parts: vec![Bytes::new(), all.clone().into()],
        meta: HashMap::from([("hash".to_owned(), Bytes::from_static(&[0, 255]))]),
        name: "plain".to_owned(),
    };
    let mut echo = events::<(File, Bytes)>(&socket, "echo");
    socket.emit("echo", (file(), Bytes::from_static(b"last"))).expect("connected");
    assert_eq!(echo.recv().await, Some((file(), Bytes::from_static(b"last"))));
    let described: Value =
        socket.emit_with_ack("describe", Bytes::from_static(&[1, 0xab])).await.expect("an answer");
    assert_eq!(described, json!({ "bytes": "01ab" }));
    let back: File = socket.emit_with_ack("give back", file()).await.expect("an answer");
    assert_eq!(back, file());
}

async fn answers_both_ways(url: &str) {
    let socket = connect(url).await;
    assert_eq!(socket.emit_with_ack::<i64>("add", (2, 40)).await.expect("an answer"), 42);
    let several: (String, Option<u8>, u8) =
        socket.emit_with_ack("give back", ("a", (), 3)).await.expect("an answer");
    assert_eq!(several, ("a".to_owned(), None, 3));
    socket.on("question", async |Data((a, b)): Data<(i64, i64)>| a * b);
    assert_eq!(socket.emit_with_ack::<i64>("ask me", (6, 7)).await.expect("an answer"), 42);
    socket.on("file please", async || {
        ("first", HashMap::from([("file", Bytes::from_static(&[0xbe, 0xef]))]))
    });
    let (text, files): (String, HashMap<String, Bytes>) =
        socket.emit_with_ack("ask me for a file", ()).await.expect("an answer");
    assert_eq!((text.as_str(), &files["file"][..]), ("first", &[0xbe, 0xef][..]));
    let never =
        socket.timeout(Duration::from_millis(50)).emit_with_ack::<Value>("silence", ()).await;
    assert!(matches!(never, Err(EmitError::Timeout)), "{never:?}");
    let question = socket.emit_with_ack::<Value>("silence", ());
    socket.emit("close me", ()).expect("connected");
    let lost = question.await;
    assert!(matches!(lost, Err(EmitError::Disconnected)), "{lost:?}");
}

async fn a_thousand_messages_each_way_in_order(url: &str) {
    let socket = connect(url).await;
    let numbers: Vec<u32> = (0..1000).collect();
    let received = Arc::new(Mutex::new(Vec::new()));
    let collected = received.clone();
    socket.on("item", async move |Data(n): Data<u32>| {
        collected.lock().unwrap_or_else(PoisonError::into_inner).push(n);
    });
    for n in &numbers {
        socket.emit("item", n).expect("connected");
    }
    let (sent, ()) = tokio::join!(socket.emit_with_ack::<()>("send items", 1000), async {
        assert_eq!(
            socket.emit_with_ack::<Vec<u32>>("items", ()).await.expect("an answer"),
            numbers
        );
    });
    sent.expect("an answer");
    // Answers pass handlers by; a further event does not.
    let mut echo = events::<()>(&socket, "echo");
    socket.emit("echo", ()).expect("connected");
    echo.recv().await;
    assert_eq!(*received.lock().unwrap_or_else(PoisonError::into_inner), numbers);
}

async fn rooms_reach_the_others(url: &str) {
    let (a, b) = tokio::join!(connect(url), connect(url));
    let (mut to_a, mut to_b) = (events::<u8>(&a, "relayed"), events::<u8>(&b, "relayed"));
    for socket in [&a, &b] {
        socket.emit_with_ack::<()>("join", "rust").await.expect("an answer");
    }
    let relay = async |route: Value, n: u8| {
        a.emit_with_ack::<()>("relay", (route, n)).await.expect("an answer");
    };
    relay(json!({ "via": "socket", "to": ["rust"], "except": [] }), 1).await;
    relay(json!({ "via": "io", "to": ["rust", &*b.id()], "except": [] }), 2).await;
    assert_eq!((to_b.recv().await, to_b.recv().await), (Some(1), Some(2)));
    assert_eq!(to_a.recv().await, Some(2));
}

async fn namespaces_share_a_connection(url: &str) {
    let socket = connect(url).await;
    let other = socket.namespace("/other").connect().await.expect("anyone may");
    assert_ne!(other.id(), socket.id());
    assert_eq!(other.emit_with_ack::<String>("where", ()).await.expect("an answer"), "/other");
    let mut left = end(&other);
    other.emit("leave me", ()).expect("connected");
    assert_eq!(left.recv().await, Some(DisconnectReason::IoServerDisconnect));
    assert_eq!(socket.emit_with_ack::<i64>("add", (1, 2)).await.expect("an answer"), 3);
}

async fn refusals_carry_message_and_data(url: &str) {
    let refused = Client::builder(url).namespace("/unknown").connect().await;
    let Err(ConnectError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!((refusal.message.as_str(), refusal.data), ("Invalid namespace", None));
    let admin = |token: &'static str| {
        Client::builder(url)
            .namespace("/admin")
            .auth(async move || json!({ "token": token }))
            .connect()
    };
    let refused = admin("guess").await;
    let Err(ConnectError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.message, "not authorized");
    assert_eq!(refusal.data, Some(json!({ "code": 401, "hint": "wrong token" })));
    let socket = admin("open sesame").await.expect("the right token");
    assert_eq!(socket.emit_with_ack::<String>("where", ()).await.expect("an answer"), "/admin");
}

async fn large_messages_pass(url: &str) {
    let socket = connect(url).await;
    let text = "🦀é€".repeat(950_000 / 9);
    let back: String = socket.emit_with_ack("give back", &text).await.expect("an answer");
    assert!(back == text);
    let binary = Bytes::from(vec![0xa5; 950_000]);
    let back: Bytes = socket.emit_with_ack("give back", &binary).await.expect("an answer");
    assert!(back == binary);
    // The server has told its limit, so that what is above it fails here, and costs nobody the connection.
    let refused = socket.emit("length of", "x".repeat(1_000_001));
    assert!(matches!(refused, Err(EmitError::TooLarge)), "{refused:?}");
    assert_eq!(socket.emit_with_ack::<i64>("add", (1, 2)).await.expect("an answer"), 3);
}

async fn each_side_ends_it_and_knows_why(url: &str) {
    let watcher = connect(url).await;
    let mut gone = events::<(String, String)>(&watcher, "gone");
    watcher.emit_with_ack::<()>("join", "watchers").await.expect("an answer");
    for (name, mine, theirs) in [
        ("rust leaves", DisconnectReason::IoClientDisconnect, "client namespace disconnect"),
        ("leave me", DisconnectReason::IoServerDisconnect, "server namespace disconnect"),
        ("close me", DisconnectReason::IoServerDisconnect, "server namespace disconnect"),
    ] {
        let client = Client::builder(url).auth(async move || json!({ "name": name }));
        let socket = client.connect().await.expect("anyone may");
        let mut left = end(&socket);
        match name {
            "rust leaves" => socket.disconnect(),
            event => socket.emit(event, ()).expect("connected"),
        }
        assert_eq!(left.recv().await, Some(mine), "{name}");
        assert_eq!(gone.recv().await, Some((name.to_owned(), theirs.to_owned())));
        assert!(!socket.connected());
    }
}
