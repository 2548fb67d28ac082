//! A server on threads of its own, and who watches those threads.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use ws::{Context, Handler, Payload, Sender, Server, ServerConfig, ServerHandle, Threads};

/// Nothing here takes so long, however busy the machine is.
pub const LONG: Duration = Duration::from_secs(30);

/// The tests take turns: some look at what the whole process has.
pub static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

thread_local! {
    /// Dropped when the thread ends.
    static ALIVE: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) };
}

/// What the handlers saw.
#[derive(Clone)]
pub struct Seen {
    pub senders: Arc<Mutex<Vec<Sender>>>,
    pub threads: Arc<Mutex<HashSet<ThreadId>>>,
    alive: mpsc::WeakSender<()>,
}

impl Seen {
    pub fn open(&self, sender: Sender) {
        self.senders.lock().unwrap().push(sender);
        self.threads.lock().unwrap().insert(thread::current().id());
        ALIVE.with_borrow_mut(|alive| *alive = alive.take().or_else(|| self.alive.upgrade()));
    }
}

/// Is called; echoes, says where it is, or panics.
pub struct Push(pub Seen);

impl Handler for Push {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        self.0.open(socket.sender());
    }

    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        assert!(message.as_text() != Some("panic"), "as it was asked to");
        let _ = match message.as_text() {
            Some("where") => socket.text(&here()),
            _ => socket.send_payload(&message),
        };
    }
}

/// Asks, and does the same.
pub async fn pull(mut socket: ws::WebSocket, seen: Seen) -> Result<(), ws::Error> {
    seen.open(socket.sender());
    while let Some(message) = socket.recv().await? {
        assert!(message.as_text() != Some("panic"), "as it was asked to");
        let _ = match message.as_text() {
            Some("where") => socket.send(here()).await,
            _ => socket.send(message).await,
        };
    }
    Ok(())
}

fn here() -> String {
    format!("{:?}", thread::current().id())
}

pub struct Rig {
    pub addr: SocketAddr,
    pub handle: ServerHandle,
    pub serving: JoinHandle<()>,
    pub seen: Seen,
    ended: Ended,
}

/// Tells when no thread that served a connection is left, nor anybody who serves.
pub struct Ended(mpsc::Receiver<()>);

/// Serves `Push` or `pull` on so many threads.
pub async fn rig(threads: usize, push: bool) -> Rig {
    rig_with(threads, push, |_| {}).await
}

pub async fn rig_with(threads: usize, push: bool, adapt: impl FnOnce(&mut ServerConfig)) -> Rig {
    let mut config = ServerConfig::default();
    config.threads = Threads::Exactly(threads);
    adapt(&mut config);
    let server = Server::bind_with("127.0.0.1:0", config).await.unwrap();
    serve(server, push)
}

pub fn serve(server: Server, push: bool) -> Rig {
    let (alive, ended) = mpsc::channel(1);
    let (addr, handle) = (server.local_addr().unwrap(), server.handle());
    let (senders, threads) = (Arc::default(), Arc::default());
    let seen = Seen { senders, threads, alive: alive.downgrade() };
    let serves = seen.clone();
    let serving = tokio::spawn(async move {
        // Held until the first thread has one of its own, and no longer than the server is served.
        let _alive = alive;
        match push {
            true => server.serve_with(move |_| Push(serves.clone())).await,
            false => server.serve(async move |socket| pull(socket, serves).await).await,
        }
    });
    Rig { addr, handle, serving, seen, ended: Ended(ended) }
}

impl Rig {
    pub async fn connect(&self) -> ws::WebSocket {
        timeout(LONG, self.try_connect()).await.unwrap().unwrap()
    }

    pub async fn try_connect(&self) -> Result<ws::WebSocket, ws::ConnectError> {
        connect(self.addr).await
    }

    /// So many connections, each of which has got an answer.
    pub async fn connect_many(&self, count: usize) -> Vec<ws::WebSocket> {
        let mut sockets = Vec::new();
        for _ in 0..count {
            let mut socket = self.connect().await;
            assert_eq!(ask(&mut socket, "hello").await.as_deref(), Some("hello"));
            sockets.push(socket);
        }
        sockets
    }

    pub async fn threads_gone(&mut self) {
        self.ended.wait().await;
    }

    pub fn threads_alive(&mut self) -> bool {
        matches!(self.ended.0.try_recv(), Err(mpsc::error::TryRecvError::Empty))
    }

    /// Only who watches is left.
    pub fn without_handle(self) -> Ended {
        self.ended
    }
}

impl Ended {
    pub async fn wait(&mut self) {
        assert_eq!(timeout(LONG, self.0.recv()).await, Ok(None), "the threads end");
    }
}

pub async fn connect(addr: SocketAddr) -> Result<ws::WebSocket, ws::ConnectError> {
    ws::connect(&format!("ws://{addr}")).await
}

/// The answer to a message; `None` if the connection has ended.
pub async fn ask(socket: &mut ws::WebSocket, message: &str) -> Option<String> {
    timeout(LONG, async {
        socket.send(message).await.ok()?;
        let answer = socket.recv().await.ok()??;
        Some(answer.as_text()?.to_owned())
    })
    .await
    .expect("an answer in time")
}
