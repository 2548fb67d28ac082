//! The client for programs without tokio: the same socket, driven by a thread of its own. Feature `blocking`.
//!
//! ```no_run
//! use sio::client::Client;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let socket = Client::builder("http://127.0.0.1:3000").connect_blocking()?;
//! socket.on("chat message", |text: String| tracing::info!(text));
//! let sum: i64 = socket.emit_with_ack("add", (2, 3))?;
//! assert_eq!(sum, 5);
//! while let Some(event) = socket.next() {
//!     tracing::info!(name = event.name(), "an event that no handler takes");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! None of it may be called from asynchronous code: it panics there, as `tokio::runtime::Handle::block_on` does.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{
    Builder, ConnectError, Data, DisconnectReason, EmitError, IntoReply, Received,
    Socket as Asynchronous,
};
use crate::emitter::ListenerId;
use crate::handler::{Emits, Typed, TypedEvent};

/// How long the thread goes on after the last socket, so that what was sent leaves.
const LINGER: Duration = Duration::from_secs(5);

impl Builder {
    /// As [`connect`](Self::connect), for a program without tokio: blocks until the server has let the client in.
    ///
    /// # Errors
    /// As `connect`.
    ///
    /// # Panics
    /// When called from asynchronous code, or when the system gives no thread.
    pub fn connect_blocking(self) -> Result<Socket, ConnectError> {
        let thread = Arc::new(Thread::start());
        let socket = thread.handle.block_on(self.connect())?;
        Ok(Socket { socket: Some(socket), thread })
    }
}

/// One namespace of one connection, as [`client::Socket`](Asynchronous). The namespace is left when this is dropped.
pub struct Socket {
    /// Taken only when this is dropped.
    socket: Option<Asynchronous>,
    thread: Arc<Thread>,
}

impl Socket {
    /// The socket below, for all that does not wait.
    pub fn get(&self) -> &Asynchronous {
        self.socket.as_ref().expect("it is there until this is dropped")
    }

    /// As [`client::Socket::on`](Asynchronous::on), with a plain function of the event's arguments, which runs on the connection's
    /// thread: while it blocks, nothing else comes in. What it returns is the answer.
    pub fn on<T, R, M>(
        &self,
        event: impl Into<Cow<'static, str>>,
        handler: impl Fn(T) -> R + Send + Sync + 'static,
    ) -> ListenerId
    where
        T: DeserializeOwned + Send + 'static,
        R: IntoReply<M> + Send + 'static,
        M: 'static,
    {
        let handler = Arc::new(handler);
        self.get().on(event, async move |Data(data): Data<T>| handler(data))
    }

    /// Sends an event, as [`client::Socket::emit`](Asynchronous::emit). Never blocks.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.get().emit(event, data)
    }

    /// Sends an event as soon as there is room for it, as [`client::Socket::send`](Asynchronous::send).
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    pub fn send(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.thread.handle.block_on(self.get().send(event, data))
    }

    /// Sends an event and waits for the answer, as [`client::Socket::emit_with_ack`](Asynchronous::emit_with_ack).
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn emit_with_ack<T>(&self, event: &str, data: impl Serialize) -> Result<T, EmitError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.thread.handle.block_on(self.get().emit_with_ack(event, data))
    }

    /// The socket as far as this typed event goes, as [`client::Socket::event`](Asynchronous::event): to send it. Handlers are
    /// [`on`](Self::on), or those of [`get`](Self::get).
    pub fn event<E: TypedEvent>(&self, _event: E) -> Typed<&Self, E> {
        Typed::new(self)
    }

    /// Waits for the next event that no handler takes, as [`client::Socket::next`](Asynchronous::next).
    #[must_use]
    pub fn next(&self) -> Option<Received> {
        self.thread.handle.block_on(self.get().next())
    }

    /// As [`next`](Self::next), but gives up after `timeout`: `Err` then.
    ///
    /// # Errors
    /// [`TimedOut`].
    pub fn next_timeout(&self, timeout: Duration) -> Result<Option<Received>, TimedOut> {
        let next = async { tokio::time::timeout(timeout, self.get().next()).await };
        self.thread.handle.block_on(next).map_err(|_| TimedOut)
    }

    /// Joins another namespace on the same connection.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn namespace(&self, name: impl Into<String>) -> Result<Self, ConnectError> {
        let socket = self.thread.handle.block_on(self.get().namespace(name).connect())?;
        Ok(Self { socket: Some(socket), thread: self.thread.clone() })
    }

    /// Waits for the end of the socket, as [`client::Socket::closed`](Asynchronous::closed).
    pub fn closed(&self) -> DisconnectReason {
        self.thread.handle.block_on(self.get().closed())
    }

    /// Leaves the namespace; if it was the last of the connection, returns once what was sent has left, or after five seconds.
    pub fn disconnect(mut self) {
        self.get().disconnect();
        drop(self.socket.take());
        if let Some(thread) = Arc::get_mut(&mut self.thread) {
            thread.join();
        }
    }
}

impl Emits for &Socket {
    type Answer<T: Send + 'static> = Result<T, EmitError>;

    fn emit_named(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.emit(event, data)
    }

    fn ask_named<T>(&self, event: &str, data: impl Serialize) -> Result<T, EmitError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.emit_with_ack(event, data)
    }
}

/// Nothing came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing came in time")
    }
}

impl std::error::Error for TimedOut {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.socket, f)
    }
}

/// Drives one connection. Ends when the last of its sockets has been dropped.
struct Thread {
    handle: Handle,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Option<JoinHandle<()>>,
}

impl Thread {
    fn start() -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system gives what a runtime needs");
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            runtime.block_on(async {
                // Dropped with the last socket, if it is not sent.
                let _ = stopped.await;
                linger().await;
            });
        };
        let thread = std::thread::Builder::new().name("sio-client".to_owned()).spawn(work);
        let thread = Some(thread.expect("the system gives a thread"));
        Self { handle, stop: Mutex::new(Some(stop)), thread }
    }

    /// Ends the thread and waits for it.
    fn join(&mut self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.take() {
            // It panics only if a handler of the wheel does, and then it has ended, too.
            let _ = thread.join();
        }
    }
}

/// Until all tasks but the one of the wheel have ended.
async fn linger() {
    let (metrics, until) = (Handle::current().metrics(), Instant::now() + LINGER);
    while metrics.num_alive_tasks() > 1 && Instant::now() < until {
        sleep(Duration::from_millis(5)).await;
    }
}
