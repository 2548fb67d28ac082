//! One client: the session machine with what it drives, between the transports and the application.
//!
//! Two locks. `outbound` guards the machine and is held for moments, never over code of the application. `inbound` guards the
//! application's handler and is held while that runs, so that its calls come one after the other. Code that holds `inbound` may
//! take `outbound` (a handler that sends), never the reverse. A session may end while its handler runs, even by that handler:
//! then whoever holds `inbound` calls `on_close` after, see [`Peer::settle`].
//!
//! Once the transport is a WebSocket, sends go straight to it and need neither lock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use ws::net::{Timed, Wheel};
use ws::stream::TrySendError;

use super::batch::Batch;
use super::registry::{Admission, Registry, Taken};
use super::{Application, Engine, Handle, RequestInfo, SessionHandler};
use crate::engine::{
    Allowance, CloseReason, Dialect, Message, Outgoing, Output, RateLimit, Refusal, SendError,
    Session, Sid, SocketId, Transport, v3,
};

/// When a packet of the session itself found no room on the WebSocket, it is tried again after this time.
const RETRY: Duration = Duration::from_millis(100);

pub(super) struct Peer {
    sid: Sid,
    request: Arc<RequestInfo>,
    dialect: Dialect,
    /// Knows the words of version 3, if that is what the client speaks.
    translator: Option<Arc<dyn Application>>,
    registry: Weak<Registry>,
    wheel: Arc<Wheel>,
    outbound: Mutex<Outbound>,
    inbound: Mutex<Option<Box<dyn SessionHandler>>>,
    /// The transport once it is a WebSocket.
    socket: OnceLock<ws::Sender>,
    /// The session is over; `on_close` has been called or will be by whoever holds `inbound`.
    ended: OnceLock<CloseReason>,
    paused: AtomicBool,
    /// Something has changed that one may wait for: messages have left, reading goes on, the session is over.
    changed: Notify,
    /// How many more packets the client may send, if that is limited.
    allowance: Option<Box<Mutex<Allowance>>>,
    packet_rate: Option<RateLimit>,
}

struct Outbound {
    session: Session,
    /// Answers the waiting GET.
    get: Option<oneshot::Sender<Batch>>,
    /// The WebSocket that is being tried.
    probe: Option<ws::Sender>,
    /// A ping that found no room on the WebSocket.
    unsent: Option<Vec<Outgoing>>,
    /// When the wheel will call.
    scheduled: Option<Instant>,
}

impl Peer {
    pub(super) fn new(
        sid: Sid,
        request: Arc<RequestInfo>,
        dialect: Dialect,
        engine: &Engine,
        session: Session,
    ) -> Arc<Self> {
        let packet_rate = session.config().packet_rate;
        let allowance = packet_rate.map(|_| Box::new(Mutex::new(Allowance::new(Wheel::now()))));
        Arc::new(Self {
            sid,
            request,
            dialect,
            translator: (dialect != Dialect::V4).then(|| engine.0.application.clone()),
            registry: Arc::downgrade(&engine.0.registry),
            wheel: Wheel::current(),
            outbound: Mutex::new(Outbound {
                session,
                get: None,
                probe: None,
                unsent: None,
                scheduled: None,
            }),
            inbound: Mutex::new(None),
            socket: OnceLock::new(),
            ended: OnceLock::new(),
            paused: AtomicBool::new(false),
            changed: Notify::new(),
            allowance,
            packet_rate,
        })
    }

    /// Enters the session among those of the engine.
    pub(super) fn enter(self: &Arc<Self>, admission: Admission) -> Result<(), Taken> {
        match self.registry.upgrade() {
            Some(registry) => registry.insert(self.sid, self.clone(), admission),
            None => Ok(()),
        }
    }

    /// Introduces the session to the application. `socket` is its transport if that is a WebSocket from the start.
    pub(super) fn open(
        self: &Arc<Self>,
        application: &dyn Application,
        socket: Option<ws::Sender>,
    ) {
        if let Some(socket) = socket {
            let _ = self.socket.set(socket);
        }
        // Held while the application thinks, so that an end of the session meanwhile finds its handler.
        let mut inbound = self.inbound();
        *inbound = Some(application.on_open(Handle::new(self.clone())));
        drop(inbound);
        self.act(|_, _| ());
    }

    pub(super) const fn sid(&self) -> &Sid {
        &self.sid
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The client has sent a packet: is that not one too many?
    pub(super) fn may_take(&self) -> bool {
        let (Some(allowance), Some(rate)) = (&self.allowance, self.packet_rate) else {
            return true;
        };
        allowance.lock().unwrap_or_else(PoisonError::into_inner).take(rate, Wheel::now())
    }

    pub(super) const fn request(&self) -> &Arc<RequestInfo> {
        &self.request
    }

    /// Gives the machine an input and does what it wants then.
    pub(super) fn act<T>(self: &Arc<Self>, input: impl FnOnce(&mut Session, Instant) -> T) -> T {
        let mut outbound = self.outbound();
        let result = input(&mut outbound.session, Wheel::now());
        self.carry_out(&mut outbound);
        self.schedule(&mut outbound);
        drop(outbound);
        self.settle();
        result
    }

    /// Hands a message to the application.
    pub(super) fn deliver(&self, message: Message<'_>) {
        if let Some(handler) = self.inbound().as_mut() {
            handler.on_message(message);
        }
        self.settle();
    }

    pub(super) fn send(self: &Arc<Self>, packet: &Outgoing) -> Result<(), SendError> {
        self.send_all(std::slice::from_ref(packet))
    }

    pub(super) fn send_all(self: &Arc<Self>, packets: &[Outgoing]) -> Result<(), SendError> {
        let translated: Vec<_>;
        let packets = match &self.translator {
            None => packets,
            Some(translator) => {
                let translate =
                    |packet| translator.for_version_3(packet).unwrap_or_else(|| packet.clone());
                translated = packets.iter().map(translate).collect();
                &translated
            }
        };
        match self.socket.get() {
            Some(socket) => self.send_frames(socket, packets).map_err(refused),
            None => self.send_by_machine(packets),
        }
    }

    fn send_by_machine(self: &Arc<Self>, packets: &[Outgoing]) -> Result<(), SendError> {
        let mut outbound = self.outbound();
        if let Some(socket) = self.socket.get() {
            // It has become the transport just now.
            return self.send_frames(socket, packets).map_err(refused);
        }
        let sent = outbound.session.send_all(packets);
        self.carry_out(&mut outbound);
        self.schedule(&mut outbound);
        drop(outbound);
        if sent.is_err() {
            // The policy for a full buffer may have ended the session.
            self.settle();
        }
        sent
    }

    /// Sends only if nothing stands in the way. Gives whether it did.
    pub(super) fn send_volatile(self: &Arc<Self>, packets: &[Outgoing]) -> Result<bool, SendError> {
        let sent = match self.is_writable() {
            true => self.send_all(packets),
            false if self.is_open() => return Ok(false),
            false => Err(SendError::Closed),
        };
        match sent {
            Ok(()) => Ok(true),
            // Somebody else was faster.
            Err(SendError::Full) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_writable(&self) -> bool {
        match self.socket.get() {
            Some(socket) => socket.is_writable(),
            None => self.outbound().session.is_writable(),
        }
    }

    fn is_open(&self) -> bool {
        match self.socket.get() {
            Some(socket) => socket.is_open(),
            None => self.outbound().session.is_open(),
        }
    }

    /// Waits until messages would be taken, or the session is over.
    pub(super) async fn ready(&self) {
        loop {
            let changed = self.changed.notified();
            if let Some(socket) = self.socket.get() {
                return socket.ready().await;
            }
            if self.outbound().session.has_room() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until no message waits, or the session is over.
    pub(super) async fn drained(&self) {
        loop {
            let changed = self.changed.notified();
            if let Some(socket) = self.socket.get() {
                return socket.drained().await;
            }
            if self.ended.get().is_some() || self.outbound().session.buffered_bytes() == 0 {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn close(self: &Arc<Self>) {
        self.act(Session::close);
        // Nothing more is taken, so that nobody need wait for room.
        self.changed.notify_waiters();
    }

    pub(super) fn abort(self: &Arc<Self>) {
        self.act(|session, _| session.abort());
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        match self.socket.get() {
            Some(socket) => socket.buffered_bytes(),
            None => self.outbound().session.buffered_bytes(),
        }
    }

    pub(super) fn transport(&self) -> Transport {
        if self.socket.get().is_some() { Transport::WebSocket } else { Transport::Polling }
    }

    /// As [`Self::resume_reading`], the caller may hold locks of its own: neither ends the session.
    pub(super) fn pause_reading(self: &Arc<Self>) {
        // Under the lock, as is the move to a WebSocket: it must not miss the pause.
        let mut outbound = self.outbound();
        outbound.session.handle_pause();
        self.schedule(&mut outbound);
        self.paused.store(true, Ordering::Release);
        if let Some(socket) = self.socket.get() {
            socket.pause_reading();
        }
    }

    pub(super) fn resume_reading(self: &Arc<Self>) {
        let mut outbound = self.outbound();
        outbound.session.handle_resume(Wheel::now());
        self.schedule(&mut outbound);
        self.paused.store(false, Ordering::Release);
        self.changed.notify_waiters();
        if let Some(socket) = self.socket.get() {
            socket.resume_reading();
        }
    }

    /// Waits while reading is paused.
    pub(super) async fn reading(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.paused.load(Ordering::Acquire) || self.ended.get().is_some() {
                return;
            }
            changed.await;
        }
    }

    /// A GET has come; its answer comes out of the channel.
    pub(super) fn begin_get(self: &Arc<Self>) -> Result<oneshot::Receiver<Batch>, Refusal> {
        let (answer, answered) = oneshot::channel();
        let mut outbound = self.outbound();
        let accepted = outbound.session.handle_get(Wheel::now());
        if accepted.is_ok() {
            outbound.get = Some(answer);
        }
        self.carry_out(&mut outbound);
        self.schedule(&mut outbound);
        drop(outbound);
        self.settle();
        accepted.map(|()| answered)
    }

    /// A WebSocket wants to become the transport.
    pub(super) fn begin_probe(self: &Arc<Self>, socket: ws::Sender) -> Result<SocketId, Refusal> {
        let mut outbound = self.outbound();
        let id = outbound.session.handle_probe(Wheel::now())?;
        outbound.probe = Some(socket);
        self.schedule(&mut outbound);
        Ok(id)
    }

    fn carry_out(&self, outbound: &mut Outbound) {
        while let Some(output) = outbound.session.poll_output() {
            match output {
                Output::AnswerGet(packets) => {
                    if let Some(get) = outbound.get.take() {
                        // A GET that was given up meanwhile reports that by itself.
                        let _ = get.send(Batch::new(&packets, self.dialect));
                    }
                    self.changed.notify_waiters();
                }
                Output::Probe(packet) => {
                    if let Some(probe) = &outbound.probe {
                        let _ = probe.try_send_prepared(packet.prepared());
                    }
                }
                Output::CloseProbe => {
                    if let Some(probe) = outbound.probe.take() {
                        probe.close(ws::CloseCode::NORMAL, "");
                    }
                }
                Output::Upgraded(packets) => {
                    if let Some(probe) = outbound.probe.take() {
                        if self.paused.load(Ordering::Acquire) {
                            probe.pause_reading();
                        }
                        // A fresh WebSocket takes them all. Only then may others send on it.
                        let _ = self.send_frames(&probe, &packets);
                        let _ = self.socket.set(probe);
                    }
                    self.changed.notify_waiters();
                }
                Output::Send(packets) => {
                    // Pings only: messages go to the WebSocket past the machine.
                    let sent = self.socket.get().map(|socket| self.send_frames(socket, &packets));
                    outbound.unsent =
                        matches!(sent, Some(Err(TrySendError::Full(())))).then_some(packets);
                }
                Output::CloseSocket => {
                    if let Some(socket) = self.socket.get() {
                        socket.close(ws::CloseCode::NORMAL, "");
                    }
                }
                Output::Closed(reason) => {
                    let _ = self.ended.set(reason);
                }
            }
        }
    }

    /// Tells the wheel if the machine wants to be called earlier than is known.
    fn schedule(self: &Arc<Self>, outbound: &mut Outbound) {
        if let Some(next) = outbound.session.poll_timeout()
            && outbound.scheduled.is_none_or(|scheduled| next < scheduled)
        {
            outbound.scheduled = Some(next);
            let weak: Weak<Self> = Arc::downgrade(self);
            self.wheel.schedule(weak, next);
        }
    }

    /// Ends the session for the application if it has ended. To be called, with no lock held, after everything that may have
    /// ended it and after every time that `inbound` was held.
    fn settle(&self) {
        // Between "the session has ended" and "is somebody in the handler?", and between leaving the handler and "has the
        // session ended?": one of the two must see the other.
        fence(Ordering::SeqCst);
        let Some(reason) = self.ended.get() else { return };
        if let Some(registry) = self.registry.upgrade() {
            registry.remove(&self.sid);
        }
        self.changed.notify_waiters();
        let mut inbound = match self.inbound.try_lock() {
            Ok(inbound) => inbound,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Who holds it comes here next.
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(mut handler) = inbound.take() else { return };
        // This may run on the wheel, which serves all sessions: a panic of the application must not stop it.
        let called = catch_unwind(AssertUnwindSafe(move || handler.on_close(*reason)));
        if called.is_err() {
            tracing::error!(session = ?self.sid, "the application panicked in on_close");
        }
    }

    fn send_frames(
        &self,
        socket: &ws::Sender,
        packets: &[Outgoing],
    ) -> Result<(), TrySendError<()>> {
        let frames: Vec<_> = match (self.dialect, packets) {
            (Dialect::V4, [only]) => return socket.try_send_prepared(only.prepared()),
            (Dialect::V4, packets) => {
                packets.iter().map(|packet| packet.prepared().clone()).collect()
            }
            (Dialect::V3 { base64, .. }, packets) => {
                packets.iter().map(|packet| v3::frame(packet, base64).prepared().clone()).collect()
            }
        };
        socket.try_send_all(&frames)
    }

    fn outbound(&self) -> MutexGuard<'_, Outbound> {
        self.outbound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inbound(&self) -> MutexGuard<'_, Option<Box<dyn SessionHandler>>> {
        self.inbound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timed for Peer {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let mut outbound = self.outbound();
        if outbound.scheduled.is_none_or(|scheduled| now < scheduled) {
            // Left over from before an earlier deadline was announced.
            return None;
        }
        if let Some(packets) = outbound.unsent.take() {
            let sent = self.socket.get().map(|socket| self.send_frames(socket, &packets));
            outbound.unsent = matches!(sent, Some(Err(TrySendError::Full(())))).then_some(packets);
        }
        outbound.session.handle_timeout(now);
        self.carry_out(&mut outbound);
        let retry = outbound.unsent.as_ref().map(|_| now + RETRY);
        let next =
            outbound.session.poll_timeout().map(|next| retry.map_or(next, |retry| retry.min(next)));
        outbound.scheduled = next;
        drop(outbound);
        self.settle();
        next
    }
}

fn refused(error: TrySendError<()>) -> SendError {
    match error {
        TrySendError::Full(()) => SendError::Full,
        TrySendError::Closed(()) => SendError::Closed,
    }
}
