//! A byte stream in memory that does what byte streams may do.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use arbitrary::Arbitrary;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What the byte stream of one end does, call by call, from the first again after the last.
#[derive(Debug, Arbitrary, Clone)]
pub(super) struct Schedule {
    reads: Vec<u8>,
    writes: Vec<u8>,
    is_vectored: bool,
    fault: Option<Fault>,
}

/// Something breaks once so many bytes have passed.
#[derive(Debug, Arbitrary, Clone, Copy)]
struct Fault {
    kind: FaultKind,
    after: u16,
}

#[derive(Debug, Arbitrary, Clone, Copy, PartialEq, Eq)]
enum FaultKind {
    ReadError,
    /// The peer's side ends although it did not end it.
    Eof,
    WriteError,
    WriteZero,
    /// Takes no more, for ever.
    WriteStuck,
    ShutdownError,
    ShutdownStuck,
}

impl Schedule {
    pub(super) const fn forget_fault(&mut self) {
        self.fault = None;
    }
}

/// Every byte that went one way.
pub(super) type Log = Arc<Mutex<Pipe>>;

/// One way.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Nothing follows.
    ended: bool,
    /// Nobody reads any more.
    gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    pub(super) all: Vec<u8>,
}

/// One direction of one end.
#[derive(Debug, Default)]
struct Lane {
    plan: Vec<u8>,
    next: usize,
    passed: usize,
    refused: u8,
    /// And how many bytes may pass after it.
    delay: Option<(Pin<Box<Sleep>>, usize)>,
}

#[derive(Debug)]
pub(super) struct End {
    incoming: Log,
    outgoing: Log,
    reads: Lane,
    writes: Lane,
    is_vectored: bool,
    /// Something was written since the last flush.
    is_dirty: bool,
    fault: Option<Fault>,
}

/// The two ends of a byte stream.
pub(super) fn pair(a: &Schedule, b: &Schedule, capacity: usize) -> (End, End) {
    let pipe = || Arc::new(Mutex::new(Pipe { capacity, ..Pipe::default() }));
    let (up, down) = (pipe(), pipe());
    (End::new(a, down.clone(), up.clone()), End::new(b, up, down))
}

impl Lane {
    fn new(plan: &[u8]) -> Self {
        Self { plan: plan.to_vec(), ..Self::default() }
    }

    /// How many bytes may pass now.
    fn poll_gate(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        if let Some((delay, count)) = &mut self.delay {
            ready!(delay.as_mut().poll(cx));
            let count = *count;
            self.delay = None;
            return Poll::Ready(count);
        }
        let Some(action) = self.plan.get(self.next % self.plan.len().max(1)) else {
            return Poll::Ready(usize::MAX);
        };
        self.next += 1;
        let small = usize::from(action & 0x3F) + 1;
        // Big streams in small pieces would take too long.
        let least = self.passed / 500;
        match action >> 5 {
            0 | 1 => Poll::Ready(small.max(least)),
            2 | 3 => Poll::Ready((small * 50).max(least)),
            4 | 5 => Poll::Ready(usize::MAX),
            // Ready again at once, but not always.
            6 if self.refused < 3 => {
                self.refused += 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            6 => {
                self.refused = 0;
                Poll::Ready(small.max(least))
            }
            _ => {
                let time = Duration::from_millis(u64::from(action & 0x1F) * 20);
                self.delay = Some((Box::pin(sleep(time)), small.max(least)));
                self.poll_gate(cx)
            }
        }
    }
}

impl End {
    fn new(schedule: &Schedule, incoming: Log, outgoing: Log) -> Self {
        Self {
            incoming,
            outgoing,
            reads: Lane::new(&schedule.reads),
            writes: Lane::new(&schedule.writes),
            is_vectored: schedule.is_vectored,
            is_dirty: false,
            fault: schedule.fault,
        }
    }

    pub(super) fn written(&self) -> Log {
        self.outgoing.clone()
    }

    /// The fault that has come by the time that so many bytes have passed, and how many may still pass before it.
    fn fault(&self, kinds: &[FaultKind], passed: usize) -> (Option<FaultKind>, usize) {
        match self.fault {
            Some(fault) if kinds.contains(&fault.kind) => {
                let left = usize::from(fault.after).saturating_sub(passed);
                (Some(fault.kind).filter(|_| left == 0), left)
            }
            _ => (None, usize::MAX),
        }
    }

    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        use FaultKind::{WriteError, WriteStuck, WriteZero};

        let (fault, left) = self.fault(&[WriteError, WriteStuck, WriteZero], self.writes.passed);
        match fault {
            Some(WriteError) => return Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            Some(WriteZero) => return Poll::Ready(Ok(0)),
            Some(_) => return Poll::Pending,
            None => {}
        }
        {
            let mut pipe = lock(&self.outgoing);
            assert!(!pipe.ended, "a write after the end");
            if pipe.gone {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            if pipe.bytes.len() >= pipe.capacity {
                pipe.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let count = ready!(self.writes.poll_gate(cx)).min(left);
        let mut pipe = lock(&self.outgoing);
        let mut room = count.min(pipe.capacity - pipe.bytes.len());
        let before = pipe.all.len();
        for piece in pieces {
            let part = &piece[..piece.len().min(room)];
            room -= part.len();
            pipe.bytes.extend(part);
            pipe.all.extend(part);
        }
        let count = pipe.all.len() - before;
        assert!(count > 0, "a write of nothing");
        self.writes.passed += count;
        self.is_dirty = true;
        wake(&mut pipe.reader);
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        use FaultKind::{Eof, ReadError};

        let this = self.get_mut();
        assert!(buf.remaining() > 0, "a read into nothing");
        let (fault, left) = this.fault(&[Eof, ReadError], this.reads.passed);
        match fault {
            Some(ReadError) => return Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            Some(_) => return Poll::Ready(Ok(())),
            None => {}
        }
        {
            let mut pipe = lock(&this.incoming);
            if pipe.bytes.is_empty() && pipe.ended {
                return Poll::Ready(Ok(()));
            }
            if pipe.bytes.is_empty() {
                pipe.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let count = ready!(this.reads.poll_gate(cx)).min(left);
        let mut pipe = lock(&this.incoming);
        let count = count.min(pipe.bytes.len()).min(buf.remaining());
        for byte in pipe.bytes.drain(..count) {
            buf.put_slice(&[byte]);
        }
        this.reads.passed += count;
        wake(&mut pipe.writer);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_take(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_take(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // As a TLS stream may have to wait to write its last record.
        let this = self.get_mut();
        if this.is_dirty {
            ready!(this.writes.poll_gate(cx));
            this.is_dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.fault.map(|fault| fault.kind) {
            Some(FaultKind::ShutdownError) => {
                return Poll::Ready(Err(ErrorKind::NotConnected.into()));
            }
            Some(FaultKind::ShutdownStuck) => return Poll::Pending,
            _ => {}
        }
        ready!(this.writes.poll_gate(cx));
        let mut pipe = lock(&this.outgoing);
        pipe.ended = true;
        wake(&mut pipe.reader);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut pipe = lock(&self.outgoing);
        pipe.ended = true;
        wake(&mut pipe.reader);
        drop(pipe);
        let mut pipe = lock(&self.incoming);
        pipe.gone = true;
        wake(&mut pipe.writer);
    }
}

pub(super) fn lock(pipe: &Log) -> MutexGuard<'_, Pipe> {
    pipe.lock().expect("nobody panicked before")
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
