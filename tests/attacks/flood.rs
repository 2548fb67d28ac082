//! A peer in memory that sends without end and reads as it likes.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use ws::net::Stream;
use ws::{CloseReport, Config, Context as Socket, Payload, Role, Sender, WebSocket};

/// What the peer sends, a byte stream made of pieces that are repeated; and what it takes.
pub struct Flood {
    pieces: Vec<(Vec<u8>, usize)>,
    at: usize,
    /// Bytes that one read gives at most.
    pub step: usize,
    /// Whether the peer ends its side behind the last piece, or is silent.
    pub ends: bool,
    /// Whether the peer takes anything.
    pub reads: bool,
    seen: Arc<Seen>,
}

/// What happened on the way, for the test to look at.
#[derive(Default)]
pub struct Seen {
    /// Bytes that were read from the peer.
    pub given: AtomicU64,
    /// The same, when it was written to for the first time.
    pub given_before: AtomicU64,
    /// Bytes that were written to it.
    pub taken: AtomicU64,
    /// The first of them.
    pub first: Mutex<Vec<u8>>,
}

impl Seen {
    pub fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    pub fn given_before(&self) -> u64 {
        self.given_before.load(Ordering::Relaxed)
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub fn first(&self) -> Vec<u8> {
        self.first.lock().unwrap().clone()
    }
}

impl Flood {
    /// Sends each piece so many times, then nothing; takes everything.
    pub fn new(pieces: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Self {
        let pieces = pieces.into_iter().filter(|(piece, times)| !piece.is_empty() && *times > 0);
        Self {
            pieces: pieces.collect(),
            at: 0,
            step: usize::MAX,
            ends: false,
            reads: true,
            seen: Arc::default(),
        }
    }

    pub fn seen(&self) -> Arc<Seen> {
        self.seen.clone()
    }

    /// The server's end of a connection with this peer.
    pub fn pull(self, config: Config) -> WebSocket {
        self.pull_as(Role::Server, config)
    }

    pub fn pull_as(self, role: Role, config: Config) -> WebSocket {
        WebSocket::from_stream(Stream::new(self), Bytes::new(), role, Arc::new(config))
    }

    /// The server's end of a connection with this peer, which echoes; with the report of its end.
    pub fn push(self, config: Config) -> (Sender, oneshot::Receiver<CloseReport>) {
        let (tell, told) = oneshot::channel();
        let (echo, config) = (Echo(Some(tell)), Arc::new(config));
        let stream = Stream::new(self);
        (ws::stream::spawn(stream, Bytes::new(), Role::Server, config, echo), told)
    }
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // As tokio's sockets do: who is always ready lets others have their turn.
        ready!(pin!(tokio::task::coop::consume_budget()).poll(cx));
        let mut room = buf.remaining().min(self.step);
        let before = buf.filled().len();
        while room > 0
            && let Some((piece, times)) = self.pieces.first()
        {
            let (len, last) = (piece.len(), *times == 1);
            let count = (len - self.at).min(room);
            buf.put_slice(&piece[self.at..self.at + count]);
            room -= count;
            self.at += count;
            if self.at == len {
                self.at = 0;
                if last {
                    self.pieces.remove(0);
                } else {
                    self.pieces[0].1 -= 1;
                }
            }
        }
        let given = buf.filled().len() - before;
        self.seen.given.fetch_add(given as u64, Ordering::Relaxed);
        // Silence: nobody wakes us any more.
        if given > 0 || self.ends { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.reads {
            return Poll::Pending;
        }
        ready!(pin!(tokio::task::coop::consume_budget()).poll(cx));
        if self.seen.taken.fetch_add(buf.len() as u64, Ordering::Relaxed) == 0 {
            self.seen.given_before.store(self.seen.given(), Ordering::Relaxed);
        }
        let mut first = self.seen.first.lock().unwrap();
        let count = (256 - first.len()).min(buf.len());
        first.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Echoes, and tells how it ended.
struct Echo(Option<oneshot::Sender<CloseReport>>);

impl ws::Handler for Echo {
    fn on_message(&mut self, socket: &mut Socket<'_>, message: Payload<'_>) {
        socket
            .send_payload(&message)
            .expect("there is always room: no more is read until there is");
    }

    fn on_close(&mut self, report: &CloseReport) {
        let _ = self.0.take().expect("once").send(report.clone());
    }
}

/// Echoes until the end.
pub async fn echo(mut socket: WebSocket) -> Result<(), ws::Error> {
    while let Some(message) = socket.recv().await? {
        let _ = socket.send(message).await;
    }
    Ok(())
}

/// Has this thread own the buffers that it keeps for all its connections, so that they don't count as anybody's.
pub async fn warm_up() {
    let frame = crate::raw::frame(0x82, &[0; 1000]);
    let mut flood = Flood::new([(frame, 1), (crate::raw::close(1000), 1)]);
    flood.ends = true;
    let _ = flood.push(Config::default()).1.await;
}

/// `frame` as often as fits in about 64 KiB, and how often that is.
pub fn many(frame: &[u8]) -> (Vec<u8>, usize) {
    let times = (64 * 1024 / frame.len()).max(1);
    (frame.repeat(times), times)
}
