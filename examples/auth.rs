//! Who may come in, and what they may do: a key for the HTTP request, a token for the namespace, a role for some events.
//!
//! ```js
//! const options = { extraHeaders: { "x-api-key": "browser-7" }, auth: { token: "ada's token" } };
//! const socket = io("http://127.0.0.1:3000", options);
//! socket.on("connect_error", (error) => console.log(error.message, error.data)); // "not authorized", { hint: "…" }
//! console.log(await socket.emitWithAck("whoami"));                               // { name: "Ada", admin: true }
//! console.log(await socket.emitWithAck("shut the doors"));                       // true, or { error: "for admins only" }
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio::server::{Auth, ConnectError, Event, HandlerError, Io, Socket, State};

#[derive(Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: String,
}

/// What the client sends as `auth`. A payload of another shape does not fit, and is refused for that.
#[derive(Deserialize)]
struct Credentials {
    token: String,
}

#[derive(Clone, Serialize)]
struct User {
    name: &'static str,
    admin: bool,
}

/// Stands for a table of sessions.
type Users = HashMap<&'static str, User>;

/// Before anything of Socket.IO is spoken: the client sees code 4, "Forbidden", with these words.
fn guard_requests(io: &Io) {
    io.allow_request(async |request| {
        let key = request.headers().get("x-api-key").and_then(|key| key.to_str().ok());
        match key {
            Some(key) if key.starts_with("browser-") => Ok(()),
            _ => Err("an API key is needed"),
        }
    });
}

/// Asked for every namespace that a client joins, and again when it comes back. A refusal is its `connect_error`.
async fn authenticate(
    socket: Socket,
    State(users): State<Users>,
    Auth(credentials): Auth<Credentials>,
) -> Result<(), ConnectError> {
    let user = users.get(&*credentials.token).cloned().ok_or_else(|| {
        ConnectError::new("not authorized").with_data(json!({ "hint": "log in again" }))
    })?;
    socket.insert(user); // for the handlers
    Ok(())
}

/// Runs before the handlers of each event.
async fn authorize(socket: Socket, Event(event): Event) -> Result<(), &'static str> {
    let is_admin = socket.get::<User>().is_some_and(|user| user.admin);
    if &*event == "shut the doors" && !is_admin { Err("for admins only") } else { Ok(()) }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let io = Io::new();
    io.state(Users::from([
        ("ada's token", User { name: "Ada", admin: true }),
        ("ben's token", User { name: "Ben", admin: false }),
    ]));
    guard_requests(&io);
    io.middleware(authenticate);
    io.on_connect(async |socket: Socket| {
        socket.event_middleware(authorize);
        socket.on("whoami", async |socket: Socket| {
            socket.get::<User>().map(|user: Arc<User>| (*user).clone())
        });
        socket.on("shut the doors", async || true);
    });
    io.on_error(|socket, event, error| {
        if let HandlerError::Refused(why) = error {
            println!("{} may not {event}: {why}", socket.id());
        }
    });
    let listening = io.bind(Args::parse().addr).await?;
    println!("listening on http://{}", listening.local_addr()?);
    listening.serve().await;
    Ok(())
}
