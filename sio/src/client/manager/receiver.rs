//! Takes the messages of a session to its sockets.

use std::sync::Arc;

use super::Manager;
use crate::client::{Refusal, Socket};
use crate::engine::client::Handle;
use crate::engine::{CloseReason, Message, SessionHandler};
use crate::handler::{Endpoint, frame};
use crate::packet::{DecodeError, Decoder, Incoming, Kind, encode};

/// Receives what comes in one session.
pub(super) struct Receiver {
    manager: Arc<Manager>,
    /// The number of the session.
    session: u64,
    handle: Handle,
    decoder: Decoder,
    /// The server broke the protocol; the session is being closed.
    failed: bool,
}

impl Receiver {
    pub(super) fn new(manager: Arc<Manager>, session: u64, handle: Handle) -> Self {
        let config = manager.config();
        let decoder = Decoder::new(config.parser.as_deref(), &config.limits);
        Self { manager, session, handle, decoder, failed: false }
    }

    fn receive(&mut self, message: Message<'_>) -> Result<(), DecodeError> {
        let packet = match message {
            Message::Text(text) => self.decoder.text(text, &self.manager.config().limits)?,
            Message::Binary(data) => self.decoder.binary(data)?.map(Incoming::Owned),
        };
        if let Some(packet) = packet {
            self.handle(packet);
        }
        self.manager.expect_attachment(self.decoder.is_pending());
        Ok(())
    }

    fn handle(&self, packet: Incoming<'_>) {
        let Some(inner) = self.manager.socket(packet.namespace()) else {
            return self.handle_unwanted(&packet);
        };
        match packet.kind() {
            Kind::Connect => inner.handle_connect(self.session, &self.handle, packet.payload()),
            Kind::ConnectError => inner.handle_refusal(Refusal::parse(packet.payload())),
            Kind::Disconnect => inner.handle_disconnect(),
            Kind::Event | Kind::BinaryEvent => {
                // Rule 29: what was missed comes before the namespace has answered.
                if let Some(packet) = inner.handle_event(packet) {
                    Socket::new(inner).receive(packet);
                }
            }
            Kind::Ack | Kind::BinaryAck => {
                let (id, socket) = (packet.id(), Socket::new(inner));
                socket.resolve(id, packet.arguments());
                socket.inner().handle_ack(id);
            }
        }
    }
}

impl Receiver {
    /// A packet for a namespace that was just left, or never joined, is for nobody (rule 25). One that was left before it had
    /// answered is told so now: a DISCONNECT before would have closed the connection.
    fn handle_unwanted(&self, packet: &Incoming<'_>) {
        if packet.kind() == Kind::Connect {
            let parser = self.manager.config().parser.as_deref();
            let goodbye = frame(parser, |out| {
                encode::disconnect(out, packet.namespace());
                Ok(Vec::new())
            });
            // If it can't be sent, then because the connection has ended or will.
            let _ = goodbye.map(|goodbye| self.handle.send_all(&goodbye));
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
            self.handle.fail();
        }
    }

    fn on_close(&mut self, reason: CloseReason) {
        self.manager.handle_close(self.session, reason);
    }
}
