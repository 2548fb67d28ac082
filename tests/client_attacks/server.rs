//! An HTTP server that answers whatever a test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};

use crate::support::OPEN;

/// What follows a request.
pub(crate) enum Reply {
    /// These bytes, and then the next request.
    Bytes(Vec<u8>),
    /// The first, and then the second without end.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, and then the end of the connection.
    Cut(Vec<u8>),
    Nothing,
}

/// Serves; gives how many requests there have been. `reply` is told the number of the request, from 0 on, and its first line.
pub(crate) async fn serve(
    reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (count, reply) = (Arc::new(AtomicUsize::new(0)), Arc::new(reply));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (count, reply) = (counted.clone(), reply.clone());
            tokio::spawn(async move {
                let _ = converse(stream, &count, &*reply).await;
            });
        }
    });
    (addr, count)
}

async fn converse(
    mut stream: TcpStream,
    count: &AtomicUsize,
    reply: &(impl Fn(usize, &str) -> Reply + Sync),
) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    while let Some(line) = request(&mut read).await? {
        match reply(count.fetch_add(1, Ordering::Relaxed), &line) {
            Reply::Bytes(bytes) => write.write_all(&bytes).await?,
            Reply::Endless(first, piece) => {
                write.write_all(&first).await?;
                while !piece.is_empty() {
                    write.write_all(&piece).await?;
                }
                std::future::pending().await
            }
            Reply::Cut(bytes) => return write.write_all(&bytes).await,
            Reply::Nothing => std::future::pending().await,
        }
    }
    Ok(())
}

/// Reads a request with its body; gives its first line.
async fn request(read: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if read.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    read.read_exact(&mut vec![0; length.unwrap_or(0)]).await?;
    Ok(head.lines().next().map(str::to_owned))
}

/// 200, with this body.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Any status, with a short body.
pub(crate) fn status(line: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

/// A session over polling, whose namespace is joined: what a request meets after that says `then`.
pub(crate) async fn polling(
    then: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    // Requests of the session so far that ask to be let in, and that are told so.
    let (asked, told) = (AtomicBool::new(false), AtomicBool::new(false));
    serve(move |_, line| {
        if !line.contains("sid=") {
            return Reply::Bytes(ok(OPEN.replace("[]", r#"["websocket"]"#)));
        }
        if line.starts_with("POST") && !asked.swap(true, Ordering::Relaxed) {
            return Reply::Bytes(ok("ok"));
        }
        if line.contains("transport=websocket") || told.load(Ordering::Relaxed) {
            return then(line);
        }
        if !asked.load(Ordering::Relaxed) {
            return Reply::Bytes(ok("6"));
        }
        told.store(true, Ordering::Relaxed);
        Reply::Bytes(ok(r#"40{"sid":"a"}"#))
    })
    .await
}

/// The same, where every POST is taken: what a GET meets says `then`.
pub(crate) async fn joined(
    then: impl Fn() -> Reply + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    polling(move |line| if line.starts_with("GET") { then() } else { Reply::Bytes(ok("ok")) }).await
}
