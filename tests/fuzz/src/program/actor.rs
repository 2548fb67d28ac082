//! One task of one end: does step after step of its program.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use arbitrary::Arbitrary;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::Barrier;
use ws::{
    CloseCode, CloseReport, Error, Message, Prepared, Sender, TrySendError, WebSocket,
    WebSocketReader,
};

use super::record::{Draft, Shared, lock};

#[derive(Debug, Arbitrary)]
pub(super) enum Step {
    Send(Draft, Patience),
    TrySend(Draft),
    /// By a `Sender`, although the socket is there too.
    SendFromOutside(Draft, Patience),
    /// As a `Sink`.
    Feed(Draft, Patience),
    SendTimeout(Draft, u8),
    Prepared(Vec<Draft>),
    Ping(u8),
    Recv(Patience),
    /// As a `Stream`.
    Next(Patience),
    Flush(Patience),
    SinkFlush(Patience),
    /// Waits, and drops what arrives.
    Close(u16, Patience),
    SinkClose(Patience),
    /// Only begins.
    StartClose(u16),
    Pause,
    Resume,
    Notify,
    Yield(u8),
    Sleep(u8),
    Drop,
    Abort,
}

impl Step {
    pub(super) const fn is_for_the_reader(&self) -> bool {
        matches!(self, Self::Recv(_) | Self::Next(_) | Self::Drop)
    }
}

/// When a future is dropped: after it was polled so often or so much time has passed.
#[derive(Debug, Arbitrary)]
pub(super) struct Patience {
    polls: u8,
    tenths: u8,
}

impl Patience {
    async fn wait<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.wait_unless(future, || false).await
    }

    /// Waits until there is room: who waits for that is woken once half of it is free.
    async fn wait_for_room<T>(
        &self,
        sender: &Sender,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        self.wait_unless(future, || sender.buffered_bytes() > 0).await
    }

    async fn wait_unless<T>(
        &self,
        future: impl Future<Output = T>,
        may_be_early: impl Fn() -> bool,
    ) -> Option<T> {
        let mut future = pin!(future);
        let mut left = self.polls;
        let flag = Arc::new(Flag::default());
        let mut is_first = true;
        let polled = std::future::poll_fn(|cx| {
            let is_first = std::mem::take(&mut is_first);
            let is_due = flag.renew(cx.waker()) || is_first || may_be_early();
            let waker = Waker::from(flag.clone());
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => {
                    // Found only because its time was over, which in a program without a timeout it never is.
                    assert!(is_due, "ready, but nobody was woken");
                    Poll::Ready(Some(value))
                }
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => {
                    left -= u8::from(left < 50);
                    Poll::Pending
                }
            }
        });
        let time = Duration::from_millis(u64::from(self.tenths) * 100);
        tokio::time::timeout(time, polled).await.ok().flatten()
    }
}

/// Notes that somebody was woken, and wakes them.
#[derive(Debug, Default)]
struct Flag {
    is_woken: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Flag {
    /// Whether it was woken since the last call.
    fn renew(&self, waker: &Waker) -> bool {
        *self.waker.lock().expect("nobody panicked before") = Some(waker.clone());
        self.is_woken.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Relaxed);
        if let Some(waker) = &*self.waker.lock().expect("nobody panicked before") {
            waker.wake_by_ref();
        }
    }
}

/// At most one of `socket` and `reader` is there.
pub(super) struct Actor {
    socket: Option<WebSocket>,
    reader: Option<WebSocketReader>,
    sender: Sender,
    record: Shared,
}

impl Actor {
    pub(super) const fn new(
        socket: Option<WebSocket>,
        reader: Option<WebSocketReader>,
        sender: Sender,
        record: Shared,
    ) -> Self {
        Self { socket, reader, sender, record }
    }

    pub(super) async fn perform(&mut self, steps: Vec<Step>, barrier: Option<Arc<Barrier>>) {
        for step in steps {
            self.step(step).await;
        }
        if let Some(barrier) = barrier {
            barrier.wait().await;
        }
    }

    /// Receives to the end, and beyond.
    pub(super) async fn drain(&mut self) {
        if self.socket.is_none() && self.reader.is_none() {
            return;
        }
        while self.recv(false, None).await {}
        for _ in 0..2 {
            let ends = lock(&self.record).ends.len();
            assert!(!self.recv(false, None).await, "a message after the end");
            assert_eq!(lock(&self.record).ends.len(), ends + 1, "the end is told again");
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Send(draft, patience) => self.send(&draft, &patience).await,
            Step::TrySend(draft) => self.try_send(&draft),
            Step::SendFromOutside(draft, patience) => {
                let message = self.make(&draft);
                let sent =
                    patience.wait_for_room(&self.sender, self.sender.send(message.clone())).await;
                self.sent(message, sent.is_some_and(|sent| sent.is_ok()));
            }
            Step::Feed(draft, patience) => {
                let Some(socket) = &mut self.socket else { return };
                let message = lock(&self.record).make(&draft);
                let sent = patience.wait_for_room(&self.sender, socket.feed(message.clone())).await;
                self.sent(message, sent.is_some_and(|sent| sent.is_ok()));
            }
            Step::SendTimeout(draft, time) => {
                let message = self.make(&draft);
                let time = Duration::from_millis(time.into());
                let sent = self.sender.send_timeout(message.clone(), time).await;
                self.sent(message, sent.is_ok());
            }
            Step::Prepared(drafts) => self.send_prepared(&drafts),
            Step::Ping(len) => {
                let number = lock(&self.record).pings.len() as u8;
                let payload = vec![number; usize::from(len % 126)];
                if self.sender.ping(&payload).is_ok() {
                    lock(&self.record).pings.push(payload);
                }
            }
            Step::Recv(patience) => drop(self.recv(false, Some(&patience)).await),
            Step::Next(patience) => drop(self.recv(true, Some(&patience)).await),
            Step::Flush(patience) => {
                let flushed = match &mut self.socket {
                    Some(socket) => patience.wait(socket.flush()).await,
                    None => patience.wait(self.sender.drained()).await,
                };
                // Nobody else had a turn since.
                if flushed.is_some() && self.sender.is_open() {
                    assert_eq!(self.sender.buffered_bytes(), 0);
                }
            }
            Step::SinkFlush(patience) => {
                let Some(socket) = &mut self.socket else { return };
                drop(patience.wait(SinkExt::flush(socket)).await);
            }
            Step::Close(code, patience) => {
                let Some(socket) = &mut self.socket else { return };
                lock(&self.record).discards = true;
                if let Some(report) = patience.wait(socket.close(pick(code), "enough")).await {
                    lock(&self.record).ends.push(Some(report));
                }
            }
            Step::SinkClose(patience) => {
                let Some(socket) = &mut self.socket else { return };
                lock(&self.record).discards = true;
                drop(patience.wait(SinkExt::close(socket)).await);
            }
            Step::StartClose(code) => self.sender.close(pick(code), "that was all"),
            Step::Pause => self.sender.pause_reading(),
            Step::Resume => self.sender.resume_reading(),
            Step::Notify => drop(self.sender.notify(())),
            Step::Yield(count) => {
                for _ in 0..count % 8 {
                    tokio::task::yield_now().await;
                }
            }
            Step::Sleep(tenths) => {
                tokio::time::sleep(Duration::from_millis(u64::from(tenths) * 100)).await;
            }
            Step::Drop => {
                lock(&self.record).discards = true;
                self.socket = None;
                self.reader = None;
            }
            Step::Abort => self.sender.abort(),
        }
    }

    fn make(&self, draft: &Draft) -> Message {
        lock(&self.record).make(draft)
    }

    /// A future that was dropped has sent nothing: had it been able to, it would have been ready.
    fn sent(&self, message: Message, is_sent: bool) {
        if is_sent {
            lock(&self.record).sent.push(message);
        }
    }

    async fn send(&mut self, draft: &Draft, patience: &Patience) {
        let message = self.make(draft);
        let sent = match &mut self.socket {
            Some(socket) => {
                patience.wait_for_room(&self.sender, socket.send(message.clone())).await
            }
            None => patience.wait_for_room(&self.sender, self.sender.send(message.clone())).await,
        };
        if let Some(Err(refused)) = &sent {
            assert!(!self.sender.is_open());
            assert_eq!(refused.clone().into_message(), message);
        }
        self.sent(message, sent.is_some_and(|sent| sent.is_ok()));
    }

    fn try_send(&mut self, draft: &Draft) {
        let message = self.make(draft);
        let sent = match &mut self.socket {
            Some(socket) => socket.try_send(message.clone()),
            None => self.sender.try_send(message.clone()),
        };
        match &sent {
            Ok(()) => {}
            Err(TrySendError::Full(back)) => assert!(self.sender.is_open() && *back == message),
            Err(TrySendError::Closed(back)) => assert!(!self.sender.is_open() && *back == message),
        }
        self.sent(message, sent.is_ok());
    }

    fn send_prepared(&self, drafts: &[Draft]) {
        let mut record = lock(&self.record);
        let messages: Vec<_> = drafts.iter().take(5).map(|draft| record.make(draft)).collect();
        let prepare = |message: &Message| match message.as_text() {
            Some(text) => Prepared::text(text),
            None => Prepared::binary(message.as_bytes()),
        };
        let all: Vec<_> = messages.iter().map(prepare).collect();
        if self.sender.try_send_all(&all).is_ok() {
            record.sent.extend(messages);
        }
    }

    /// Receives once; false at the end.
    async fn recv(&mut self, as_stream: bool, patience: Option<&Patience>) -> bool {
        let future = async {
            match (&mut self.socket, &mut self.reader) {
                (Some(socket), _) if as_stream => socket.next().await.transpose(),
                (Some(socket), _) => socket.recv().await,
                (None, Some(reader)) if as_stream => reader.next().await.transpose(),
                (None, Some(reader)) => reader.recv().await,
                (None, None) => std::future::pending().await,
            }
        };
        let received: Option<Result<Option<Message>, Error>> = match patience {
            Some(patience) => patience.wait(future).await,
            None => Some(future.await),
        };
        let mut record = lock(&self.record);
        let is_message = matches!(received, Some(Ok(Some(_))));
        match received {
            Some(Ok(Some(message))) => record.received.push(message),
            // A stream that has ended does not say how.
            Some(Ok(None)) if as_stream => {}
            Some(Ok(None)) => record.ends.push(None),
            Some(Err(error)) => record.ends.push(Some(CloseReport::clone(error.report()))),
            None => {}
        }
        is_message
    }
}

fn pick(code: u16) -> CloseCode {
    CloseCode::new(code).unwrap_or(CloseCode::GOING_AWAY)
}
