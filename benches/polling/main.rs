//! A load of long-polling only: each client does what a browser does, a GET that always waits and POSTs beside it, on two connections
//! that are kept. What comes back is compared. `run` lets servers take turns.
//!
//! Prints `echoes <per second>` and `cpu <microseconds of the server for each>`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[derive(Parser)]
struct Args {
    /// The server, which speaks the contract of tests/interop/reference_server.js.
    addr: SocketAddr,
    /// Its process, for the time that it takes.
    #[arg(long)]
    pid: u32,
    /// Clients at the same time.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Bytes of text that are echoed.
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Seconds to measure for, after one to warm up.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

type Tried<T> = std::io::Result<T>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Tried<()> {
    let args = Args::parse();
    let (stop, echoes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for number in 0..args.clients {
        let text = format!("{number:0width$}", width = args.size);
        clients.spawn(client(args.addr, text, stop.clone(), echoes.clone()));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (start, first, cpu) = (Instant::now(), echoes.load(Ordering::Relaxed), cpu(args.pid)?);
    tokio::time::sleep(Duration::from_secs(args.seconds)).await;
    let count = echoes.load(Ordering::Relaxed) - first;
    let (time, cpu) = (start.elapsed(), self::cpu(args.pid)? - cpu);
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    println!("echoes {:.0}", count as f64 / time.as_secs_f64());
    println!("cpu {:.2}", cpu.as_secs_f64() * 1e6 / count as f64);
    Ok(())
}

async fn client(
    addr: SocketAddr,
    text: String,
    stop: Arc<AtomicBool>,
    echoes: Arc<AtomicU64>,
) -> Tried<()> {
    let (mut gets, mut posts) = (Line::open(addr).await?, Line::open(addr).await?);
    let path = "/socket.io/?EIO=4&transport=polling";
    gets.get(path).await?;
    let open = gets.answer().await?;
    let sid = open.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let path = format!("{path}&sid={}", sid.unwrap_or_default());
    posts.post(&path, "40").await?;
    posts.answer().await?;
    gets.get(&path).await?;
    assert!(gets.answer().await?.starts_with("40{"), "not let in");
    let (event, echo) = (format!("42[\"echo\",\"{text}\"]"), format!("42[\"echo\",\"{text}\"]"));
    while !stop.load(Ordering::Relaxed) {
        gets.get(&path).await?;
        posts.post(&path, &event).await?;
        assert_eq!(posts.answer().await?, "ok");
        let mut came = gets.answer().await?;
        while came == "2" {
            posts.post(&path, "3").await?;
            posts.answer().await?;
            gets.get(&path).await?;
            came = gets.answer().await?;
        }
        assert_eq!(came, echo);
        echoes.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A connection for one request after the other.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    async fn open(addr: SocketAddr) -> Tried<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    async fn get(&mut self, path: &str) -> Tried<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await
    }

    async fn post(&mut self, path: &str, body: &str) -> Tried<()> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await
    }

    async fn answer(&mut self) -> Tried<String> {
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = String::from_utf8_lossy(&self.read);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest);
            let length = length.lines().next().unwrap_or_default().trim().parse::<usize>();
            if length.is_ok_and(|length| body.len() >= length) {
                return Ok(body.to_owned());
            }
        }
    }
}

/// What a process has taken of the processors so far, in its threads and in the system for it.
fn cpu(pid: u32) -> Tried<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // A hundred a second on Linux.
    Ok(Duration::from_millis(10 * ticks))
}
