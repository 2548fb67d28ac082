//! A byte stream in memory, that gives the same bytes again and again and counts what is written.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

thread_local! {
    static READS: Cell<u64> = const { Cell::new(0) };
    static WRITES: Cell<u64> = const { Cell::new(0) };
}

/// Reads that gave something, of all wires of this thread.
pub(crate) fn reads() -> u64 {
    READS.get()
}

/// Writes, of all wires of this thread.
pub(crate) fn writes() -> u64 {
    WRITES.get()
}

/// Our end of a connection; the peer's is [`Peer`].
pub(crate) struct Wire(Arc<Mutex<State>>);

/// Who sends always the same, and waits for so many bytes in return.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Mutex<State>>);

struct State {
    /// What the peer sends at once.
    turn: Vec<u8>,
    /// How much of the turn was read, and how many more turns there are.
    read: usize,
    turns: u64,
    /// A turn was read: there is no more before the reader has asked once more.
    paused: bool,
    reader: Option<Waker>,
    /// Bytes that the peer still waits for.
    expected: u64,
    peer: Option<Waker>,
}

/// A connection whose peer sends `turn`.
pub(crate) fn wire(turn: Vec<u8>) -> (Wire, Peer) {
    let state =
        State { turn, read: 0, turns: 0, paused: false, reader: None, expected: 0, peer: None };
    let state = Arc::new(Mutex::new(state));
    (Wire(state.clone()), Peer(state))
}

impl Peer {
    /// Sends so many turns, and waits for `expected` bytes.
    pub(crate) fn start(&self, turns: u64, expected: u64) {
        let mut state = self.0.lock().unwrap();
        assert_eq!((state.turns, state.expected), (0, 0), "it waits already");
        (state.turns, state.expected) = (turns, expected);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// Has all that it waits for.
    pub(crate) async fn done(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if state.expected == 0 && state.turns == 0 {
                return Poll::Ready(());
            }
            state.peer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        if state.turns == 0 {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if std::mem::take(&mut state.paused) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        READS.set(READS.get() + 1);
        let count = buf.remaining().min(state.turn.len() - state.read);
        buf.put_slice(&state.turn[state.read..state.read + count]);
        state.read += count;
        if state.read == state.turn.len() {
            (state.read, state.paused) = (0, true);
            state.turns -= 1;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        WRITES.set(WRITES.get() + 1);
        let count = bufs.iter().map(|buf| buf.len()).sum::<usize>();
        let mut state = self.0.lock().unwrap();
        state.expected = state
            .expected
            .checked_sub(count as u64)
            .expect("no more is written than the peer expects");
        if state.expected == 0
            && let Some(peer) = state.peer.take()
        {
            peer.wake();
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
