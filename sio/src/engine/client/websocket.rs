//! A WebSocket that carries a client's session: a handler in the task of its connection.

use tokio::sync::oneshot;
use ws::{CloseCode, CloseReport, Context, Handler, Payload};

use super::{ConnectError, Handle};
use crate::engine::{CloseReason, Open, Packet, SessionHandler};

pub(super) struct SocketHandler<H: SessionHandler, F>(Stage<H, F>);

type Opened = oneshot::Sender<Result<Handle, ConnectError>>;

enum Stage<H, F> {
    /// The open packet is still to come.
    Opening(F, Opened),
    Open(Handle, H),
    Ended,
}

impl<H, F> SocketHandler<H, F>
where
    H: SessionHandler + 'static,
    F: FnOnce(Handle) -> H + Send + 'static,
{
    pub(super) fn new(make: F) -> (Self, oneshot::Receiver<Result<Handle, ConnectError>>) {
        let (told, opened) = oneshot::channel();
        (Self(Stage::Opening(make, told)), opened)
    }

    /// Rule 11: the first packet of a session is the open packet. A server that sends anything else is none of ours.
    fn handle_first(&mut self, socket: &mut Context<'_>, message: &Payload<'_>) {
        let Stage::Opening(make, told) = std::mem::replace(&mut self.0, Stage::Ended) else {
            return;
        };
        let mut scratch = Vec::new();
        let open = match message.as_text().map(|text| Packet::from_text(text, &mut scratch)) {
            Some(Ok(Packet::Open(json))) => Open::parse(json).ok(),
            _ => None,
        };
        let Some(open) = open else {
            let _ = told.send(Err(ConnectError::NoOpenPacket));
            return socket.close(CloseCode::POLICY_VIOLATION, "open packet expected");
        };
        let handle = Handle::new(socket.sender(), open);
        self.0 = Stage::Open(handle.clone(), make(handle.clone()));
        // Whoever waited for it may have given up; then it has aborted the connection, too.
        let _ = told.send(Ok(handle));
    }
}

impl<H: SessionHandler, F> SocketHandler<H, F> {
    fn end(&mut self, reason: CloseReason) {
        match std::mem::replace(&mut self.0, Stage::Ended) {
            Stage::Opening(_, told) => _ = told.send(Err(ConnectError::Closed)),
            Stage::Open(handle, mut handler) => {
                handle.end(reason);
                handler.on_close(handle.ended().unwrap_or(reason));
            }
            Stage::Ended => {}
        }
    }
}

impl<H, F> Handler for SocketHandler<H, F>
where
    H: SessionHandler + 'static,
    F: FnOnce(Handle) -> H + Send + 'static,
{
    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let Stage::Open(handle, handler) = &mut self.0 else {
            return self.handle_first(socket, &message);
        };
        if handle.ended().is_some() {
            return;
        }
        let mut scratch = Vec::new();
        let packet = match message.as_text() {
            Some(text) => Packet::from_text(text, &mut scratch),
            None => Ok(Packet::from_binary(message.as_bytes())),
        };
        match packet {
            Ok(Packet::Message(message)) => handler.on_message(message),
            Ok(Packet::Ping(data)) => handle.handle_ping(data),
            Ok(Packet::Close) => handle.end(CloseReason::TransportClose),
            // Rule 19: a noop on a WebSocket means nothing; the others don't either.
            Ok(Packet::Open(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop) => {}
            Err(error) => {
                tracing::debug!(%error, "no packet");
                handle.end(CloseReason::ParseError);
            }
        }
    }

    fn on_close(&mut self, report: &CloseReport) {
        self.end(match report.failure {
            Some(ws::Failure::Protocol(_)) => CloseReason::TransportError,
            _ => CloseReason::TransportClose,
        });
    }
}

/// A handler that panicked is not told of the end of its connection.
impl<H: SessionHandler, F> Drop for SocketHandler<H, F> {
    fn drop(&mut self) {
        self.end(CloseReason::TransportError);
    }
}
