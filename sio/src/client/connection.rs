//! One connection with a server, and the namespaces on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use ws::net::{Timed, Wheel};

use super::state::Inner;
use super::{Config, ConnectError, Refusal, Socket};
use crate::engine::client::Handle;
use crate::engine::{CloseReason, Message, Outgoing, SendError, SessionHandler};
use crate::handler::{Endpoint, OnError, Overdue, Reading};
use crate::packet::{DecodeError, Decoder, Incoming, Kind};

/// Shared by the sockets of one connection.
pub(super) struct Connection {
    handle: Handle,
    config: Config,
    on_error: Option<OnError<Socket>>,
    sockets: Mutex<HashMap<Box<str>, Arc<Inner>>>,
    reading: Mutex<Reading>,
}

impl Connection {
    pub(super) fn new(
        handle: Handle,
        config: Config,
        on_error: Option<OnError<Socket>>,
    ) -> Arc<Self> {
        let reading = Mutex::new(Reading::new(config.limits.attachment_timeout));
        Arc::new(Self { handle, config, on_error, sockets: Mutex::default(), reading })
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn on_error(&self) -> Option<&OnError<Socket>> {
        self.on_error.as_ref()
    }

    pub(super) fn send_all(&self, packets: &[Outgoing]) -> Result<(), SendError> {
        self.handle.send_all(packets)
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        self.handle.buffered_bytes()
    }

    /// One socket per namespace.
    pub(super) fn insert(&self, socket: &Arc<Inner>) -> Result<(), ConnectError> {
        let mut sockets = self.sockets();
        if sockets.contains_key(socket.namespace()) {
            return Err(ConnectError::AlreadyJoined);
        }
        sockets.insert(socket.namespace().into(), socket.clone());
        Ok(())
    }

    /// A socket has ended. A connection without any is closed.
    pub(super) fn remove(&self, socket: &Arc<Inner>) {
        let mut sockets = self.sockets();
        if sockets.get(socket.namespace()).is_some_and(|found| Arc::ptr_eq(found, socket)) {
            sockets.remove(socket.namespace());
        }
        let unused = sockets.is_empty();
        drop(sockets);
        if unused {
            self.handle.close();
        }
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
            let weak: Weak<Self> = Arc::downgrade(self);
            Wheel::current().schedule(weak, deadline);
        }
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, namespace: &str) -> Option<Arc<Inner>> {
        self.sockets().get(namespace).cloned()
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Inner>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The timeout of attachments.
impl Timed for Connection {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let next = self.reading().handle_timeout(now);
        next.unwrap_or_else(|Overdue| {
            tracing::debug!("closing a connection: an attachment did not come in time");
            self.handle.fail();
            None
        })
    }
}

/// Takes the messages of the session.
pub(super) struct Receiver {
    connection: Arc<Connection>,
    decoder: Decoder,
    /// The server broke the protocol; the session is being closed.
    failed: bool,
}

impl Receiver {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        let config = connection.config();
        let decoder = Decoder::new(config.parser.as_deref(), &config.limits);
        Self { connection, decoder, failed: false }
    }

    fn receive(&mut self, message: Message<'_>) -> Result<(), DecodeError> {
        let packet = match message {
            Message::Text(text) => self.decoder.text(text, &self.connection.config.limits)?,
            Message::Binary(data) => self.decoder.binary(data)?.map(Incoming::Owned),
        };
        if let Some(packet) = packet {
            self.handle(packet);
        }
        self.connection.expect_attachment(self.decoder.is_pending());
        Ok(())
    }

    fn handle(&self, packet: Incoming<'_>) {
        // A packet for a namespace that was just left, or never joined, is for nobody (rule 25).
        let Some(socket) = self.connection.get(packet.namespace()) else { return };
        match packet.kind() {
            Kind::Connect => socket.handle_connect(packet.payload()),
            Kind::ConnectError => socket.handle_refusal(Refusal::parse(packet.payload())),
            Kind::Disconnect => socket.handle_disconnect(),
            Kind::Event | Kind::BinaryEvent => Socket::new(socket).receive(packet),
            Kind::Ack | Kind::BinaryAck => {
                Socket::new(socket).resolve(packet.id(), packet.arguments());
            }
        }
    }
}

impl SessionHandler for Receiver {
    fn on_message(&mut self, message: Message<'_>) {
        if !self.failed
            && let Err(error) = self.receive(message)
        {
            tracing::debug!(%error, "the server sent an invalid packet");
            self.failed = true;
            self.connection.handle.fail();
        }
    }

    fn on_close(&mut self, reason: CloseReason) {
        let sockets: Vec<_> = self.connection.sockets().drain().map(|(_, socket)| socket).collect();
        for socket in sockets {
            socket.end(reason.into());
        }
    }
}
