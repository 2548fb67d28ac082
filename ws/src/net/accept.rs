//! The accept loop: a limit on connections, and an end that lets them finish.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How long the loop rests when the system has no file descriptors or memory left.
const REST: Duration = Duration::from_millis(100);

/// Accepts TCP connections.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    limit: Arc<Semaphore>,
    shutdown: Shutdown,
}

/// One place among the connections of an [`Acceptor`]: to be held for as long as the connection lives.
#[derive(Debug)]
pub struct Guard {
    _place: OwnedSemaphorePermit,
    _live: watch::Receiver<bool>,
}

/// Ends an [`Acceptor`], and waits for its connections.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Acceptor {
    /// Listens on `addr`, for at most `max_connections` at a time; further ones wait in the system's backlog.
    ///
    /// # Errors
    ///
    /// What the system says about the address.
    pub async fn bind(addr: impl ToSocketAddrs, max_connections: usize) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(addr).await?, max_connections))
    }

    /// Accepts from a listener that exists already.
    #[must_use]
    pub fn new(listener: TcpListener, max_connections: usize) -> Self {
        let limit = max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            limit: Arc::new(Semaphore::new(limit)),
            shutdown: Shutdown(Arc::new(watch::Sender::new(false))),
        }
    }

    /// Another listener with the same limit and the same end.
    pub(super) fn beside(&self, listener: TcpListener) -> Self {
        Self { listener, limit: self.limit.clone(), shutdown: self.shutdown.clone() }
    }

    /// The address that is listened on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The handle that ends [`Acceptor::serve`].
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Hands each connection to `each`, which must not block, until the shutdown begins, and those that the system has let in by then.
    /// `TCP_NODELAY` is on.
    pub async fn serve(self, mut each: impl FnMut(TcpStream, SocketAddr, Guard)) {
        let mut begun = self.shutdown.0.subscribe();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                _ = begun.wait_for(|begun| *begun) => break,
            };
            match accepted {
                Ok((stream, peer, guard)) => each(stream, peer, guard),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        // Who was let in by the system before the end would be reset, perhaps in the middle of a request.
        let Self { listener, limit, shutdown } = self;
        let Ok(listener) = listener.into_std() else { return };
        while let Ok(place) = limit.clone().try_acquire_owned()
            && let Ok((stream, peer)) = listener.accept()
        {
            match stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                Ok(stream) => {
                    let guard = shutdown.guard(place, &stream);
                    each(stream, peer, guard);
                }
                Err(error) => tracing::debug!(%error, "accepted at the end"),
            }
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, Guard)> {
        let (place, accepted) = loop {
            let place = self.limit.clone().acquire_owned().await.map_err(io::Error::other)?;
            match poll_fn(|cx| Poll::Ready(self.listener.poll_accept(cx))).await {
                Poll::Ready(accepted) => break (place, accepted),
                // No place is kept while nobody comes: it may be the last, and somebody come to another listener.
                Poll::Pending => drop(place),
            }
            woken().await;
        };
        let (stream, peer) = accepted?;
        let guard = self.shutdown.guard(place, &stream);
        Ok((stream, peer, guard))
    }
}

impl Shutdown {
    /// The place of a connection that was just accepted.
    fn guard(&self, place: OwnedSemaphorePermit, stream: &TcpStream) -> Guard {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        Guard { _place: place, _live: self.0.subscribe() }
    }

    /// Stops accepting.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether [`Shutdown::begin`] was called.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until every connection is gone, but not for longer than `deadline`; returns how many are left.
    pub async fn drained(&self, deadline: Duration) -> usize {
        let _ = tokio::time::timeout(deadline, self.0.closed()).await;
        self.0.receiver_count()
    }
}

/// Waits for the next time that the task is woken, by whatever was polled before.
async fn woken() {
    let mut waited = false;
    poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// An error that says something about the connection that was to be accepted, not about the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
