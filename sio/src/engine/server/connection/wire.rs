//! A byte stream with what was read of it before, for hyper to read again.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws::net::Stream;

/// A byte stream between two exchanges, or under one.
pub(in crate::engine::server) struct Wire {
    pub(super) stream: Stream,
    /// Read, and still to be looked at.
    pub(super) unread: Bytes,
    /// The last write found no room. Shared with whoever watches.
    blocked: Arc<AtomicBool>,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, unread: Bytes::new(), blocked: Arc::default() }
    }

    pub(super) fn blocked(&self) -> Arc<AtomicBool> {
        self.blocked.clone()
    }

    /// With what hyper has read and not used.
    pub(super) fn push_front(mut self, read: &[u8]) -> Self {
        // A copy of its own, or else all of hyper's buffer would be kept.
        let mut unread = BytesMut::with_capacity(read.len() + self.unread.len());
        unread.extend_from_slice(read);
        unread.extend_from_slice(&self.unread);
        self.unread = unread.freeze();
        self
    }

    /// The stream, and what was read of it and not used.
    pub(in crate::engine::server) fn into_parts(self, read: &[u8]) -> (Stream, Bytes) {
        let Self { stream, unread, .. } = self.push_front(read);
        (stream, unread)
    }

    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        self.blocked.store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.unread.len().min(buf.remaining());
        buf.put_slice(&self.unread[..length]);
        self.unread.advance(length);
        if self.unread.is_empty() {
            self.unread = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.note(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
