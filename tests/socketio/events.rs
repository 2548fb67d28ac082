//! Events to and from handlers: rules 22 to 24, extractors and what handlers return.

use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sio::server::{AckSender, Data, EmitError, Event, HandlerError, Io, Socket, State};

use crate::peer::{Peer, serve};

#[tokio::test]
async fn what_a_handler_returns_is_its_ack() {
    #[derive(Debug)]
    struct Failure;
    impl fmt::Display for Failure {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("failed")
        }
    }
    impl std::error::Error for Failure {}

    #[derive(Serialize)]
    struct Answer {
        sum: i64,
    }

    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.on("struct", async |Data((a, b)): Data<(i64, i64)>| Answer { sum: a + b });
        socket.on("several", async || (1, "two", [3]));
        socket.on("array", async || [1, 2]);
        socket.on("nothing", async || ());
        socket.on("ok", async || Ok::<_, Failure>((1, 2)));
        socket.on("error", async || Err::<(), _>(Failure));
        socket.on("ok text", async || Ok::<_, String>(5));
        socket.on("error text", async || Err::<u8, _>(String::from("no")));
        socket.on("error value", async || Err::<u8, _>(json!({ "code": 7 })));
        socket.on("sent", async |socket: Socket| socket.emit("other", ()));
        socket.on("later", async |ack: AckSender| {
            assert!(ack.is_wanted());
            tokio::spawn(async move { ack.send(("late", 1)) });
            "not this"
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for (event, answer) in [
        (r#"20["add",2,3]"#, "30[5]"),
        (r#"21["struct",2,3]"#, r#"31[{"sum":5}]"#),
        (r#"22["several"]"#, r#"32[1,"two",[3]]"#),
        (r#"23["array"]"#, "33[[1,2]]"),
        (r#"24["nothing"]"#, "34[]"),
        (r#"25["ok"]"#, "35[1,2]"),
        (r#"26["error"]"#, r#"36[{"error":"failed"}]"#),
        (r#"27["ok text"]"#, "37[5]"),
        (r#"28["error text"]"#, r#"38[{"error":"no"}]"#),
        (r#"29["error value"]"#, r#"39[{"error":{"code":7}}]"#),
        (r#"210["later"]"#, r#"310["late",1]"#),
    ] {
        peer.asks(event, answer).await;
    }
    peer.asks(r#"211["sent"]"#, r#"2["other"]"#).await;
    assert_eq!(peer.recv().await, "311[]");
    // Without an id nothing is answered.
    peer.send(r#"2["add",2,3]"#).await;
    peer.asks(r#"212["nothing"]"#, "312[]").await;
}

#[tokio::test]
async fn data_that_does_not_fit_is_reported_and_answered_and_the_connection_stays() {
    let io = Io::new();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let report = reported.clone();
    io.on_error(move |_, event, error| {
        let rejected = matches!(error, HandlerError::Rejected(_));
        report.lock().unwrap().push((event.to_owned(), rejected));
    });
    io.on_connect(async |socket: Socket| {
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.on("panic", async || -> () { panic!("secret") });
        socket.on("wait", async || -> () {
            tokio::task::yield_now().await;
            panic!("secret later")
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.send(r#"20["add","2",3]"#).await;
    let answer = peer.recv().await;
    assert!(answer.starts_with(r#"30[{"error":"arguments do not fit: "#), "{answer}");
    peer.asks(r#"21["panic"]"#, r#"31[{"error":"Internal error"}]"#).await;
    peer.asks(r#"22["wait"]"#, r#"32[{"error":"Internal error"}]"#).await;
    peer.send(r#"2["add"]"#).await;
    peer.asks(r#"23["add",1,1]"#, "33[2]").await;
    let reported = reported.lock().unwrap().clone();
    let expected = [("add", true), ("panic", false), ("wait", false), ("add", true)];
    assert_eq!(reported, expected.map(|(event, rejected)| (event.to_owned(), rejected)));
}

#[tokio::test]
async fn an_answer_that_can_not_be_serialised_is_reported_and_the_connection_stays() {
    struct Broken(bool);
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            assert!(self.0, "secret");
            Err(serde::ser::Error::custom("broken"))
        }
    }
    let io = Io::new();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let report = reported.clone();
    io.on_error(move |_, event, error| report.lock().unwrap().push(format!("{event}: {error}")));
    io.on_connect(async |socket: Socket| {
        socket.on("error", async || Broken(true));
        socket.on("panic", async || Broken(false));
        socket.on("ping", async || "pong");
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["error"]"#, r#"30[{"error":"Internal error"}]"#).await;
    peer.asks(r#"21["panic"]"#, r#"31[{"error":"Internal error"}]"#).await;
    peer.asks(r#"22["ping"]"#, r#"32["pong"]"#).await;
    let reported = reported.lock().unwrap();
    assert_eq!(reported[0], "error: the answer was not sent: data has no JSON form: broken");
    assert_eq!(reported[1], "panic: the handler panicked: secret");
}

#[tokio::test]
async fn events_of_all_kinds_arrive_with_their_arguments() {
    type Many = (Value, Option<Value>, [u8; 2], Option<String>);
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        for name in ["text", "7", ""] {
            socket.on(name, async |Data(value): Data<Value>, Event(name): Event| (name, value));
        }
        socket.on("many", async |Data((a, _, c, _)): Data<Many>| [json!(a), json!(c)]);
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["text","ünïcödé 🦀\n"]"#, r#"30["text","ünïcödé 🦀\n"]"#).await;
    peer.asks(r#"21[7,{"a":[1]}]"#, r#"31["7",{"a":[1]}]"#).await;
    peer.asks(r#"22[""]"#, r#"32["",null]"#).await;
    peer.asks(r#"23["many",1,null,[3,4]]"#, "33[[1,[3,4]]]").await;
}

#[tokio::test]
async fn rule_23_binary_goes_both_ways_at_any_depth() {
    #[derive(Serialize, Deserialize)]
    struct File {
        name: String,
        parts: Vec<Bytes>,
    }
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.on("file", async |Data((file, first)): Data<(File, Vec<u8>)>, socket: Socket| {
            socket.emit("copy", (&file, first)).unwrap();
            file
        });
        socket.on("none", async |Data(value): Data<Value>| value);
    });
    let mut peer = Peer::join(serve(&io).await).await;
    let part = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    peer.send(&format!(
        r#"52-7["file",{{"name":"x","parts":[{},{}]}},{}]"#,
        part(1),
        part(0),
        part(0)
    ))
    .await;
    peer.send_binary(b"zero").await;
    peer.send_binary(b"one").await;
    let first = "[122,101,114,111]";
    let file = format!(r#"{{"name":"x","parts":[{},{}]}}"#, part(0), part(1));
    assert_eq!(peer.recv().await, format!(r#"52-["copy",{file},{first}]"#));
    assert_eq!(
        (peer.recv_binary().await, peer.recv_binary().await),
        (b"one".to_vec(), b"zero".to_vec())
    );
    assert_eq!(peer.recv().await, format!("62-7[{file}]"));
    assert_eq!(
        (peer.recv_binary().await, peer.recv_binary().await),
        (b"one".to_vec(), b"zero".to_vec())
    );
    peer.asks(r#"50-1["none",{}]"#, "31[{}]").await;
    peer.asks(r#"20["none",1]"#, "30[1]").await;
}

#[tokio::test]
async fn listeners_come_and_go() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.once("once", async || "first");
        socket.on("stop", async |socket: Socket| {
            // In the middle of its own dispatch.
            socket.off("stop");
            socket.on("stop", async || "replaced");
            "stopped"
        });
        let id = socket.on("twice", async || "a");
        socket.on("twice", async || "b");
        socket.on("drop a", async move |socket: Socket| socket.remove_listener(id));
        socket.on_any(async |socket: Socket, Event(name): Event| {
            if &*name == "unheard" {
                socket.emit("heard", &name).unwrap();
            }
            "never an answer"
        });
        socket.on("ping", async || "pong");
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["once"]"#, r#"30["first"]"#).await;
    peer.send(r#"21["once"]"#).await;
    peer.asks(r#"22["stop"]"#, r#"32["stopped"]"#).await;
    peer.asks(r#"23["stop"]"#, r#"33["replaced"]"#).await;
    peer.asks(r#"24["twice"]"#, r#"34["a"]"#).await;
    peer.asks(r#"25["drop a"]"#, "35[true]").await;
    peer.asks(r#"26["twice"]"#, r#"36["b"]"#).await;
    peer.asks(r#"27["unheard",1]"#, r#"2["heard","unheard"]"#).await;
    peer.asks(r#"28["ping"]"#, r#"38["pong"]"#).await;
}

#[tokio::test]
async fn reserved_names_fail_to_emit() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        for name in [
            "connect",
            "connect_error",
            "disconnect",
            "disconnecting",
            "newListener",
            "removeListener",
        ] {
            assert!(matches!(socket.emit(name, ()), Err(EmitError::Encode(_))));
            assert!(matches!(socket.broadcast().emit(name, ()), Err(EmitError::Encode(_))));
            assert!(matches!(
                socket.emit_with_ack::<()>(name, ()).await,
                Err(EmitError::Encode(_))
            ));
        }
        socket.emit("done", ())
    });
    let mut peer = Peer::join(serve(&io).await).await;
    assert_eq!(peer.recv().await, r#"2["done"]"#);
}

#[tokio::test]
async fn values_are_kept_with_the_server_and_with_the_socket() {
    struct Database(&'static str);
    struct Name(String);
    let io = Io::new();
    io.state(Database("db"));
    io.on_connect(async |socket: Socket| {
        socket.on("name", async |socket: Socket, Data(name): Data<String>| {
            drop(socket.insert(Name(name)))
        });
        socket.on("who", async |State(db): State<Database>, io: Io, socket: Socket| {
            (db.0, socket.get::<Name>().map(|name| name.0.clone()), io.sockets().len())
        });
        socket.on("missing", async |_: State<String>| ());
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["who"]"#, r#"30["db",null,1]"#).await;
    peer.asks(r#"21["name","Ada"]"#, "31[]").await;
    peer.asks(r#"22["who"]"#, r#"32["db","Ada",1]"#).await;
    peer.asks(r#"23["missing"]"#, r#"33[{"error":"Internal error"}]"#).await;
}
