//! Broadcasts that wait for room: nobody is left out because too many bytes wait for it, and who has room need not wait for the others.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use ws::net::Wheel;

use super::Broadcast;
use crate::adapter::{Encoded, SocketId};
use crate::handler::{Endpoint, Frames, How, frame_encoded};
use crate::packet::EncodeError;
use crate::server::{EmitError, Socket};

impl Broadcast {
    /// As [`emit`](Self::emit), but waits for those for whom too many bytes wait
    /// ([`engine::Config::max_buffered_bytes`](crate::engine::Config::max_buffered_bytes)), whatever
    /// [`Config::slow_receiver`](crate::server::Config::slow_receiver) says: the others get the event at once, and each of those when it
    /// has room. With [`Config::recovery`](crate::server::Config::recovery), where all get the same events in one order, all wait until
    /// everybody has room.
    ///
    /// It is sent when this is awaited. A future that is dropped has sent it to some of them.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit_when_ready(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> impl Future<Output = Result<(), EmitError>> + Send {
        let encoded = self.encode(None, event, &data);
        let this = self.clone();
        async move { this.send_patiently(encoded, None).await.map(drop) }
    }

    /// As [`emit_when_ready`](Self::emit_when_ready), but gives up after `time`. Gives those that had no room until then and have not
    /// got it.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit_within(
        &self,
        time: Duration,
        event: &str,
        data: impl Serialize,
    ) -> impl Future<Output = Result<Vec<SocketId>, EmitError>> + Send {
        let encoded = self.encode(None, event, &data);
        let this = self.clone();
        async move {
            let deadline = Instant::from_std(Wheel::deadline(time));
            this.send_patiently(encoded, Some(deadline)).await
        }
    }

    async fn send_patiently(
        mut self,
        encoded: Result<Encoded, EncodeError>,
        deadline: Option<Instant>,
    ) -> Result<Vec<SocketId>, EmitError> {
        let packet = encoded?;
        if self.how.volatile {
            self.namespace.broadcast(&self.target, packet, self.how);
            return Ok(Vec::new());
        }
        let how = How { waits: true, ..self.how };
        let (mut waiting, mut late) = (JoinSet::new(), Vec::new());
        if self.namespace.publisher.is_some() {
            for socket in self.sockets().into_iter().filter(|socket| !socket.takes_now(how)) {
                late.push(socket.id());
                waiting.spawn(async move {
                    while !socket.takes_now(how) && socket.connected() {
                        socket.ready().await;
                    }
                    socket.id()
                });
            }
            join(&mut waiting, &mut late, deadline).await;
            self.target.except.extend(late.iter().map(|id| (*id).into()));
            self.namespace.broadcast(&self.target, packet, self.how);
            return Ok(late);
        }
        let parser = self.namespace.parser.as_deref();
        let messages = frame_encoded(parser, &packet.text, &packet.attachments)?;
        let messages = messages.compress(how.compress);
        for socket in self.sockets() {
            let sent = socket.send_shown(&packet, &messages, how);
            if matches!(sent, Err(EmitError::Full)) {
                late.push(socket.id());
                waiting.spawn(send_when_ready(socket, messages.clone(), how));
            }
        }
        join(&mut waiting, &mut late, deadline).await;
        Ok(late)
    }
}

/// Who sees what is emitted has seen it.
async fn send_when_ready(socket: Socket, messages: Frames, how: How) -> SocketId {
    while let Err(EmitError::Full) = socket.send_droppable(&messages, how) {
        socket.ready().await;
    }
    socket.id()
}

/// Waits for those who wait, and takes them off the list of those who are late.
async fn join(
    waiting: &mut JoinSet<SocketId>,
    late: &mut Vec<SocketId>,
    deadline: Option<Instant>,
) {
    loop {
        let next = waiting.join_next();
        let next = match deadline {
            Some(deadline) => timeout_at(deadline, next).await.unwrap_or(None),
            None => next.await,
        };
        match next {
            Some(Ok(id)) => late.retain(|other| *other != id),
            // A task that has panicked has sent nothing.
            Some(Err(_)) => {}
            None => return,
        }
    }
}
