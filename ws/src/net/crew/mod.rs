//! Threads with a runtime of their own each, for who listens on more than one core.
//!
//! A connection stays on the thread that accepted it: its task, its timer and its flusher are of that thread, and nothing of a
//! message crosses to another core. Other threads reach it as ever, by its sender.

mod group;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout_at;

pub use group::Group;

/// On which threads the connections of a server live.
///
/// A thread of its own for each core keeps all of a connection there: no lock, wake-up or cache line of a message goes to
/// another core. The price: a connection stays where the system's hash has put it, so that a few busy ones may share a core
/// while another has nothing to do, and a handler that does not yield holds up all that are on its core. A runtime that all share
/// moves work to whoever is idle. Therefore it is the default; and because with it a server does not start threads of which the
/// program knows nothing.
///
/// Measured by `benches/run --only "two cores"` (`benches/runs/2026-11-28-cores`) on a machine with two, of which the generator
/// needs a part. With 55 us of work for each message `Shared` gives 1.92 times the rate of one core and `PerCore` 1.95. Echoing
/// compressed JSON of 1 KiB it is 1.50 and 1.64, which is all that the generator leaves, and `PerCore` takes 10 % less CPU for each
/// message. Broadcasts in bursts of small messages cost twice the CPU for each delivery with either, because on one core a burst
/// is collected for one write and on two it is not always.
///
/// Nothing is pinned to a core: that is left to the system, or to `taskset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Threads {
    /// On the runtime that the server is served on, with as many threads as that has.
    #[default]
    Shared,
    /// On threads of the server's own, one for each core that the process may use, each with a current-thread runtime. Handlers
    /// run there. The threads end by [`ServerHandle::shutdown`](crate::ServerHandle::shutdown), or with the last who holds the
    /// server: its future of [`serve`](crate::Server::serve), or a [`ServerHandle`](crate::ServerHandle).
    ///
    /// On Linux each thread accepts for itself (`SO_REUSEPORT`); elsewhere the first hands connections to all in turn.
    PerCore,
    /// As [`Threads::PerCore`], with so many threads; 0 is refused when the server is bound.
    Exactly(usize),
}

/// Threads with a current-thread runtime each. They end when this is dropped, and what is left on them is dropped there.
#[derive(Debug)]
pub struct Crew {
    members: Vec<Handle>,
    end: watch::Sender<bool>,
    busy: watch::Sender<()>,
}

/// Held by who wants to be waited for before the threads of a [`Crew`] end.
#[derive(Clone)]
pub struct Busy(#[expect(dead_code, reason = "it is counted")] watch::Receiver<()>);

impl Threads {
    /// Starts the threads, if there are to be some.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no thread at all, else what the system says about threads and runtimes.
    pub async fn start(self) -> io::Result<Option<Arc<Crew>>> {
        let count = match self {
            Self::Shared => return Ok(None),
            Self::PerCore => thread::available_parallelism().map_or(1, usize::from),
            Self::Exactly(0) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a server on 0 threads"));
            }
            Self::Exactly(count) => count,
        };
        Crew::start(count).await.map(|crew| Some(Arc::new(crew)))
    }
}

impl Crew {
    async fn start(count: usize) -> io::Result<Self> {
        let (end, busy) = (watch::Sender::new(false), watch::Sender::new(()));
        let mut crew = Self { members: Vec::new(), end, busy };
        for index in 0..count {
            let ((born, birth), end) = (oneshot::channel(), crew.end.subscribe());
            // A runtime may not be dropped where others run: it is made where it will end.
            thread::Builder::new().name(format!("ws-{index}")).spawn(move || live(born, end))?;
            crew.members.push(birth.await.map_err(io::Error::other)??);
        }
        Ok(crew)
    }

    /// The runtimes, one of each thread.
    #[must_use]
    pub fn members(&self) -> &[Handle] {
        &self.members
    }

    /// For a task that is not to be cut off by [`Crew::end`] before its time is over.
    #[must_use]
    pub fn busy(&self) -> Busy {
        Busy(self.busy.subscribe())
    }

    /// Ends the threads: at once if nobody is [`Busy`], else when nobody is any more, but not later than at `deadline`. What is
    /// left on them is dropped. Waits until they are gone, unless `deadline` is over: a thread that is blocked ends after that.
    pub async fn end(&self, deadline: Instant) {
        let deadline = deadline.into();
        let _ = timeout_at(deadline, self.busy.closed()).await;
        self.end.send_replace(true);
        let _ = timeout_at(deadline, self.end.closed()).await;
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

/// The life of a thread. It is over when somebody says so, or nobody is left who could.
fn live(born: oneshot::Sender<io::Result<Handle>>, mut end: watch::Receiver<bool>) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(born.send(Err(error))),
    };
    let _ = born.send(Ok(runtime.handle().clone()));
    let _ = runtime.block_on(end.wait_for(|end| *end));
    // Whatever its tasks have handed to threads for blocking work is not waited for.
    runtime.shutdown_background();
    // That all is gone is known by this last receiver.
    drop(end);
}
