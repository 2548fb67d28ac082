//! A byte stream of any kind behind one type, and its two halves.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

/// A byte stream: TCP and Unix sockets as they are, anything else boxed.
///
/// One type instead of a type parameter, so that a WebSocket over it is one type too; the kind is looked at once per read or
/// write, not once per message.
#[derive(Debug)]
pub enum Stream {
    /// A TCP socket, with the address of the peer.
    Tcp(TcpStream, Option<SocketAddr>),
    /// A Unix socket.
    Unix(UnixStream),
    /// Anything else: TLS, a pipe in memory, a tunnel; with the address of the peer, if it stands on TCP.
    Other(Box<dyn Duplex>, Option<SocketAddr>),
}

/// What [`Stream::new`] takes.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

impl fmt::Debug for dyn Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Duplex")
    }
}

/// Puts an accepted stream under another layer, such as TLS, before anything else is said on it.
pub trait Secure: fmt::Debug + Send + Sync + 'static {
    /// The server's side of that layer's own handshake. Its deadline is the caller's.
    fn secure(&self, stream: Stream) -> Securing<'_>;
}

/// What [`Secure::secure`] returns.
pub type Securing<'a> = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send + 'a>>;

impl Stream {
    /// A stream of any kind. TCP and Unix sockets are better converted with `From`.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self::Other(Box::new(stream), None)
    }

    /// The address of the peer, if this is TCP or stands on it.
    #[must_use]
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(_, peer_addr) | Self::Other(_, peer_addr) => *peer_addr,
            Self::Unix(_) => None,
        }
    }

    /// The stream in two halves. Those of sockets share no lock.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Self::Tcp(stream, _) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Tcp(read), WriteHalf::Tcp(write))
            }
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Unix(read), WriteHalf::Unix(Box::new(write)))
            }
            Self::Other(stream, _) => {
                let (read, write) = tokio::io::split(stream);
                (ReadHalf::Other(read), WriteHalf::Other(write))
            }
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        let peer_addr = stream.peer_addr().ok();
        Self::Tcp(stream, peer_addr)
    }
}

/// As it is accepted, which saves asking for the address.
impl From<(TcpStream, SocketAddr)> for Stream {
    fn from((stream, peer_addr): (TcpStream, SocketAddr)) -> Self {
        Self::Tcp(stream, Some(peer_addr))
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

/// The half of a [`Stream`] that is read.
#[derive(Debug)]
pub enum ReadHalf {
    /// Of a TCP socket.
    Tcp(tcp::OwnedReadHalf),
    /// Of a Unix socket.
    Unix(unix::OwnedReadHalf),
    /// Of anything else.
    Other(tokio::io::ReadHalf<Box<dyn Duplex>>),
}

/// The half of a [`Stream`] that is written.
#[derive(Debug)]
pub enum WriteHalf {
    /// Of a TCP socket.
    Tcp(tcp::OwnedWriteHalf),
    /// Of a Unix socket. Boxed: a connection by TCP need not have the room.
    Unix(Box<unix::OwnedWriteHalf>),
    /// Of anything else.
    Other(tokio::io::WriteHalf<Box<dyn Duplex>>),
}

impl WriteHalf {
    /// Writes what a socket takes without waiting. `None` if this is no socket.
    #[must_use]
    pub fn try_write(&self, bytes: &[u8]) -> Option<io::Result<usize>> {
        match self {
            Self::Tcp(half) => Some(half.try_write(bytes)),
            Self::Unix(half) => Some(half.try_write(bytes)),
            Self::Other(_) => None,
        }
    }
}

/// Calls a method of `AsyncRead` or `AsyncWrite` on whatever is inside.
macro_rules! delegate {
    ($self:ident, $type:ident, $inner:ident => $call:expr) => {
        match $self.get_mut() {
            $type::Tcp($inner, ..) => $call,
            $type::Unix($inner) => $call,
            $type::Other($inner, ..) => $call,
        }
    };
}

macro_rules! impl_read {
    ($type:ident) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                delegate!(self, $type, inner => Pin::new(inner).poll_read(cx, buf))
            }
        }
    };
}

macro_rules! impl_write {
    ($type:ident) => {
        impl AsyncWrite for $type {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                delegate!(self, $type, inner => Pin::new(inner).poll_write(cx, buf))
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                delegate!(self, $type, inner => Pin::new(inner).poll_write_vectored(cx, bufs))
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    Self::Tcp(inner, ..) => inner.is_write_vectored(),
                    Self::Unix(inner) => inner.is_write_vectored(),
                    Self::Other(inner, ..) => inner.is_write_vectored(),
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                delegate!(self, $type, inner => Pin::new(inner).poll_flush(cx))
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                delegate!(self, $type, inner => Pin::new(inner).poll_shutdown(cx))
            }
        }
    };
}

impl_read!(Stream);
impl_read!(ReadHalf);
impl_write!(Stream);
impl_write!(WriteHalf);
