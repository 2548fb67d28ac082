//! Listening for a crew.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::Crew;
use crate::net::accept::{Acceptor, Guard, Shutdown};

/// How many connections may wait to be accepted by one listener; as many as [`TcpListener::bind`] allows.
const BACKLOG: u32 = 1024;

/// Accepts TCP connections on all threads of a [`Crew`], with one limit and one end.
///
/// On Linux each thread has a listener of its own, and the system spreads connections over them by a hash of their addresses
/// (`SO_REUSEPORT`). Elsewhere that option does not spread: the first thread accepts, and hands connections to all in turn.
#[derive(Debug)]
pub struct Group {
    crew: Arc<Crew>,
    acceptors: Vec<Acceptor>,
}

impl Group {
    /// Listens on `addr`, for at most `max_connections` at a time on all threads together; further ones wait in the system's
    /// backlog.
    ///
    /// # Errors
    ///
    /// What the system says about the address; also if another process of the same user listens there for several threads.
    pub async fn bind(
        addr: impl ToSocketAddrs,
        max_connections: usize,
        crew: Arc<Crew>,
    ) -> io::Result<Self> {
        let mut error = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
        for addr in lookup_host(addr).await? {
            match listen(addr, crew.members()) {
                Ok(listeners) => return Ok(Self::new(listeners, max_connections, crew)),
                Err(refused) => error = refused,
            }
        }
        Err(error)
    }

    fn new(listeners: Vec<TcpListener>, max_connections: usize, crew: Arc<Crew>) -> Self {
        let mut acceptors: Vec<Acceptor> = Vec::with_capacity(listeners.len());
        for listener in listeners {
            acceptors.push(match acceptors.first() {
                None => Acceptor::new(listener, max_connections),
                Some(first) => first.beside(listener),
            });
        }
        Self { crew, acceptors }
    }

    /// The address that is listened on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptors[0].local_addr()
    }

    /// The handle that ends [`Group::serve`].
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.acceptors[0].shutdown()
    }

    /// The threads.
    #[must_use]
    pub const fn crew(&self) -> &Arc<Crew> {
        &self.crew
    }

    /// Hands each connection to `each`, which must not block, on the thread that the connection is for, until the shutdown
    /// begins. `TCP_NODELAY` is on.
    ///
    /// # Panics
    ///
    /// When `each` does.
    pub async fn serve(
        self,
        each: impl FnMut(TcpStream, SocketAddr, Guard) + Clone + Send + 'static,
    ) {
        let members = self.crew.members();
        let mut loops = JoinSet::new();
        if self.acceptors.len() == members.len() {
            for (acceptor, member) in self.acceptors.into_iter().zip(members) {
                loops.spawn_on(acceptor.serve(each.clone()), member);
            }
        } else {
            for acceptor in self.acceptors {
                let each = in_turn(members.to_vec(), each.clone());
                loops.spawn_on(acceptor.serve(each), &members[0]);
            }
        }
        while let Some(ended) = loops.join_next().await {
            // Else it was cut off with its thread.
            if let Some(panic) = ended.err().filter(|error| error.is_panic()) {
                std::panic::resume_unwind(panic.into_panic());
            }
        }
    }
}

/// A listener for each member, or only one where the system does not spread connections.
fn listen(addr: SocketAddr, members: &[Handle]) -> io::Result<Vec<TcpListener>> {
    let first = socket(addr)?;
    // It is bound before it agrees to share: so whoever listens there already makes it fail, and two servers that were started
    // by mistake do not split their clients.
    first.bind(addr)?;
    let shares = share(&first).is_ok();
    let mut listeners = vec![start(first, &members[0])?];
    let addr = listeners[0].local_addr()?;
    for member in members[1..].iter().take_while(|_| shares) {
        let next = socket(addr)?;
        share(&next)?;
        next.bind(addr)?;
        listeners.push(start(next, member)?);
    }
    Ok(listeners)
}

fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As TcpListener::bind does, so that a server can start again at once.
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

fn start(socket: TcpSocket, member: &Handle) -> io::Result<TcpListener> {
    let _entered = member.enter();
    socket.listen(BACKLOG)
}

#[cfg(target_os = "linux")]
fn share(socket: &TcpSocket) -> io::Result<()> {
    socket.set_reuseport(true)
}

/// Others have the option, but give all connections to one of the listeners.
#[cfg(not(target_os = "linux"))]
fn share(_: &TcpSocket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Moves each connection to the next of `members`, and calls `each` there.
fn in_turn(
    members: Vec<Handle>,
    each: impl FnMut(TcpStream, SocketAddr, Guard) + Clone + Send + 'static,
) -> impl FnMut(TcpStream, SocketAddr, Guard) {
    let mut turns = members.into_iter().cycle();
    move |stream, peer, guard| {
        let mut each = each.clone();
        let (Some(member), Ok(stream)) = (turns.next(), stream.into_std()) else { return };
        member.spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => each(stream, peer, guard),
                Err(error) => tracing::warn!(%error, "a connection could not change its thread"),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Threads;
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::Duration;

    type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

    /// On which threads so many connections are served.
    async fn spread(group: Group, connections: usize) -> BTreeMap<String, usize> {
        let (addr, shutdown) = (group.local_addr().unwrap(), group.shutdown());
        let (counts, crew) = (Counts::default(), group.crew().clone());
        let mine = counts.clone();
        let serving = tokio::spawn(group.serve(move |stream, _, guard| {
            let counts = mine.clone();
            tokio::spawn(async move {
                let _guard = guard;
                let name = std::thread::current().name().unwrap_or_default().to_owned();
                *counts.lock().unwrap().entry(name).or_default() += 1;
                let _ = stream.readable().await;
            });
        }));
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(TcpStream::connect(addr).await.unwrap());
        }
        while counts.lock().unwrap().values().sum::<usize>() < connections {
            tokio::task::yield_now().await;
        }
        shutdown.begin();
        serving.await.unwrap();
        drop(clients);
        assert_eq!(shutdown.drained(Duration::from_secs(10)).await, 0);
        drop(crew);
        Arc::into_inner(counts).map_or_else(BTreeMap::new, |counts| counts.into_inner().unwrap())
    }

    #[tokio::test]
    async fn without_listeners_for_all_the_first_thread_hands_out_in_turn() {
        let crew = Threads::Exactly(3).start().await.unwrap().unwrap();
        let listener = {
            let socket = socket("127.0.0.1:0".parse().unwrap()).unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            start(socket, &crew.members()[0]).unwrap()
        };
        let counts = spread(Group::new(vec![listener], 1000, crew), 30).await;
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10]);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn with_a_listener_each_the_system_spreads_over_all_threads() {
        let crew = Threads::Exactly(3).start().await.unwrap().unwrap();
        let group = Group::bind("127.0.0.1:0", 1000, crew).await.unwrap();
        assert_eq!(group.acceptors.len(), 3);
        let counts = spread(group, 300).await;
        // By a hash: 100 each on average, and less than 50 once in 10^9 runs.
        assert!(counts.len() == 3 && counts.values().all(|&count| count > 50), "{counts:?}");
    }
}
