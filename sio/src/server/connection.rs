//! One Engine.IO session and the namespaces that its client has joined: rule 25 as a [`SessionHandler`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

use serde::Serialize;
use tokio::runtime;
use ws::net::{Timed, Wheel};

use super::state::{Inner, Phase};
use super::{Call, ConnectError, DisconnectReason, Handshake, Io, Socket};
use crate::adapter::SocketId;
use crate::engine::server::{Handle, SessionHandler};
use crate::engine::{CloseReason, Message, SendError};
use crate::handler::{Endpoint, Frames, Overdue, Reading, frame};
use crate::packet::{DecodeError, Decoder, EncodeError, Incoming, Kind, encode};

/// What all sockets of one client share.
pub(super) struct Client {
    pub(super) io: Io,
    pub(super) handle: Handle,
    pub(super) runtime: runtime::Handle,
    /// One socket per namespace that was asked for. One that is disconnected stays until the client asks again or the table
    /// is full: packets that were under way when the server disconnected it are ignored (rule 25).
    sockets: Mutex<Vec<Socket>>,
    /// It has asked for a namespace that exists.
    greeted: AtomicBool,
    /// Why the server closes the session.
    closing: OnceLock<DisconnectReason>,
    /// When it must have asked for a namespace.
    greet_by: Instant,
    reading: Mutex<Reading>,
}

/// Takes the messages of one session.
pub(super) struct Connection {
    client: Arc<Client>,
    decoder: Decoder,
}

/// The client broke the protocol: its connection is closed, with all namespaces.
enum Violation {
    Packet(DecodeError),
    /// Rule 25.
    State(&'static str),
}

impl From<DecodeError> for Violation {
    fn from(error: DecodeError) -> Self {
        Self::Packet(error)
    }
}

impl Connection {
    /// A session has opened. It is closed if no namespace is asked for in time.
    pub(super) fn open(io: Io, handle: Handle) -> Self {
        let greet_by = Wheel::deadline(io.config().connect_timeout);
        let reading = Mutex::new(Reading::new(io.config().limits.attachment_timeout));
        let client = Arc::new(Client {
            io,
            handle,
            runtime: runtime::Handle::current(),
            sockets: Mutex::default(),
            greeted: AtomicBool::new(false),
            closing: OnceLock::new(),
            greet_by,
            reading,
        });
        client.schedule(greet_by);
        let config = client.io.config();
        let decoder = Decoder::new(config.parser.as_deref(), &config.limits);
        Self { client, decoder }
    }

    fn take(&mut self, message: Message<'_>) -> Result<(), Violation> {
        let packet = match message {
            Message::Text(text) => self.decoder.text(text, &self.client.io.config().limits)?,
            Message::Binary(bytes) => self.decoder.binary(bytes)?.map(Incoming::Owned),
        };
        let Some(packet) = packet else { return Ok(()) };
        if packet.kind() == Kind::Connect {
            return self.client.connect(&packet);
        }
        let Some(socket) = self.client.addressee(packet.kind(), packet.namespace())? else {
            return Ok(());
        };
        match packet.kind() {
            Kind::Disconnect => socket.end(DisconnectReason::ClientNamespaceDisconnect),
            Kind::Ack | Kind::BinaryAck => socket.resolve(packet.id(), packet.arguments()),
            _ => socket.receive(packet),
        }
        Ok(())
    }
}

impl SessionHandler for Connection {
    fn on_message(&mut self, message: Message<'_>) {
        if self.client.closing.get().is_some() {
            return;
        }
        match self.take(message) {
            Ok(()) => self.client.expect_attachment(self.decoder.is_pending()),
            Err(Violation::Packet(error)) => {
                tracing::debug!(%error, "closing a connection: invalid packet");
                self.client.close(DisconnectReason::ParseError);
            }
            Err(Violation::State(what)) => {
                tracing::debug!(what, "closing a connection: protocol violation");
                self.client.close(DisconnectReason::ForcedServerClose);
            }
        }
    }

    fn on_close(&mut self, reason: CloseReason) {
        let reason = self.client.closing.get().copied().unwrap_or_else(|| reason.into());
        let sockets = std::mem::take(&mut *self.client.sockets());
        for socket in sockets {
            socket.end(reason);
        }
    }
}

impl Client {
    /// Closes the session, and says why to its sockets.
    pub(super) fn close(&self, reason: DisconnectReason) {
        let _ = self.closing.set(reason);
        self.handle.close();
    }

    /// Closes the session of a client whose buffer is full, rather than leave out what it would never know of.
    pub(super) fn does_not_keep_up(&self) {
        if self.closing.get().is_none() {
            tracing::warn!(session = ?self.handle, "closing a connection: the client does not keep up");
            self.close(DisconnectReason::ForcedServerClose);
        }
    }

    /// Whether the session has taken what the client must not miss. If its buffer is full it is closed.
    pub(super) fn has_taken(&self, sent: Result<(), SendError>) -> bool {
        if matches!(sent, Err(SendError::Full)) {
            self.does_not_keep_up();
        }
        sent.is_ok()
    }

    /// The sockets that are not disconnected.
    pub(super) fn live_sockets(&self) -> Vec<Socket> {
        self.sockets()
            .iter()
            .filter(|socket| socket.inner().phase() != Phase::Disconnected)
            .cloned()
            .collect()
    }

    /// Pauses reading while at least one socket wants it.
    pub(super) fn pause(&self, pause: bool) {
        // Held meanwhile, so that two who disagree leave it as the later one wants.
        let mut reading = self.reading();
        match reading.handle_pause(pause, Wheel::now()) {
            Some(true) => self.handle.pause_reading(),
            Some(false) => self.handle.resume_reading(),
            None => {}
        }
    }

    /// Whether the next message has to be an attachment.
    fn expect_attachment(self: &Arc<Self>, is_incomplete: bool) {
        let deadline = self.reading().handle_message(is_incomplete, Wheel::now());
        if let Some(deadline) = deadline {
            self.schedule(deadline);
        }
    }

    fn schedule(self: &Arc<Self>, deadline: Instant) {
        let weak: Weak<Self> = Arc::downgrade(self);
        Wheel::current().schedule(weak, deadline);
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom a packet is for; `None` if it is to be ignored (rule 25).
    fn addressee(&self, kind: Kind, namespace: &str) -> Result<Option<Socket>, Violation> {
        if kind == Kind::ConnectError {
            return Err(Violation::State("CONNECT_ERROR from a client"));
        }
        let sockets = self.sockets();
        let Some(socket) = sockets.iter().find(|socket| socket.namespace_name() == namespace)
        else {
            return Err(Violation::State("packet for a namespace that was not joined"));
        };
        match socket.inner().phase() {
            Phase::Connected => Ok(Some(socket.clone())),
            Phase::Connecting if kind == Kind::Disconnect => Ok(Some(socket.clone())),
            Phase::Connecting => {
                Err(Violation::State("packet for a namespace that is not joined yet"))
            }
            // The server disconnected it, or the client did and is out of step with itself.
            Phase::Disconnected => Ok(None),
        }
    }

    /// The client asks for a namespace.
    fn connect(self: &Arc<Self>, packet: &Incoming<'_>) -> Result<(), Violation> {
        let Some(namespace) = self.io.find(packet.namespace()) else {
            self.refuse(packet.namespace(), &ConnectError::new("Invalid namespace"));
            return Ok(());
        };
        self.greeted.store(true, Ordering::Relaxed);
        let mut sockets = self.sockets();
        if let Some(index) =
            sockets.iter().position(|socket| socket.namespace_name() == packet.namespace())
        {
            if sockets[index].inner().phase() != Phase::Disconnected {
                return Err(Violation::State("CONNECT for a namespace that is joined already"));
            }
            // Else a client could leave full queues behind again and again.
            sockets.swap_remove(index).drop_queue();
        }
        let max = self.io.config().max_namespaces;
        if sockets.len() >= max {
            sockets
                .extract_if(.., |socket| socket.inner().phase() == Phase::Disconnected)
                .for_each(|socket| socket.drop_queue());
        }
        if sockets.len() >= max {
            drop(sockets);
            self.refuse(packet.namespace(), &ConnectError::new("Too many namespaces"));
            return Ok(());
        }
        let auth = Some(packet.payload()).filter(|payload| !payload.is_empty());
        let handshake = Handshake::new(self.handle.request().clone(), auth);
        let id = SocketId::from_random(rand::random());
        let socket = Socket::new(Arc::new(Inner::new(id, namespace, self.clone(), handshake)));
        sockets.push(socket.clone());
        drop(sockets);
        socket.run(socket.clone().connect());
        Ok(())
    }

    fn refuse(&self, namespace: &str, refusal: &ConnectError) {
        let reply = self.frame(|out| encode::connect_error(out, namespace, refusal));
        if let Some(reply) = reply {
            self.has_taken(self.handle.send_all(&reply));
        }
    }

    /// Frames a packet of the protocol itself. `None` only if the application's own parser or data can't be written.
    pub(super) fn frame(
        &self,
        encode: impl FnOnce(&mut String) -> Result<(), EncodeError>,
    ) -> Option<Frames> {
        let parser = self.io.config().parser.as_deref();
        frame(parser, |out| encode(out).map(|()| Vec::new()))
            .inspect_err(|error| tracing::error!(%error, "a packet was not sent"))
            .ok()
    }

    fn sockets(&self) -> MutexGuard<'_, Vec<Socket>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connect timeout (rule 25), and that of attachments.
impl Timed for Client {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let has_greeted = self.greeted.load(Ordering::Relaxed);
        if !has_greeted && now >= self.greet_by {
            tracing::debug!("closing a connection: it joined no namespace in time");
            self.close(DisconnectReason::ForcedServerClose);
            return None;
        }
        let next = self.reading().handle_timeout(now);
        match next {
            // The wheel still knows of `greet_by` if that is to come.
            Ok(next) => next,
            Err(Overdue) => {
                tracing::debug!("closing a connection: an attachment did not come in time");
                self.close(DisconnectReason::ParseError);
                None
            }
        }
    }
}

#[derive(Serialize)]
struct Grant {
    sid: SocketId,
}

impl Socket {
    /// From the client's CONNECT to the first event: middleware, reply, `on_connect`. Events wait until that has returned, so
    /// that none arrives before its handler is there.
    async fn connect(self) {
        if self.enter().await {
            for listener in self.inner().namespace.on_connect().iter() {
                let work = listener(&mut Call::connect(&self));
                if let Some(work) = work {
                    work.await;
                }
            }
        }
        self.work(None).await;
    }

    /// Asks the middleware, and enters the namespace or refuses it.
    async fn enter(&self) -> bool {
        let inner = self.inner();
        for middleware in inner.namespace.middleware().iter() {
            let called = middleware(&mut Call::connect(self));
            let verdict = match called {
                Ok(verdict) => verdict.await,
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = verdict {
                self.end(DisconnectReason::ServerNamespaceDisconnect);
                inner.client.refuse(self.namespace_name(), &refusal);
                return false;
            }
        }
        let grant = Grant { sid: inner.id };
        let reply =
            inner.client.frame(|out| encode::connect(out, self.namespace_name(), Some(&grant)));
        reply.is_some_and(|reply| inner.enter(&reply))
    }
}
