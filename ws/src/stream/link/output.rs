//! The sending half of the protocol with the byte stream that it is written to.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use tokio::io::AsyncWrite;

use crate::net::WriteHalf;
use crate::proto::Transmitter;
use crate::stream::buffers;

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

    /// Gives an empty outbox the buffer of this thread, so that it need not allocate one.
    pub(super) fn lend_buffer(&mut self) {
        let outbox = self.transmitter.outbox_mut();
        if outbox.is_empty()
            && let Some(unused) = outbox.lend(buffers::take_write_buffer())
        {
            buffers::give_write_buffer(unused);
        }
    }

    /// Takes the buffer of an outbox that is empty: an idle connection owns none.
    pub(super) fn reclaim_buffer(&mut self) {
        if let Some(buffer) = self.transmitter.outbox_mut().reclaim() {
            buffers::give_write_buffer(buffer);
        }
    }

    /// Writes as much as the byte stream takes.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
