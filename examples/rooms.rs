//! Rooms, tokens, and clients that come back: one whose connection was lost for a while gets what it has missed.
//!
//! ```js
//! const socket = io("http://127.0.0.1:3000/tenant-acme", { auth: { token: "open sesame", name: "Ada" } });
//! socket.on("said", (who, what) => console.log(who, what, socket.recovered));
//! await socket.emitWithAck("say", "hello");
//! ```

use std::sync::Arc;

use serde_json::{Value, json};
use sio::packet::Msgpack;
use sio::server::{Auth, Config, ConnectError, Data, Event, Io, Recovery, Socket};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::default();
    config.recovery = Some(Recovery::default());
    // For clients that use socket.io-msgpack-parser: `rooms msgpack`.
    if std::env::args().nth(1).as_deref() == Some("msgpack") {
        config.parser = Some(Arc::new(Msgpack));
    }
    let io = Io::with_config(config)?;

    // One namespace per tenant, made for the first who asks and gone with the last.
    let tenants = io.of_pattern("/tenant-*");
    tenants.middleware(async |socket: Socket, Auth(auth): Auth<Value>| {
        if auth["token"] != "open sesame" {
            let hint = json!({ "hint": "ask at the gate" });
            return Err(ConnectError::new("not authorized").with_data(hint));
        }
        // Restored with the socket, and shown by `fetch_sockets`.
        socket.set_data(&auth["name"]).map_err(|error| ConnectError::new(error.to_string()))
    });
    tenants.on_connect(async |socket: Socket| {
        socket.event_middleware(async |Event(name): Event, Data(what): Data<Value>| {
            let is_long = what.as_str().is_some_and(|text| text.len() > 1000);
            if &*name == "say" && is_long { Err("too long") } else { Ok(()) }
        });
        socket.on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room));
        socket.on("say", async |socket: Socket, Data(what): Data<String>| {
            let name: Option<String> = socket.data().unwrap_or_default();
            socket.broadcast().emit("said", (name, what))
        });
        socket.on("who", async |socket: Socket| {
            let sockets = socket.namespace().fetch_sockets().await;
            sockets.iter().filter_map(|socket| socket.data().ok()).collect::<Vec<Value>>()
        });
    });
    io.listen("127.0.0.1:3000").await?;
    Ok(())
}
