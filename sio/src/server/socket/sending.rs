//! Sending that waits for room, and what waits for a client.

use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout_at;
use ws::net::Wheel;

use super::state::Phase;
use crate::adapter::{Encoded, Target, without_offset};
use crate::engine::Outgoing;
use crate::handler::{How, frame_encoded, show_outgoing};
use crate::packet::encode;
use crate::server::{EmitError, Socket};

impl Socket {
    /// As [`emit`](Self::emit), but waits until there is room if too many bytes wait for the client
    /// ([`engine::Config::max_buffered_bytes`](crate::engine::Config::max_buffered_bytes)). Cancel-safe: a future that is dropped has
    /// sent all or nothing.
    ///
    /// # Errors
    /// As `emit`, but never [`EmitError::Full`].
    pub async fn emit_when_ready(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        loop {
            match self.emit(event, &data) {
                Err(EmitError::Full) => self.ready().await,
                sent => return sent,
            }
        }
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
        let deadline = Wheel::deadline(time).into();
        let sent = timeout_at(deadline, self.emit_when_ready(event, data)).await;
        sent.unwrap_or(Err(EmitError::Full))
    }

    /// Bytes that wait for the client, in all of its namespaces.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.inner().client.handle.buffered_bytes()
    }

    /// Waits until there is room for messages to the client, or it is gone.
    pub async fn ready(&self) {
        self.inner().client.handle.ready().await;
    }

    /// Waits until the client has taken all that was sent, as far as its transport can tell, or is gone.
    pub async fn drained(&self) {
        self.inner().client.handle.drained().await;
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
        self.inner().send(messages, how.volatile)
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
        if let Some(hooks) = self.outgoing_hooks() {
            show_outgoing(&hooks, &packet.text, &packet.attachments)?;
        }
        let publisher = inner.namespace.publisher.as_ref();
        match publisher.filter(|_| !how.volatile && inner.phase() == Phase::Connected) {
            Some(publisher) => {
                if self.buffered_bytes() >= self.io().config().engine.max_buffered_bytes {
                    return Err(EmitError::Full);
                }
                let target = Target { rooms: vec![self.id().into()], ..Target::default() };
                publisher.publish(&inner.namespace, &target, packet, how, true);
                Ok(())
            }
            None => {
                without_offset(&mut packet);
                let parser = inner.namespace.parser.as_deref();
                let messages = frame_encoded(parser, &packet.text, &packet.attachments)?;
                inner.send(&messages.compress(how.compress), how.volatile).map(drop)
            }
        }
    }
}
