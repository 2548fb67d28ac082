//! The sending half of the protocol with the byte stream that it is written to.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Buf;
use tokio::io::AsyncWrite;

use super::Link;
use crate::net::WriteHalf;
use crate::proto::{NotOpen, Outgoing, Transmitter};
use crate::stream::buffers;

/// Up to this length one write is likely to be enough.
const AT_ONCE: usize = 32 * 1024;
/// Pieces that leave by one vectored write.
const PIECES: usize = 64;

pub(super) struct Output {
    pub(super) transmitter: Transmitter,
    /// Gone once the connection is let go of.
    pub(super) io: Option<WriteHalf>,
    /// End our side of the byte stream once the outbox is empty.
    pub(super) shutdown: bool,
}

impl Output {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.transmitter.outbox().len()
    }

    /// Puts a message into the outbox.
    pub(super) fn send(&mut self, outgoing: Outgoing<'_>) -> Result<(), NotOpen> {
        if !self.transmitter.is_open() {
            return Err(NotOpen);
        }
        self.lend_outbox();
        self.transmitter.send(outgoing)
    }

    /// Sees to it that there is an outbox, so that none need be allocated.
    pub(super) fn lend_outbox(&mut self) {
        if !self.transmitter.has_outbox()
            && let Some(unused) = self.transmitter.lend_outbox(buffers::take_outbox())
        {
            buffers::give_outbox(unused);
        }
    }

    /// Takes an outbox that is empty: an idle connection owns none.
    pub(super) fn reclaim_outbox(&mut self) {
        if let Some(outbox) = self.transmitter.reclaim_outbox() {
            buffers::give_outbox(outbox);
        }
    }

    /// Writes as much as the byte stream takes. `link` is told when it takes more.
    pub(super) fn poll_flush(&mut self, link: &Arc<Link>) -> Poll<io::Result<()>> {
        if let Some(done) = self.flush_at_once() {
            return Poll::Ready(done);
        }
        let waker = Waker::from(link.clone());
        self.poll_flush_with(&mut Context::from_waker(&waker))
    }

    /// What most flushes are: a single write that a socket takes whole, for which nobody need be woken.
    fn flush_at_once(&mut self) -> Option<io::Result<()>> {
        let io = self.io.as_ref()?;
        let outbox = self.transmitter.outbox();
        let first = outbox.chunk();
        if first.len() != outbox.len() || first.len() > AT_ONCE || self.shutdown {
            return None;
        }
        if first.is_empty() {
            return matches!(io, WriteHalf::Tcp(_) | WriteHalf::Unix(_)).then_some(Ok(()));
        }
        match io.try_write(first)? {
            Ok(0) => Some(Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => {
                let is_all = count == first.len();
                self.transmitter.handle_written(count);
                // What was blocked may have had a pong to add.
                (is_all && self.len() == 0).then_some(Ok(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn poll_flush_with(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(())) };
        let mut io = Pin::new(io);
        while !self.transmitter.outbox().is_empty() {
            let written = {
                let outbox = self.transmitter.outbox();
                let first = outbox.chunk();
                if first.len() == outbox.len() || !io.is_write_vectored() {
                    io.as_mut().poll_write(cx, first)
                } else {
                    let mut pieces = [IoSlice::new(&[]); PIECES];
                    let count = outbox.chunks_vectored(&mut pieces);
                    io.as_mut().poll_write_vectored(cx, &pieces[..count])
                }
            };
            match written {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.transmitter.handle_written(count),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.transmitter.handle_blocked();
                    return Poll::Pending;
                }
            }
        }
        if let WriteHalf::Other(_) = &*io {
            std::task::ready!(io.as_mut().poll_flush(cx))?;
        }
        if self.shutdown {
            // Whether the peer still takes it no longer matters: all was said.
            if io.as_mut().poll_shutdown(cx).is_ready() {
                self.shutdown = false;
            }
        }
        Poll::Ready(Ok(()))
    }
}
