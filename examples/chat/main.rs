//! A chat on `sio`: `cargo run --release --example chat`, then open the page that it names, in two windows or on a phone.
//!
//! `hall` holds who is where and what was said, `page` serves the page; this file connects both with the sockets. The events
//! are described at the top of `chat.js`; the example `chat_client` speaks them in a terminal.

mod hall;
mod page;

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde::Serialize;
use serde_json::json;
use sio::server::{Auth, Data, EmitError, Io, Socket, State};
use tokio::sync::Mutex;

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let io = Io::new();
    // Locked while it is told to others what has changed, so that all learn it in the same order. It is an async lock, because
    // a send can end a connection, whose `leave` then waits here instead of blocking itself.
    io.state(Mutex::new(Hall::default()));
    io.on_connect(arrive);
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
    State(shared): State<Mutex<Hall>>,
    Auth(wish): Auth<Option<Wish>>,
) -> Result<(), EmitError> {
    let mut hall = shared.lock().await;
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
                tell(&socket, &hall, "left", &former.name, &former.room)?;
            }
            tell(&socket, &hall, "joined", &name, &room)?;
            io.emit("rooms", hall.rooms())?;
        }
    }

    socket.on("enter", enter);
    socket.on("say", say);
    socket.on("typing", typing);
    // Now that there is someone to leave; it is called at once if the connection has gone meanwhile.
    socket.on_disconnect(leave);
    Ok(())
}

#[derive(Serialize)]
struct Entered {
    room: View,
}

/// From one room to another. An error is the answer's `error`.
async fn enter(
    socket: Socket,
    io: Io,
    State(shared): State<Mutex<Hall>>,
    Data(room): Data<String>,
) -> Result<Entered, String> {
    let mut hall = shared.lock().await;
    let Some(moved) = hall.enter(socket.id(), &room)? else {
        return Err("You are there already.".to_owned());
    };
    socket.leave(channel(&moved.left));
    socket.join(channel(&moved.entered));
    let told = tell(&socket, &hall, "left", &moved.name, &moved.left)
        .and_then(|()| tell(&socket, &hall, "joined", &moved.name, &moved.entered))
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
    State(shared): State<Mutex<Hall>>,
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

async fn typing(
    socket: Socket,
    State(shared): State<Mutex<Hall>>,
    Data(yes): Data<bool>,
) -> Result<(), EmitError> {
    let hall = shared.lock().await;
    let Some(person) = hall.person(socket.id()) else { return Ok(()) };
    socket.to(channel(&person.room)).emit("typing", json!({ "name": person.name, "yes": yes }))
}

async fn leave(socket: Socket, io: Io, State(shared): State<Mutex<Hall>>) -> Result<(), EmitError> {
    let mut hall = shared.lock().await;
    // Nobody if a newer self has taken over.
    let Some(person) = hall.leave(socket.id()) else { return Ok(()) };
    tell(&socket, &hall, "left", &person.name, &person.room)?;
    io.emit("rooms", hall.rooms())
}

/// Tells the others in a room that someone came or went, and who is there now.
fn tell(
    socket: &Socket,
    hall: &Hall,
    event: &str,
    name: &str,
    room: &str,
) -> Result<(), EmitError> {
    let news = json!({ "name": name, "members": hall.members(room) });
    socket.to(channel(room)).emit(event, news)
}

/// The Socket.IO room of a room of ours. Every socket is alone in a room named like its id; the prefix keeps people, who
/// choose the names of ours, out of those.
fn channel(room: &str) -> String {
    format!("room:{room}")
}
