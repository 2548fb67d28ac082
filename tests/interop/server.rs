//! The interop server on `sio`. The contract is at the top of `reference_server.js`, which speaks it on Node's socket.io.

mod any;

use std::collections::HashMap;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sio::server::{
    AckSender, Auth, Config, ConnectError, Data, DisconnectReason, EmitError, Io, Socket,
};

use any::{All, Any, spread};

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
    let io = Io::with_config(config).expect("the flags make a valid configuration");

    io.on_connect(async |socket: Socket| {
        values(&socket);
        questions(&socket);
        items(&socket);
        rooms(&socket);
        endings(&socket);
    });
    let other = io.of("/other");
    other.on_connect(async |socket: Socket| {
        echo(&socket);
        socket.on("where", async |socket: Socket| socket.namespace_name().to_owned());
        socket.on("leave me", async |socket: Socket| socket.disconnect(false));
    });
    let admin = io.of("/admin");
    admin.middleware(async |Auth(auth): Auth<Value>| {
        if auth["token"] == "open sesame" {
            return Ok(());
        }
        Err(ConnectError::new("not authorized")
            .with_data(json!({ "code": 401, "hint": "wrong token" })))
    });
    admin.on_connect(async |socket: Socket| {
        socket.on("where", async |socket: Socket| socket.namespace_name().to_owned());
    });

    let listening = io.bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
    println!("{}", listening.local_addr().expect("it listens").port());
    let serving = tokio::spawn(listening.serve());
    let stdin = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    stdin.await.expect("reading does not panic").expect("stdin can be read");
    io.shutdown(Duration::from_secs(5)).await;
    serving.await.expect("the accept loop does not panic");
}

fn echo(socket: &Socket) {
    socket.on("echo", async |socket: Socket, All(args): All| {
        spread!(args, |args| socket.emit("echo", args))
    });
}

fn values(socket: &Socket) {
    echo(socket);
    socket.on("give back", async |All(args): All, ack: AckSender| {
        spread!(args, |args| ack.send(args))
    });
    socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    socket.on("describe", async |All(args): All| args[0].describe());
    socket.on("length of", async |All(args): All| args[0].len());
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
    socket.on("ask me", async |socket: Socket, All(args): All, ack: AckSender| {
        let answer = spread!(args, |args| socket.emit_with_ack::<Any>("question", args));
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
            socket.timeout(Duration::from_millis(ms)).emit_with_ack::<Value>("question", "quick");
        tokio::spawn(async move {
            match answer.await {
                Err(EmitError::Timeout) => ack.send("timed out"),
                answer => ack.send(answer.ok()),
            }
        });
    });
}

fn items(socket: &Socket) {
    let items = Arc::new(Mutex::new(Vec::<Value>::new()));
    let remembered = items.clone();
    socket.on("item", async move |Data(item): Data<Value>| {
        remembered.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    });
    socket.on("items", async move || {
        std::mem::take(&mut *items.lock().unwrap_or_else(PoisonError::into_inner))
    });
    socket.on("send items", async |socket: Socket, Data(n): Data<u32>| {
        (0..n).try_for_each(|i| socket.emit("item", i))
    });
}

#[derive(Deserialize)]
struct Route {
    via: String,
    to: Vec<String>,
    except: Vec<String>,
}

fn rooms(socket: &Socket) {
    socket.on("join", async |socket: Socket, Data(room): Data<String>| {
        socket.join(room);
    });
    socket.on("leave", async |socket: Socket, Data(room): Data<String>| {
        socket.leave(room);
    });
    socket.on("rooms", async |socket: Socket| sorted_rooms(&socket));
    socket.on("relay", async |socket: Socket, io: Io, All(args): All| {
        let Route { via, to, except } = args[0].read();
        let everyone = if via == "socket" { socket.broadcast() } else { io.broadcast() };
        let target = to.into_iter().fold(everyone, |target, room| target.to(room));
        let target = except.into_iter().fold(target, |target, room| target.except(room));
        target.emit("relayed", &args[1])
    });
}

fn endings(socket: &Socket) {
    socket.on("auth", async |Auth(auth): Auth<Option<Value>>| auth.unwrap_or_else(|| json!({})));
    socket.on("leave me", async |socket: Socket| socket.disconnect(false));
    socket.on("close me", async |socket: Socket| socket.disconnect(true));
    socket.on_disconnect(
        async |socket: Socket, io: Io, Auth(auth): Auth<Value>, reason: DisconnectReason| {
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
