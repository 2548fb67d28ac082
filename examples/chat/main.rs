//! A chat on `sio`: `cargo run --release --example chat`, then open the page that it names, in two windows or on a phone.
//!
//! `hall` holds who is where and what was said, `page` serves the page; this file connects both with the sockets. The events
//! are described at the top of `chat.js`; the example `chat_client` speaks them in a terminal.

mod hall;
mod page;

use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio::adapter::SocketId;
use sio::server::{
    Auth, Broadcast, Config, Data, DisconnectReason, EmitError, Io, Recovery, Socket, State,
};
use tokio::sync::{Mutex, mpsc};

use hall::{Hall, Message, View, Wish};

#[derive(Parser)]
#[command(about = "A chat to open in a browser")]
struct Flags {
    /// The address to listen on; 0.0.0.0 lets phones in the same network in.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// For so many seconds someone is waited for whose connection is lost: back in time, they have missed nothing.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
}

type Shared = Arc<Mutex<Hall>>;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let mut recovery = Recovery::default();
    recovery.max_disconnection = Duration::from_secs(flags.patience);
    let mut config = Config::default();
    config.recovery = Some(recovery);
    let io = match Io::with_config(config) {
        Ok(io) => io,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // Locked while it is told to others what has changed, so that all learn it in the same order. It is an async lock, because
    // a send can end a connection, whose `leave` then waits here instead of blocking itself.
    let shared = Shared::default();
    io.state(shared.clone());
    io.on_connect(arrive);
    let (expired, mut gone) = mpsc::unbounded_channel();
    io.of("/").on_recovery_expired(move |session| _ = expired.send(session.id));
    let told = io.clone();
    tokio::spawn(async move {
        while let Some(id) = gone.recv().await {
            if let Err(error) = see_off(&told, &mut *shared.lock().await, id) {
                eprintln!("nobody was told who has gone: {error}");
            }
        }
    });
    io.fallback(page::answer);

    let listening = match io.bind((flags.host, flags.port)).await {
        Ok(listening) => listening,
        Err(error) => {
            eprintln!("can't listen on {}:{}: {error}", flags.host, flags.port);
            return ExitCode::FAILURE;
        }
    };
    let port = listening.local_addr().map_or(flags.port, |address| address.port());
    println!("The chat is open: http://{}:{port}", flags.host);
    let serving = tokio::spawn(listening.serve());
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("will not hear Ctrl-C: {error}");
        std::future::pending::<()>().await;
    }
    io.shutdown(Duration::from_secs(2)).await;
    let _ = serving.await; // it has nothing to say
    ExitCode::SUCCESS
}

/// Someone comes in. Whoever comes back with the same key, after a lost network, takes the place of the former self.
async fn arrive(
    socket: Socket,
    io: Io,
    State(shared): State<Shared>,
    Auth(wish): Auth<Option<Wish>>,
) -> Result<(), EmitError> {
    let mut hall = shared.lock().await;
    // It is in its room again, and has got what was said there meanwhile.
    if socket.recovered()
        && let Some(person) = hall.person(socket.id())
    {
        let (name, room) = (person.name.clone(), person.room.clone());
        listen(&socket);
        return tell(socket.broadcast(), &hall, "back", &name, &room);
    }
    let wish = wish.unwrap_or_default();
    let former = hall.dismiss(&wish.key);
    if let Some(former) = former.as_ref().and_then(|former| io.of("/").socket(former.id)) {
        former.disconnect(true);
    }
    let person = hall.admit(socket.id(), wish);
    let (name, room) = (person.name.clone(), person.room.clone());
    socket.join(channel(&room));
    socket.emit(
        "welcome",
        json!({ "name": name, "rooms": hall.rooms(), "room": hall.view(&room) }),
    )?;

    match former {
        Some(former) if (&former.name, &former.room) == (&name, &room) => {}
        former => {
            if let Some(former) = former {
                tell(socket.broadcast(), &hall, "left", &former.name, &former.room)?;
            }
            tell(socket.broadcast(), &hall, "joined", &name, &room)?;
            io.emit("rooms", hall.rooms())?;
        }
    }
    listen(&socket);
    Ok(())
}

fn listen(socket: &Socket) {
    socket.on("enter", enter);
    socket.on("say", say);
    socket.on("whisper", whisper);
    socket.on("typing", typing);
    // Now that there is someone to leave; it is called at once if the connection has gone meanwhile.
    socket.on_disconnect(leave);
}

#[derive(Serialize)]
struct Entered {
    room: View,
}

/// From one room to another. An error is the answer's `error`.
async fn enter(
    socket: Socket,
    io: Io,
    State(shared): State<Shared>,
    Data(room): Data<String>,
) -> Result<Entered, String> {
    let mut hall = shared.lock().await;
    let Some(moved) = hall.enter(socket.id(), &room)? else {
        return Err("You are there already.".to_owned());
    };
    socket.leave(channel(&moved.left));
    socket.join(channel(&moved.entered));
    let told = tell(socket.broadcast(), &hall, "left", &moved.name, &moved.left)
        .and_then(|()| tell(socket.broadcast(), &hall, "joined", &moved.name, &moved.entered))
        .and_then(|()| io.emit("rooms", hall.rooms()));
    told.map_err(|error| error.to_string())?;
    Ok(Entered { room: hall.view(&moved.entered) })
}

#[derive(Serialize)]
struct Said {
    message: Message,
}

async fn say(
    socket: Socket,
    io: Io,
    State(shared): State<Shared>,
    Data(text): Data<String>,
) -> Result<Said, String> {
    let mut hall = shared.lock().await;
    let (room, message) = hall.say(socket.id(), text)?;
    let told = socket
        .to(channel(&room))
        .emit("message", &message)
        .and_then(|()| io.except(channel(&room)).emit("activity", &room));
    told.map_err(|error| error.to_string())?;
    Ok(Said { message })
}

#[derive(Deserialize)]
struct Whisper {
    to: String,
    text: String,
}

/// Something for one person only, who is a room of their own.
async fn whisper(
    io: Io,
    socket: Socket,
    State(shared): State<Shared>,
    Data(whisper): Data<Whisper>,
) -> Result<Said, String> {
    let mut hall = shared.lock().await;
    let (to, message) = hall.whisper(socket.id(), &whisper.to, whisper.text)?;
    io.to(to).emit("whisper", &message).map_err(|error| error.to_string())?;
    Ok(Said { message })
}

async fn typing(
    socket: Socket,
    State(shared): State<Shared>,
    Data(yes): Data<bool>,
) -> Result<(), EmitError> {
    let hall = shared.lock().await;
    let Some(person) = hall.person(socket.id()) else { return Ok(()) };
    socket.to(channel(&person.room)).emit("typing", json!({ "name": person.name, "yes": yes }))
}

/// Who has lost the connection is waited for, and who has left is not.
async fn leave(
    socket: Socket,
    io: Io,
    State(shared): State<Shared>,
    reason: DisconnectReason,
) -> Result<(), EmitError> {
    let mut hall = shared.lock().await;
    if !reason.is_recoverable() {
        return see_off(&io, &mut hall, socket.id());
    }
    // Nobody if a newer self has taken over.
    let Some(person) = hall.person(socket.id()) else { return Ok(()) };
    tell(socket.broadcast(), &hall, "lost", &person.name, &person.room)
}

fn see_off(io: &Io, hall: &mut Hall, id: SocketId) -> Result<(), EmitError> {
    let Some(person) = hall.leave(id) else { return Ok(()) };
    tell(io.broadcast(), hall, "left", &person.name, &person.room)?;
    io.emit("rooms", hall.rooms())
}

/// Tells those of `whom` in a room that someone came or went, and who is there now.
fn tell(
    whom: Broadcast,
    hall: &Hall,
    event: &str,
    name: &str,
    room: &str,
) -> Result<(), EmitError> {
    let news = json!({ "name": name, "members": hall.members(room) });
    whom.to(channel(room)).emit(event, news)
}

/// The Socket.IO room of a room of ours. Every socket is alone in a room named like its id; the prefix keeps people, who
/// choose the names of ours, out of those.
fn channel(room: &str) -> String {
    format!("room:{room}")
}
