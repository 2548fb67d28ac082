//! Sending that waits for room, and what waits for a client.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout_at;
use ws::net::Wheel;

use super::Sending;
use super::state::Phase;
use crate::adapter::{Encoded, Target, without_offset};
use crate::engine::Outgoing;
use crate::handler::{Endpoint, How, frame_encoded, show_outgoing};
use crate::packet::encode;
use crate::server::SlowReceiver;
use crate::server::session::backlog::Worth;
use crate::server::{EmitError, Socket};

impl Socket {
    /// As [`emit`](Self::emit), but waits until there is room if too many bytes wait for the client
    /// ([`engine::Config::max_buffered_bytes`](crate::engine::Config::max_buffered_bytes)). Cancel-safe: a future that is dropped has
    /// sent all or nothing.
    ///
    /// # Errors
    /// As `emit`, but [`EmitError::Full`] only in a middleware: nothing leaves before that has returned.
    pub async fn emit_when_ready(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        self.sending().emit_when_ready(event, data).await
    }

    /// As [`emit_when_ready`](Self::emit_when_ready), but gives up after `time`.
    ///
    /// # Errors
    /// As `emit`: [`EmitError::Full`] if there was no room in time.
    pub async fn emit_within(
        &self,
        time: Duration,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        self.sending().emit_within(time, event, data).await
    }

    /// Bytes that wait for the client, in all of its namespaces.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.inner().client.buffered_bytes()
    }

    /// Waits until there is room for messages to the client, or it is gone.
    pub async fn ready(&self) {
        if self.is_connecting() {
            // What waits for the grant is out of the transport's sight.
            tokio::task::yield_now().await;
        }
        self.inner().client.ready().await;
    }

    /// Waits until the client has taken all that was sent, as far as its transport can tell, or is gone.
    pub async fn drained(&self) {
        self.inner().client.drained().await;
    }

    /// Events that were dropped for newer ones because the client does not keep up, in all of its namespaces: see
    /// [`SlowReceiver::DropOldest`](crate::server::SlowReceiver::DropOldest).
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.inner().client.dropped()
    }

    /// Sends what is encoded and framed already, if those who see what is emitted let it pass.
    pub(in crate::server) fn send_shown(
        &self,
        packet: &Encoded,
        messages: &[Outgoing],
        how: How,
    ) -> Result<bool, EmitError> {
        if let Some(hooks) = self.outgoing_hooks() {
            show_outgoing(&hooks, &packet.text, &packet.attachments)?;
        }
        let worth = match Worth::of(how) {
            // It asks for an answer.
            Worth::Droppable => Worth::Needed,
            worth => worth,
        };
        self.inner().send(messages, worth)
    }

    /// Sends an event that asks for no answer where connection state recovery is on: it is kept, or marked as one that is not.
    pub(in crate::server) fn emit_kept<D: Serialize>(
        &self,
        event: &str,
        data: &D,
        how: How,
    ) -> Result<(), EmitError> {
        let inner = self.inner();
        let mut text = String::new();
        let attachments = encode::event(&mut text, self.namespace_name(), None, event, data)?;
        let mut packet = Encoded { text, attachments };
        let publisher = inner.namespace.publisher.as_ref();
        let publisher = publisher.filter(|_| !how.volatile && inner.phase() == Phase::Connected);
        // What is kept is not taken back.
        if publisher.is_some() && !self.takes_now(how) {
            return Err(EmitError::Full);
        }
        if let Some(hooks) = self.outgoing_hooks() {
            show_outgoing(&hooks, &packet.text, &packet.attachments)?;
        }
        match publisher {
            Some(publisher) => {
                let how = How { waits: false, ..how };
                let target = Target { rooms: vec![self.id().into()], ..Target::default() };
                publisher.publish(&inner.namespace, &target, packet, how, true);
                Ok(())
            }
            None => {
                without_offset(&mut packet);
                let parser = inner.namespace.parser.as_deref();
                let messages = frame_encoded(parser, &packet.text, &packet.attachments)?;
                inner.send(&messages.compress(how.compress), Worth::of(how)).map(drop)
            }
        }
    }

    fn is_connecting(&self) -> bool {
        self.inner().phase() == Phase::Connecting
    }

    /// Whether there is room for an event, or older ones make room.
    pub(in crate::server) fn takes_now(&self, how: How) -> bool {
        let config = self.io().config();
        let drops = config.slow_receiver == SlowReceiver::DropOldest && !how.waits;
        drops || self.buffered_bytes() < config.engine.max_buffered_bytes
    }
}

/// Sending that waits for room.
impl Sending<'_> {
    /// As [`Socket::emit_when_ready`], in this way.
    ///
    /// # Errors
    /// As there.
    pub async fn emit_when_ready(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        let (socket, how) = (self.socket, How { waits: true, ..self.how });
        socket.check_open()?;
        if socket.inner().namespace.publisher.is_some() {
            loop {
                match socket.emit_kept(event, &data, how) {
                    Err(EmitError::Full) if !socket.is_connecting() => socket.ready().await,
                    sent => return sent,
                }
            }
        }
        let messages = socket.frame_event(None, event, &data, how)?;
        loop {
            match socket.send_droppable(&messages, how) {
                Err(EmitError::Full) if !socket.is_connecting() => socket.ready().await,
                sent => return sent.map(drop),
            }
        }
    }

    /// As [`Socket::emit_within`], in this way.
    ///
    /// # Errors
    /// As `emit`: [`EmitError::Full`] if there was no room in time.
    pub async fn emit_within(
        &self,
        time: Duration,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        let deadline = Wheel::deadline(time).into();
        let sent = timeout_at(deadline, self.emit_when_ready(event, data)).await;
        sent.unwrap_or(Err(EmitError::Full))
    }
}
