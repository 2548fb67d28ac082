//! The chat in a terminal: `cargo run --example chat_client -- --name Ada`, with the example `chat` running.
//!
//! Lines are said, lines that begin with a slash are commands. The events are described at the top of `../chat/chat.js`.

mod screen;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sio::client::{Client, Data, DisconnectReason, EmitError, Socket};
use tokio::sync::{Notify, mpsc};

use screen::{Message, Room};

#[derive(Parser)]
#[command(about = "The chat in a terminal")]
struct Flags {
    /// Where the chat is.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    url: String,
    /// What people should call you.
    #[arg(long, env = "USER", default_value = "guest")]
    name: String,
    /// The room to begin in.
    #[arg(long, default_value = "lobby")]
    room: String,
}

#[derive(Deserialize)]
struct Welcome {
    name: String,
    room: Room,
}

#[derive(Deserialize)]
struct News {
    name: String,
    members: Vec<String>,
}

#[derive(Serialize)]
struct Whisper<'a> {
    to: &'a str,
    text: &'a str,
}

/// What the server answers: the thing asked for, or why not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer<T> {
    Refused { error: String },
    Granted(T),
}

#[derive(Deserialize)]
struct Entered {
    room: Room,
}

#[derive(Deserialize)]
struct Said {}

/// Where we are, as far as we were told.
#[derive(Clone, Default)]
struct Place(Arc<Mutex<Room>>);

impl Place {
    fn lock(&self) -> MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_to(&self, room: Room) {
        screen::room(&room);
        *self.lock() = room;
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let place = Place::default();
    let url = flags.url.clone();
    let socket = match connect(flags, &place).await {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("can't enter the chat at {url}: {error}");
            return ExitCode::FAILURE;
        }
    };

    let lost = Arc::new(Notify::new());
    let told = lost.clone();
    socket.on_disconnect(async move |reason: DisconnectReason| {
        screen::notice(&format!("the conversation is over: {reason}"));
        told.notify_one();
    });
    let mut lines = typed_lines();
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            () = lost.notified() => return ExitCode::FAILURE,
        };
        // The end of the input, or one that can't be read, is a goodbye.
        let Some(line) = line else { break };
        match obey(&socket, &place, line.trim()).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => screen::notice(&format!("not sent: {error}")),
        }
    }
    socket.disconnect();
    lost.notified().await;
    ExitCode::SUCCESS
}

/// Reads stdin on a thread of its own: tokio's would keep the program alive until the next line.
fn typed_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut typed = std::io::stdin().lines().map_while(Result::ok);
        typed.try_for_each(|line| sender.blocking_send(line))
    });
    lines
}

/// Enters the chat, and shows what comes from there.
async fn connect(flags: Flags, place: &Place) -> Result<Socket, sio::client::ConnectError> {
    let Flags { url, name, room } = flags;
    let [here, joined, left] = [place.clone(), place.clone(), place.clone()];
    Client::builder(url)
        .auth(async move || json!({ "name": name, "room": room }))
        .on("welcome", async move |Data(welcome): Data<Welcome>| {
            screen::notice(&format!("you are {}; /help tells the commands", welcome.name));
            here.move_to(welcome.room);
        })
        .on("message", async |Data(message): Data<Message>| screen::message(&message))
        .on("whisper", async |Data(message): Data<Message>| screen::whisper(&message))
        .on("lost", async |Data(news): Data<News>| {
            screen::notice(&format!("{} has lost the connection", news.name));
        })
        .on("back", async |Data(news): Data<News>| {
            screen::notice(&format!("{} is back", news.name));
        })
        .on("joined", async move |Data(news): Data<News>| {
            screen::notice(&format!("{} joined", news.name));
            joined.lock().members = news.members;
        })
        .on("left", async move |Data(news): Data<News>| {
            screen::notice(&format!("{} left", news.name));
            left.lock().members = news.members;
        })
        .connect()
        .await
}

/// Does what a line says; `false` to go.
async fn obey(socket: &Socket, place: &Place, line: &str) -> Result<bool, EmitError> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    match command {
        "" => {}
        "/quit" => return Ok(false),
        "/who" => screen::people(&place.lock()),
        "/join" => match socket.emit_with_ack("enter", rest.trim()).await? {
            Answer::Granted(Entered { room }) => place.move_to(room),
            Answer::Refused { error } => screen::notice(&error),
        },
        "/tell" if rest.contains(": ") => {
            let (to, text) = rest.split_once(": ").unwrap_or_default();
            let whisper = Whisper { to: to.trim(), text };
            match socket.emit_with_ack::<Answer<Said>>("whisper", whisper).await? {
                Answer::Granted(_) => {}
                Answer::Refused { error } => screen::notice(&error),
            }
        }
        _ if command.starts_with('/') => screen::help(),
        _ => match socket.emit_with_ack::<Answer<Said>>("say", line).await? {
            Answer::Granted(_) => {}
            Answer::Refused { error } => screen::notice(&error),
        },
    }
    Ok(true)
}
