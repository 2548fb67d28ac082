//! Takes the messages of one Engine.IO session: rules 22 to 27 as a [`SessionHandler`].

use std::fmt;
use std::sync::Arc;

use super::client::Client;
use crate::engine::server::{Handle, SessionHandler};
use crate::engine::{CloseReason, Message};
use crate::handler::Endpoint;
use crate::packet::{DecodeError, Decoder, Incoming, Kind};
use crate::server::{DisconnectReason, Io};

/// Takes the messages of one session.
pub(in crate::server) struct Connection {
    client: Arc<Client>,
    decoder: Decoder,
}

/// The client broke the protocol: its connection is closed, with all namespaces.
#[derive(Debug)]
pub(in crate::server) enum Violation {
    Packet(DecodeError),
    /// Rule 25.
    State(&'static str),
    /// It has sent more than it may, and the settings say that it is closed for that.
    RateLimit,
}

impl Connection {
    /// A session has opened. It is closed if no namespace is asked for in time.
    pub(in crate::server) fn open(io: Io, handle: Handle) -> Self {
        let client = Client::new(io, handle);
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
            Kind::Disconnect => socket.end(DisconnectReason::ClientNamespaceDisconnect, None),
            Kind::Ack | Kind::BinaryAck => socket.resolve(packet.id(), packet.arguments()),
            _ => {
                if socket.is_within_rate(&packet)? {
                    socket.receive(packet);
                }
            }
        }
        Ok(())
    }
}

impl SessionHandler for Connection {
    fn on_message(&mut self, message: Message<'_>) {
        if self.client.closing().is_some() {
            return;
        }
        match self.take(message) {
            Ok(()) => self.client.expect_attachment(self.decoder.is_pending()),
            Err(violation) => {
                tracing::debug!(%violation, "closing a connection");
                self.client.close(violation.reason(), Some(violation.to_string().into()));
            }
        }
    }

    fn on_close(&mut self, reason: CloseReason) {
        let (reason, details) =
            self.client.closing().cloned().unwrap_or_else(|| (reason.into(), None));
        for socket in self.client.clear() {
            socket.end(reason, details.clone());
        }
    }
}

impl Violation {
    const fn reason(&self) -> DisconnectReason {
        match self {
            Self::Packet(_) => DisconnectReason::ParseError,
            Self::State(_) | Self::RateLimit => DisconnectReason::ForcedServerClose,
        }
    }
}

impl From<DecodeError> for Violation {
    fn from(error: DecodeError) -> Self {
        Self::Packet(error)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(error) => write!(f, "invalid packet: {error}"),
            Self::State(what) => f.write_str(what),
            Self::RateLimit => f.write_str("too many events"),
        }
    }
}
