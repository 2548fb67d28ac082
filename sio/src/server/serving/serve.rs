//! From a TCP address to sessions: the listener of a server of its own.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::time::timeout;
use ws::net::{Acceptor, Guard, Secure};

use crate::engine::server::{Fallback, Remote, Site, body};
use crate::server::Io;

/// All that a client hears whose address has too many connections.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

impl Io {
    /// Serves on a TCP address until [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// What the system says about the address.
    pub async fn listen(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        self.bind(addr).await?.serve().await;
        Ok(())
    }

    /// Listens on a TCP address, and serves once told so: to know the port, to drop privileges before, or for [`Listening::secure`] and
    /// [`Listening::with`]. One server may listen on many addresses.
    ///
    /// # Errors
    /// What the system says about the address.
    pub async fn bind(&self, addr: impl ToSocketAddrs) -> io::Result<Listening> {
        Ok(self.on_listener(TcpListener::bind(addr).await?))
    }

    /// As [`bind`](Self::bind), with a listener that exists already.
    #[must_use]
    pub fn on_listener(&self, listener: TcpListener) -> Listening {
        let acceptor = Acceptor::new(listener, self.config().max_connections);
        self.listeners().push(acceptor.shutdown());
        Listening { io: self.clone(), others: Vec::new(), acceptor, secure: None }
    }

    /// Answers the HTTP requests that are not for Socket.IO, such as the page of the client. Without it they get a 404.
    ///
    /// ```no_run
    /// # let io = sio::server::Io::new();
    /// io.fallback(async |request| match request.uri().path() {
    ///     "/" => http::Response::new("<h1>Hello</h1>"),
    ///     _ => http::Response::builder().status(404).body("not found").expect("a valid response"),
    /// });
    /// ```
    pub fn fallback<F, Fut, B>(&self, answer: F)
    where
        F: FnOnce(Request<Incoming>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<B>> + Send + 'static,
        B: Into<Bytes>,
    {
        self.set_fallback(Arc::new(move |request| {
            let answered = answer.clone()(request);
            Box::pin(async move { answered.await.map(body) })
        }));
    }
}

/// A server that listens but does not serve yet.
pub struct Listening {
    io: Io,
    others: Vec<Io>,
    acceptor: Acceptor,
    secure: Option<Arc<dyn Secure>>,
}

impl Listening {
    /// The address, with the port that the system has chosen.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.local_addr()
    }

    /// Serves over TLS, by a [`TlsAcceptor`](ws::net::TlsAcceptor) (feature `tls`): then nothing is served in the clear. Its handshake
    /// must be over within [`Config::header_timeout`](crate::engine::Config::header_timeout).
    #[must_use]
    pub fn secure(mut self, secure: impl Secure) -> Self {
        self.secure = Some(Arc::new(secure));
        self
    }

    /// Serves another server, too, which should have another [`path`](crate::engine::Config::path). The settings for HTTP, the limits
    /// on connections and the fallback are those of the server that listens, and it ends with that one's shutdown.
    #[must_use]
    pub fn with(mut self, other: &Io) -> Self {
        self.others.push(other.clone());
        self
    }

    /// Serves until [`Io::shutdown`].
    pub async fn serve(self) {
        let Self { io, others, acceptor, secure } = self;
        let engines = std::iter::once(&io).chain(&others).map(|io| io.engine().clone()).collect();
        let fallback: Fallback = {
            let io = io.clone();
            Arc::new(move |request| io.get_fallback()(request))
        };
        let site = Site::with_engines(engines, fallback);
        acceptor
            .serve(|stream, peer, guard| {
                let Some(door) = io.engine().admit_connection(peer.ip()) else {
                    return turn_away(&stream, secure.is_some());
                };
                let place = (guard, door);
                match &secure {
                    None => {
                        let remote = Remote { addr: Some(peer), secure: false };
                        tokio::spawn(site.clone().serve_connection(stream, remote, place))
                    }
                    Some(secure) => tokio::spawn(serve_securely(
                        site.clone(),
                        secure.clone(),
                        stream,
                        peer,
                        place,
                    )),
                };
            })
            .await;
    }
}

async fn serve_securely<D: Send + Sync + 'static>(
    site: Site,
    secure: Arc<dyn Secure>,
    stream: TcpStream,
    peer: SocketAddr,
    place: (Guard, D),
) {
    let remote = Remote { addr: Some(peer), secure: true };
    match timeout(site.handshake_timeout(), secure.secure(stream.into())).await {
        Ok(Ok(stream)) => Box::pin(site.serve_connection(stream, remote, place)).await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "TLS handshake"),
        // There is nobody to say anything to.
        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

/// Over TLS there is no telling without the work of a handshake.
fn turn_away(stream: &TcpStream, is_secure: bool) {
    tracing::debug!("connection refused: its address has too many");
    if !is_secure {
        let _ = stream.try_write(TOO_MANY);
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("acceptor", &self.acceptor)
            .field("is_secure", &self.secure.is_some())
            .finish_non_exhaustive()
    }
}
