//! The interop server on `sio`. The contract is at the top of `reference_server.js`, which speaks it on Node's socket.io.

use std::collections::HashMap;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sio::packet::{Args, Msgpack, Value};
use sio::server::{
    AckSender, Auth, Broadcast, Config, ConnectError, Data, DisconnectReason, EmitError, Event, Io,
    NamespaceRequest, Recovery, Socket,
};

#[derive(Parser)]
struct Flags {
    #[arg(long, default_value_t = 25_000)]
    ping_interval_ms: u64,
    #[arg(long, default_value_t = 20_000)]
    ping_timeout_ms: u64,
    #[arg(long)]
    allow_eio3: bool,
    #[arg(long)]
    deflate: bool,
    #[arg(long)]
    recovery: bool,
    #[arg(long)]
    msgpack: bool,
}

#[tokio::main]
async fn main() {
    let flags = Flags::parse();
    let mut config = Config::default();
    config.engine.ping_interval = Duration::from_millis(flags.ping_interval_ms);
    config.engine.ping_timeout = Duration::from_millis(flags.ping_timeout_ms);
    config.engine.allow_eio3 = flags.allow_eio3;
    config.engine.per_message_deflate = flags.deflate.then(|| {
        let mut deflate = ws::DeflateConfig::default();
        deflate.threshold = 1024;
        deflate
    });
    config.recovery = flags.recovery.then(Recovery::default);
    if flags.msgpack {
        config.parser = Some(Arc::new(Msgpack));
    }
    let io = Io::with_config(config).expect("the flags make a valid configuration");

    io.on_connect(async |socket: Socket| {
        values(&socket);
        questions(&socket);
        items(&socket);
        rooms(&socket);
        operators(&socket);
        observers(&socket);
        endings(&socket);
    });
    let other = io.of("/other");
    other.on_connect(async |socket: Socket| {
        echo(&socket);
        socket.on("where", async |socket: Socket| socket.namespace_name().to_owned());
        socket.on("leave me", async |socket: Socket| socket.disconnect(false));
    });
    let admin = io.of("/admin");
    admin.middleware(async |Auth(auth): Auth<Json>| {
        if auth["token"] == "open sesame" {
            return Ok(());
        }
        Err(ConnectError::new("not authorized")
            .with_data(json!({ "code": 401, "hint": "wrong token" })))
    });
    admin.on_connect(async |socket: Socket| {
        socket.on("where", async |socket: Socket| socket.namespace_name().to_owned());
    });

    dynamic(&io);
    guarded(&io.of("/guarded"));

    let listening = io.bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
    println!("{}", listening.local_addr().expect("it listens").port());
    let serving = tokio::spawn(listening.serve());
    let stdin = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    stdin.await.expect("reading does not panic").expect("stdin can be read");
    io.shutdown(Duration::from_secs(5)).await;
    serving.await.expect("the accept loop does not panic");
}

fn echo(socket: &Socket) {
    socket.on("echo", async |socket: Socket, Data(args): Data<Args<Value>>| {
        socket.emit("echo", args)
    });
}

fn values(socket: &Socket) {
    echo(socket);
    socket.on("give back", async |Data(args): Data<Args<Value>>, ack: AckSender| ack.send(args));
    socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    socket.on("describe", async |Data(value): Data<Value>| describe(&value));
    socket.on("length of", async |Data(value): Data<Value>| {
        value.as_bytes().or(value.as_str().map(str::as_bytes)).map(<[u8]>::len)
    });
    socket.on("send binary", async |socket: Socket| {
        #[derive(Serialize)]
        struct Sent {
            first: Bytes,
            list: (Bytes, Deep),
            text: &'static str,
        }
        #[derive(Serialize)]
        struct Deep {
            deep: Bytes,
        }
        let deep = Deep { deep: Bytes::from_static(&[0xff, 0]) };
        let first = Bytes::from_static(&[1, 2, 3]);
        let sent = Sent { first, list: (Bytes::new(), deep), text: "plain" };
        socket.emit("binary", (sent, Bytes::from_static(&[0x7f])))
    });
}

/// Questions to the client. Its other events must not wait for the answer, so that it is awaited in a task.
fn questions(socket: &Socket) {
    socket.on("silence", async |_: AckSender| ());
    socket.on("ask me", async |socket: Socket, Data(args): Data<Args<Value>>, ack: AckSender| {
        let answer = socket.emit_with_ack::<Value>("question", args);
        tokio::spawn(async move { ack.send(answer.await.ok()) });
    });
    socket.on("ask me for a file", async |socket: Socket, ack: AckSender| {
        let answer = socket.emit_with_ack::<(String, HashMap<String, Bytes>)>("file please", ());
        tokio::spawn(async move {
            let (text, files) = answer.await.expect("the client answers");
            ack.send((text, files))
        });
    });
    socket.on("ask me within", async |socket: Socket, Data(ms): Data<u64>, ack: AckSender| {
        let answer =
            socket.timeout(Duration::from_millis(ms)).emit_with_ack::<Json>("question", "quick");
        tokio::spawn(async move {
            match answer.await {
                Err(EmitError::Timeout) => ack.send("timed out"),
                answer => ack.send(answer.ok()),
            }
        });
    });
}

fn items(socket: &Socket) {
    let items = Arc::new(Mutex::new(Vec::<Json>::new()));
    let remembered = items.clone();
    socket.on("item", async move |Data(item): Data<Json>| {
        remembered.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    });
    socket.on("items", async move || {
        std::mem::take(&mut *items.lock().unwrap_or_else(PoisonError::into_inner))
    });
    socket.on(
        "send volatile items",
        async |socket: Socket, Data((n, size)): Data<(u32, usize)>| {
            let text = "x".repeat(size);
            (0..n).try_for_each(|item| socket.volatile().emit("item", (item, &text)))?;
            socket.emit("item", "end")
        },
    );
    socket.on("send items", async |socket: Socket, Data(n): Data<u32>| {
        (0..n).try_for_each(|i| socket.emit("item", i))
    });
}

#[derive(Deserialize)]
struct Route {
    via: String,
    to: Vec<String>,
    except: Vec<String>,
    #[serde(default)]
    operators: bool,
}

impl Route {
    fn broadcast(self, socket: &Socket, io: &Io) -> Broadcast {
        let everyone = match (&*self.via, self.operators) {
            ("socket", false) => socket.broadcast(),
            ("socket", true) => socket.compress(false).timeout(Duration::from_secs(1)).broadcast(),
            (_, false) => io.broadcast(),
            (_, true) => io.compress(false).timeout(Duration::from_secs(1)),
        };
        let except = |target: Broadcast| {
            self.except.into_iter().fold(target, |target, room| target.except(room))
        };
        let to =
            |target: Broadcast| self.to.into_iter().fold(target, |target, room| target.to(room));
        if self.operators { to(except(everyone).local()) } else { except(to(everyone)) }
    }
}

fn rooms(socket: &Socket) {
    socket.on("join", async |socket: Socket, Data(room): Data<String>| {
        socket.join(room);
    });
    socket.on("leave", async |socket: Socket, Data(room): Data<String>| {
        socket.leave(room);
    });
    socket.on("rooms", async |socket: Socket| sorted_rooms(&socket));
    socket.on(
        "relay",
        async |socket: Socket, io: Io, Data((route, what)): Data<(Route, Value)>| {
            route.broadcast(&socket, &io).emit("relayed", what)
        },
    );
}

fn operators(socket: &Socket) {
    socket.on("ask room", async |io: Io, Data((room, ms)): Data<(String, u64)>, ack: AckSender| {
        let time = Duration::from_millis(ms);
        let answers = io.to(room).timeout(time).emit_with_ack::<Json>("question", "all");
        tokio::spawn(async move {
            let acks = answers.await.expect("text can be encoded");
            let asked = acks.len();
            let mut answers: Vec<_> = acks.into_iter().filter_map(|ack| ack.answer.ok()).collect();
            answers.sort_by_key(Json::to_string);
            ack.send(json!({ "answers": answers, "missing": asked - answers.len() }))
        });
    });
    socket.on("remember", async |socket: Socket, Data(data): Data<Json>| socket.set_data(&data));
    socket.on("who", async |io: Io, Data(room): Data<String>| {
        let mut who: Vec<_> = io.to(room).fetch_sockets().await.iter().map(|socket| {
            let mut rooms: Vec<_> = socket.rooms().iter().map(ToString::to_string).collect();
            rooms.sort();
            json!({ "id": socket.id(), "rooms": rooms, "data": socket.data::<Json>().unwrap_or_default() })
        }).collect();
        who.sort_by_key(|who| who["id"].to_string());
        who
    });
    socket.on("all join", async |io: Io, Data((from, room)): Data<(String, String)>| {
        io.within(from).sockets_join(&room);
    });
    socket.on("all leave", async |io: Io, Data((from, room)): Data<(String, String)>| {
        io.within(from).sockets_leave(&room);
    });
    socket.on("all out", async |io: Io, Data((room, close)): Data<(String, bool)>| {
        io.within(room).disconnect_sockets(close);
    });
    socket.on("handshake", async |socket: Socket| {
        let handshake = socket.handshake();
        json!({
            "query": handshake.query("x"),
            "auth": handshake.auth::<Option<Json>>().ok().flatten().unwrap_or_else(|| json!({})),
            "secure": handshake.secure(),
            "address": handshake.address().map(|address| address.ip().to_string()),
            "header": handshake.headers().get("x-test").and_then(|value| value.to_str().ok()),
        })
    });
    socket.on("later", async |io: Io, Data((ms, room, n)): Data<(u64, String, u32)>| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            (0..n).try_for_each(|i| io.to(&*room).emit("item", format!("late {i}")))
        });
    });
}

/// What the catch-all listeners have seen.
fn observers(socket: &Socket) {
    let seen = Arc::new(Mutex::new(Vec::<String>::new()));
    let log = seen.clone();
    let note = move |kind: &str, event: &str| {
        if event != "seen" {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{kind} {event}"));
        }
    };
    let (first, incoming, outgoing) = (note.clone(), note.clone(), note);
    socket.on("observe", async move |socket: Socket| {
        let (first, incoming, outgoing) = (first.clone(), incoming.clone(), outgoing.clone());
        socket.prepend_any(async move |Event(name): Event| first("first", &name));
        socket.on_any(async move |Event(name): Event| incoming("in", &name));
        socket.on_any_outgoing(move |name, _| outgoing("out", name));
    });
    socket.on("seen", async move || {
        std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
    });
    socket.once("just once", async |socket: Socket| socket.emit("echo", "once"));
    socket.on("not any more", async |socket: Socket| socket.emit("echo", "still"));
    socket.off("not any more");
    socket.on("emit", async |socket: Socket, Data(event): Data<String>| {
        socket.emit(&event, ()).is_err()
    });
}

fn dynamic(io: &Io) {
    let tenants = io.of_pattern("/tenant-*");
    tenants.middleware(async |Auth(auth): Auth<Json>| match auth["banned"] {
        Json::Bool(true) => Err("banned"),
        _ => Ok(()),
    });
    let late = io.of_dynamic(async |request: NamespaceRequest| {
        tokio::task::yield_now().await;
        let auth: Json = request.auth().unwrap_or_default();
        request.name().starts_with("/late-") && auth["token"] == "open sesame"
    });
    for parent in [tenants, late] {
        parent.on_connect(async |socket: Socket| {
            echo(&socket);
            socket.on("where", async |socket: Socket| socket.namespace_name().to_owned());
            socket.on("shout", async |socket: Socket, Data(what): Data<Json>| {
                socket.namespace().emit("echo", what)
            });
        });
    }
}

fn guarded(namespace: &sio::server::Namespace) {
    namespace.on_connect(async |socket: Socket| {
        let passed = Arc::new(Mutex::new(Vec::<String>::new()));
        socket.event_middleware(async |Event(name): Event| {
            tokio::task::yield_now().await;
            if &*name == "forbidden" { Err("forbidden") } else { Ok(()) }
        });
        let log = passed.clone();
        socket.on_any(async move |Event(name): Event| {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(name.into());
        });
        socket.on("forbidden", async || ());
        socket.on("passed", async move || {
            std::mem::take(&mut *passed.lock().unwrap_or_else(PoisonError::into_inner))
        });
    });
}

/// As JSON, each piece of binary as `{"bytes": "<hex>"}`.
fn describe(value: &Value) -> Json {
    match value {
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "bytes": hex })
        }
        Value::Array(values) => values.iter().map(describe).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), describe(value))).collect()
        }
        plain => json!(plain),
    }
}

fn endings(socket: &Socket) {
    socket.on("auth", async |Auth(auth): Auth<Option<Json>>| auth.unwrap_or_else(|| json!({})));
    socket.on("leave me", async |socket: Socket| socket.disconnect(false));
    socket.on("close me", async |socket: Socket| socket.disconnect(true));
    socket.on_disconnecting(
        async |socket: Socket, io: Io, Auth(auth): Auth<Json>, reason: DisconnectReason| {
            let Some(name) = auth["name"].as_str() else { return Ok(()) };
            io.to("watchers").emit("gone", (name, reason.as_str(), sorted_rooms(&socket)))
        },
    );
}

fn sorted_rooms(socket: &Socket) -> Vec<String> {
    let mut rooms: Vec<String> = socket.rooms().iter().map(ToString::to_string).collect();
    rooms.sort();
    rooms
}
