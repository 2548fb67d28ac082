//! One connection with a server, and the namespaces on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::state::Inner;
use super::{Config, ConnectError, HandlerError, Refusal, Socket};
use crate::engine::client::Handle;
use crate::engine::{CloseReason, Message, Outgoing, SendError, SessionHandler};
use crate::packet::{DecodeError, Decoder, Kind, Packet, PacketRef};

pub(super) type OnError = Arc<dyn Fn(&Socket, &str, &HandlerError) + Send + Sync>;

/// Shared by the sockets of one connection.
pub(super) struct Connection {
    handle: Handle,
    config: Config,
    on_error: Option<OnError>,
    sockets: Mutex<HashMap<Box<str>, Arc<Inner>>>,
    /// How many sockets want reading to be paused.
    pauses: Mutex<usize>,
}

impl Connection {
    pub(super) fn new(handle: Handle, config: Config, on_error: Option<OnError>) -> Arc<Self> {
        Arc::new(Self {
            handle,
            config,
            on_error,
            sockets: Mutex::default(),
            pauses: Mutex::new(0),
        })
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn on_error(&self) -> Option<&OnError> {
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

    /// One more socket wants reading to be paused, or one less.
    pub(super) fn pause(&self, pause: bool) {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        if pause {
            *pauses += 1;
            self.handle.pause_reading();
        } else {
            *pauses = pauses.saturating_sub(1);
            if *pauses == 0 {
                self.handle.resume_reading();
            }
        }
    }

    fn get(&self, namespace: &str) -> Option<Arc<Inner>> {
        self.sockets().get(namespace).cloned()
    }

    fn sockets(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Inner>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
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
        Self { connection, decoder: Decoder::default(), failed: false }
    }

    fn receive(&mut self, message: Message<'_>) -> Result<(), DecodeError> {
        match message {
            Message::Text(text) => {
                if let Some(packet) = self.decoder.text(text, &self.connection.config.limits)? {
                    self.handle(&packet);
                }
            }
            Message::Binary(data) => {
                if let Some(packet) = self.decoder.binary(data)? {
                    self.handle_binary(packet);
                }
            }
        }
        Ok(())
    }

    fn handle(&self, packet: &PacketRef<'_>) {
        // A packet for a namespace that was just left, or never joined, is for nobody (rule 25).
        let Some(socket) = self.connection.get(packet.namespace) else { return };
        match packet.kind {
            Kind::Connect => socket.handle_connect(packet.payload),
            Kind::ConnectError => socket.handle_refusal(Refusal::parse(packet.payload)),
            Kind::Disconnect => socket.handle_disconnect(),
            Kind::Event | Kind::BinaryEvent => socket.handle_event(packet.to_packet()),
            Kind::Ack | Kind::BinaryAck => {
                if let Some(id) = packet.id {
                    socket.handle_ack(id, packet.arguments());
                }
            }
        }
    }

    fn handle_binary(&self, packet: Packet) {
        let Some(socket) = self.connection.get(&packet.namespace) else { return };
        match (packet.kind, packet.id) {
            (Kind::BinaryEvent, _) => socket.handle_event(packet),
            (Kind::BinaryAck, Some(id)) => socket.handle_ack(id, packet.arguments()),
            _ => {}
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
