//! Socket.IO in the terminal: emits what is typed, prints what arrives.
//!
//! `cargo run --example sio -- connect http://127.0.0.1:3000/chat --auth '{"token":"8f1c"}'`
//!
//! ```text
//! chat message "hello"     emits the event `chat message`: a name, then its arguments in JSON
//! ?add 2 3                 the same, and shows the answer with the time that it took
//! =42                      answers the latest event that wants an answer
//! /quit                    leaves, as Ctrl-C does
//! ```

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::{Parser, Subcommand};
use serde_json::Value;
use sio::client::{
    Builder, Client, DisconnectReason, EmitError, ManagerEvent, Received, Socket, Transport,
};
use sio::packet::{Args, Msgpack};
use tokio::sync::mpsc;

#[derive(Parser)]
#[command(about = "Socket.IO in the terminal")]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Connects, emits what is typed and prints what arrives.
    Connect {
        /// Where to: http://host:port/namespace?query
        url: String,
        /// The auth payload, a JSON object.
        #[arg(long)]
        auth: Option<Value>,
        /// A header, as `name: value`; any number of times.
        #[arg(long, value_parser = header)]
        header: Vec<(String, String)>,
        /// The engine's path.
        #[arg(long, default_value = "/socket.io/")]
        path: String,
        /// Transports to try, best first: websocket, polling.
        #[arg(long, value_delimiter = ',', default_value = "websocket,polling", value_parser = transport)]
        transports: Vec<Transport>,
        /// Speak MessagePack instead of JSON.
        #[arg(long)]
        msgpack: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Connect { url, auth, header, path, transports, msgpack } = Flags::parse().command;
    let mut config = sio::client::Config::default();
    config.engine.transports = transports;
    config.parser = msgpack.then(|| std::sync::Arc::new(Msgpack) as _);
    let mut builder = Client::builder(url).path(path).config(config).proxy_from_env().keep_events();
    if let Some(auth) = auth {
        builder = builder.auth(async || auth);
    }
    for (name, value) in header {
        builder = builder.header(name, value);
    }
    match watched(builder).connect().await {
        Ok(socket) => {
            talk(&socket).await;
            socket.close().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            print(Colour::Red, &error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("it has no colon")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn transport(name: &str) -> Result<Transport, &'static str> {
    Transport::from_name(name).ok_or("it is neither websocket nor polling")
}

/// Says what happens to the connection.
fn watched(builder: Builder) -> Builder {
    let again = AtomicBool::new(false);
    builder
        .on_connect(async |socket: Socket| {
            let transport = socket.transport().map_or("", Transport::name);
            let again = if socket.recovered() { ", recovered" } else { "" };
            print(Colour::Green, &format!("connected as {} over {transport}{again}", socket.id()));
        })
        .on_disconnect(async |reason: DisconnectReason| {
            print(Colour::Red, &format!("disconnected: {reason}"));
        })
        .on_manager(move |event| match event {
            ManagerEvent::ReconnectDelay(delay) => {
                print(Colour::Grey, &format!("trying again in {delay:.1?}"));
            }
            ManagerEvent::ReconnectAttempt(_) => again.store(true, Ordering::Relaxed),
            // The first error is what `connect` returns.
            ManagerEvent::ReconnectError(error) if again.load(Ordering::Relaxed) => {
                print(Colour::Grey, &error.to_string());
            }
            _ => {}
        })
}

async fn talk(socket: &Socket) {
    let mut lines = typed_lines();
    let mut question: Option<Received> = None;
    loop {
        tokio::select! {
            event = socket.next() => {
                let Some(event) = event else { return };
                let wants = if event.wants_answer() { "  (wants an answer: =json)" } else { "" };
                let Args(arguments) = event.data::<Args<Value>>().unwrap_or_default();
                let shown: Vec<_> = arguments.iter().map(Value::to_string).collect();
                print(Colour::Cyan, &format!("< {} {}{wants}", event.name(), shown.join(" ")));
                question = if event.wants_answer() { Some(event) } else { question };
            }
            _ = tokio::signal::ctrl_c() => return,
            line = lines.recv() => match line.as_deref().map(str::trim) {
                None | Some("/quit") => return,
                Some("") => {}
                Some(line) => {
                    if let Err(error) = obey(socket, &mut question, line).await {
                        print(Colour::Red, &error);
                    }
                }
            }
        }
    }
}

async fn obey(socket: &Socket, question: &mut Option<Received>, line: &str) -> Result<(), String> {
    if let Some(answer) = line.strip_prefix('=') {
        let question = question.take().ok_or("nothing wants an answer")?;
        let answer = Args(values(answer)?);
        return question.answer(answer).map_err(|error| error.to_string());
    }
    let (asks, line) = line.strip_prefix('?').map_or((false, line), |line| (true, line));
    // The arguments begin where JSON does; what is before is the name, which may have spaces.
    let starts = |(at, _): &(usize, char)| values(&line[*at..]).is_ok();
    let spaces = line.char_indices().filter(|(_, c)| c.is_whitespace());
    // A name with such a thing in it is a slip.
    let meant = |(at, _): &(usize, char)| line[at + 1..].starts_with(['"', '[', '{']);
    let begin = spaces.clone().find(starts).or_else(|| spaces.clone().find(meant));
    let (name, arguments) = begin.map_or((line, ""), |(at, _)| line.split_at(at));
    let arguments = Args(values(arguments)?);
    if !asks {
        return socket.emit(name.trim(), arguments).map_err(|error| error.to_string());
    }
    let (asked, answer) =
        (Instant::now(), socket.emit_with_ack::<Args<Value>>(name.trim(), arguments));
    // Not awaited here: meanwhile other things arrive.
    tokio::spawn(async move {
        let (answer, time): (Result<_, EmitError>, _) = (answer.await, asked.elapsed());
        match answer {
            Ok(Args(answer)) => {
                let shown: Vec<_> = answer.iter().map(Value::to_string).collect();
                print(Colour::Yellow, &format!("= {}  ({time:.1?})", shown.join(" ")));
            }
            Err(error) => print(Colour::Red, &format!("= {error}  ({time:.1?})")),
        }
    });
    Ok(())
}

/// JSON values one after the other.
fn values(text: &str) -> Result<Vec<Value>, String> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values.collect::<Result<_, _>>().map_err(|error| format!("no JSON: {error}"))
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

enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
    Grey = 90,
}

/// Nothing from others reaches the terminal with control characters, which could command it.
fn print(colour: Colour, text: &str) {
    let tame: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if std::io::stdout().is_terminal() {
        println!("\u{1b}[{}m{tame}\u{1b}[0m", colour as u8);
    } else {
        println!("{tame}");
    }
}
