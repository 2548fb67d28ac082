//! Files from a browser, in binary pieces that are acknowledged one by one: `cargo run --release --example upload`, then open the page
//! that it names.
//!
//! `begin({name, size})`  ack -> `{}` or `{error}`
//! `piece(offset, bytes)` ack -> `{received}`, which is the progress, or `{error}`
//! `end()`                ack -> `{path, size}` or `{error}`
//!
//! The next piece is sent when the one before is acknowledged, so that no more than one waits anywhere, and a client that is faster than
//! the disk is slowed down. A file whose client goes before its end is removed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use clap::Parser;
use serde::{Deserialize, Serialize};
use sio::server::{Data, Io, Socket, State};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;

/// Bytes of a file.
const MAX_SIZE: u64 = 1 << 30;

#[derive(Parser)]
#[command(about = "Uploads with a progress bar")]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    addr: String,
    /// Where files go. They are called by numbers there: names come from outside.
    #[arg(long, default_value = "uploads")]
    folder: PathBuf,
}

struct Folder {
    path: PathBuf,
    last: AtomicU64,
}

/// The file that a socket is sending; at most one at a time.
#[derive(Default)]
struct Upload(Mutex<Option<Open>>);

struct Open {
    file: File,
    path: PathBuf,
    size: u64,
    received: u64,
}

#[derive(Deserialize)]
struct Begin {
    name: String,
    size: u64,
}

#[derive(Serialize)]
struct Begun {}

#[derive(Serialize)]
struct Progress {
    received: u64,
}

#[derive(Serialize)]
struct Done {
    path: PathBuf,
    size: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    tokio::fs::create_dir_all(&args.folder).await?;
    let io = Io::new();
    io.state(Folder { path: args.folder, last: AtomicU64::new(0) });
    io.on_connect(async |socket: Socket| {
        socket.insert(Upload::default());
        socket.on("begin", begin);
        socket.on("piece", piece);
        socket.on("end", end);
        socket.on_disconnect(async |socket: Socket| {
            let Ok(upload) = upload_of(&socket) else { return };
            if let Some(half) = upload.0.lock().await.take() {
                let _ = tokio::fs::remove_file(half.path).await; // it may be gone
            }
        });
    });
    io.fallback(page);
    let listening = io.bind(args.addr).await?;
    println!("open http://{}", listening.local_addr()?);
    listening.serve().await;
    Ok(())
}

/// An error is the answer's `error`.
async fn begin(
    socket: Socket,
    State(folder): State<Folder>,
    Data(begin): Data<Begin>,
) -> Result<Begun, String> {
    if begin.size > MAX_SIZE {
        return Err(format!("{} is too large.", begin.name));
    }
    let upload = upload_of(&socket)?;
    let mut open = upload.0.lock().await;
    if open.is_some() {
        return Err("One file after the other, please.".to_owned());
    }
    let number = folder.last.fetch_add(1, Ordering::Relaxed) + 1;
    let path = folder.path.join(format!("{}-{number}", std::process::id()));
    let file = File::create_new(&path).await.map_err(|error| error.to_string())?;
    *open = Some(Open { file, path, size: begin.size, received: 0 });
    Ok(Begun {})
}

async fn piece(
    socket: Socket,
    Data((offset, bytes)): Data<(u64, Bytes)>,
) -> Result<Progress, String> {
    let upload = upload_of(&socket)?;
    let mut open = upload.0.lock().await;
    let open = open.as_mut().ok_or("There is no file to add to.")?;
    if offset != open.received || offset + bytes.len() as u64 > open.size {
        return Err("This piece does not fit.".to_owned());
    }
    open.file.write_all(&bytes).await.map_err(|error| error.to_string())?;
    open.received += bytes.len() as u64;
    Ok(Progress { received: open.received })
}

async fn end(socket: Socket) -> Result<Done, String> {
    let upload = upload_of(&socket)?;
    let mut slot = upload.0.lock().await;
    let mut open =
        slot.take_if(|open| open.received == open.size).ok_or("Something is missing.")?;
    open.file.flush().await.map_err(|error| error.to_string())?;
    Ok(Done { path: open.path, size: open.size })
}

fn upload_of(socket: &Socket) -> Result<Arc<Upload>, String> {
    socket.get().ok_or_else(|| "Gone.".to_owned())
}

/// The page; its Socket.IO client is the official one, from `tests/interop` if that is installed.
async fn page<B>(request: http::Request<B>) -> http::Response<Vec<u8>> {
    const CLIENT: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/interop/node_modules/socket.io-client/dist/socket.io.min.js"
    );
    let (kind, body) = match request.uri().path() {
        "/" => ("text/html; charset=utf-8", include_bytes!("index.html").to_vec()),
        "/socket.io/socket.io.js" => {
            ("text/javascript", tokio::fs::read(CLIENT).await.unwrap_or_default())
        }
        _ => ("text/plain", Vec::new()),
    };
    let status = if body.is_empty() { 404 } else { 200 };
    let response = http::Response::builder().status(status).header("content-type", kind);
    response.body(body).expect("these are valid headers")
}
