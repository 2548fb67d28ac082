//! A WebSocket that carries a client's session: a handler in the task of its connection.

use ws::{CloseReport, Context, Handler, Message, Payload, WebSocket};

use super::address::Address;
use super::{ConnectError, Handle};
use crate::engine::{CloseReason, Open, Packet, SessionHandler};

/// Opens a session over WebSocket: its first packet is the open packet (rule 11). A server that sends anything else is none of ours.
pub(super) async fn open(address: &Address) -> Result<(WebSocket, Open), ConnectError> {
    let mut socket = connect(address, None).await?;
    let first = socket.recv().await.map_err(|_| ConnectError::Closed)?;
    let Some(Message::Text(text)) = first else {
        return Err(if first.is_some() {
            ConnectError::NoOpenPacket
        } else {
            ConnectError::Closed
        });
    };
    match Packet::from_text(text.as_str(), &mut Vec::new()) {
        Ok(Packet::Open(json)) => {
            let open = Open::parse(json).map_err(|_| ConnectError::NoOpenPacket)?;
            Ok((socket, open))
        }
        _ => Err(ConnectError::NoOpenPacket),
    }
}

/// The WebSocket of a session that polls, or of a new one.
pub(super) async fn connect(
    address: &Address,
    sid: Option<&str>,
) -> Result<WebSocket, ConnectError> {
    let connected = address.websocket(sid).handshake().await?;
    let set = connected.response().headers().get_all(http::header::SET_COOKIE);
    address.keep_cookies(set, std::time::SystemTime::now());
    Ok(connected.into_websocket())
}

/// Takes what comes on the WebSocket of a session.
pub(super) struct SocketHandler<H: SessionHandler>(Option<(Handle, H)>);

impl<H: SessionHandler> SocketHandler<H> {
    pub(super) const fn new(handle: Handle, handler: H) -> Self {
        Self(Some((handle, handler)))
    }

    fn end(&mut self, reason: CloseReason) {
        if let Some((handle, mut handler)) = self.0.take() {
            handle.end(reason);
            handler.on_close(handle.ended().unwrap_or(reason));
            handle.handle_gone();
        }
    }
}

impl<H: SessionHandler + 'static> Handler for SocketHandler<H> {
    fn on_message(&mut self, _socket: &mut Context<'_>, message: Payload<'_>) {
        let Some((handle, handler)) = &mut self.0 else { return };
        let mut scratch = Vec::new();
        let packet = match message.as_text() {
            Some(text) => Packet::from_text(text, &mut scratch),
            None => Ok(Packet::from_binary(message.as_bytes())),
        };
        match packet {
            Ok(packet) => handle_packet(handle, handler, &packet),
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

/// A packet has come, whatever carried it.
pub(super) fn handle_packet(
    handle: &Handle,
    handler: &mut impl SessionHandler,
    packet: &Packet<'_>,
) {
    if handle.ended().is_some() {
        return;
    }
    match packet {
        Packet::Message(message) => handler.on_message(*message),
        Packet::Ping(data) => handle.handle_ping(data),
        Packet::Close => handle.end(CloseReason::TransportClose),
        // Rule 19: a noop means nothing; the others don't either.
        Packet::Open(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop => {}
    }
}

/// A handler that panicked is not told of the end of its connection.
impl<H: SessionHandler> Drop for SocketHandler<H> {
    fn drop(&mut self) {
        self.end(CloseReason::TransportError);
    }
}
