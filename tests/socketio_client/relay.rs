//! A TCP proxy in between, that does to connections what networks do: delays, cuts, half-closes and truncates.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to the connections that there are, and to those to come.
#[derive(Clone, Copy, Default)]
struct Weather {
    /// Each piece is late by this.
    delay: Duration,
    /// New connections are closed at once.
    closed: bool,
    /// New connections are cut after so many bytes from the server.
    truncate: Option<usize>,
    /// Bytes disappear.
    swallow: bool,
}

pub struct Relay {
    pub addr: SocketAddr,
    weather: Arc<Mutex<Weather>>,
    /// Counts the cuts; every connection ends when it changes.
    cuts: watch::Sender<u64>,
    /// Counts those who close only the direction to the client.
    half_closes: watch::Sender<u64>,
    accepted: watch::Receiver<u64>,
}

impl Relay {
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let weather = Arc::new(Mutex::new(Weather::default()));
        let (cuts, half_closes) = (watch::Sender::new(0), watch::Sender::new(0));
        let (count, accepted) = watch::channel(0);
        let sky = weather.clone();
        let (cut, half_closed) = (cuts.clone(), half_closes.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let now = *sky.lock().unwrap();
                if now.closed {
                    continue;
                }
                let (sky, mut cut, half) = (sky.clone(), cut.subscribe(), half_closed.subscribe());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        () = relay(client, target, sky, half, now.truncate) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { addr, weather, cuts, half_closes, accepted }
    }

    /// Ends all connections, without a word of any protocol.
    pub fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }

    /// The servers' ends seem to have finished; what the client says still arrives.
    pub fn half_close(&self) {
        self.half_closes.send_modify(|count| *count += 1);
    }

    /// Lets nobody in, or everybody.
    pub fn set_closed(&self, closed: bool) {
        self.weather.lock().unwrap().closed = closed;
    }

    /// From now on new connections end after so many bytes from the server.
    pub fn truncate(&self, after: Option<usize>) {
        self.weather.lock().unwrap().truncate = after;
    }

    pub fn delay(&self, delay: Duration) {
        self.weather.lock().unwrap().delay = delay;
    }

    /// Bytes disappear in both directions, and connections stay open.
    pub fn swallow(&self, swallow: bool) {
        self.weather.lock().unwrap().swallow = swallow;
    }

    /// Connections so far.
    pub fn accepted(&self) -> u64 {
        *self.accepted.borrow()
    }
}

async fn relay(
    client: TcpStream,
    target: SocketAddr,
    weather: Arc<Mutex<Weather>>,
    mut half: watch::Receiver<u64>,
    truncate: Option<usize>,
) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (from_client, mut to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    half.mark_unchanged();
    let up = async {
        let mut to_server = to_server;
        pump(from_client, &mut to_server, &weather, usize::MAX).await;
        let _ = to_server.shutdown().await;
    };
    let down = async {
        let limit = truncate.unwrap_or(usize::MAX);
        tokio::select! {
            () = pump(from_server, &mut to_client, &weather, limit) => {}
            _ = half.changed() => {}
        }
        let _ = to_client.shutdown().await;
    };
    tokio::join!(up, down);
}

async fn pump(
    mut from: OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    weather: &Mutex<Weather>,
    mut left: usize,
) {
    let mut piece = vec![0; 16 << 10];
    while left > 0 {
        let Ok(len @ 1..) = from.read(&mut piece).await else { break };
        let Weather { delay, swallow, .. } = *weather.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let len = len.min(left);
        left -= len;
        if !swallow && to.write_all(&piece[..len]).await.is_err() {
            break;
        }
    }
}
