//! Where the packets of a session go: to a queue that the next POST takes, or to its WebSocket.

use ws::{CloseCode, TrySendError};

use crate::engine::{Batches, Outgoing, SendError};

pub(super) enum Outlet {
    Polling(Batches),
    WebSocket(ws::Sender),
}

impl Outlet {
    /// Sends all of these or none; each may have so many bytes on the wire, and so many may wait.
    pub(super) fn send_all(
        &mut self,
        packets: &[Outgoing],
        max_payload: usize,
        limit: usize,
    ) -> Result<(), SendError> {
        let length = match self {
            // Rule 12: base64.
            Self::Polling(_) => Outgoing::polling_len,
            Self::WebSocket(_) => Outgoing::len,
        };
        if packets.iter().any(|packet| length(packet) > max_payload) {
            return Err(SendError::TooLarge);
        }
        match self {
            Self::Polling(batches) => batches.push_all(packets, limit),
            Self::WebSocket(socket) => match packets {
                [packet] => socket.try_send_prepared(packet.prepared()).map_err(refused),
                packets => {
                    let frames: Vec<_> = packets.iter().map(|p| p.prepared().clone()).collect();
                    socket.try_send_all(&frames).map_err(refused)
                }
            },
        }
    }

    /// Answers a ping. `false` if there is no room for it just now.
    pub(super) fn pong(&mut self, data: &str) -> bool {
        let pong = Outgoing::pong(data);
        match self {
            Self::Polling(batches) => batches.push_pong(pong),
            Self::WebSocket(socket) => {
                let sent = socket.try_send_prepared(pong.prepared());
                return !matches!(sent, Err(TrySendError::Full(())));
            }
        }
        true
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        match self {
            Self::Polling(batches) => batches.bytes(),
            Self::WebSocket(socket) => socket.buffered_bytes(),
        }
    }

    /// Whether what is sent now waits behind nothing.
    pub(super) fn is_writable(&self) -> bool {
        match self {
            Self::Polling(batches) => batches.is_empty(),
            Self::WebSocket(socket) => socket.is_writable(),
        }
    }

    /// Ends the WebSocket, at once or after what waits. A polling session ends itself.
    pub(super) fn end(&self, at_once: bool) {
        match self {
            Self::Polling(_) => {}
            Self::WebSocket(socket) if at_once => socket.abort(),
            Self::WebSocket(socket) => socket.close(CloseCode::NORMAL, ""),
        }
    }

    pub(super) fn pause_reading(&self, pause: bool) {
        match self {
            Self::WebSocket(socket) if pause => socket.pause_reading(),
            Self::WebSocket(socket) => socket.resume_reading(),
            Self::Polling(_) => {}
        }
    }

    /// The WebSocket, once there is one.
    pub(super) const fn websocket(&self) -> Option<&ws::Sender> {
        match self {
            Self::Polling(_) => None,
            Self::WebSocket(socket) => Some(socket),
        }
    }

    /// The queue, as long as the session polls.
    pub(super) const fn batches(&mut self) -> Option<&mut Batches> {
        match self {
            Self::Polling(batches) => Some(batches),
            Self::WebSocket(_) => None,
        }
    }
}

fn refused(error: TrySendError<()>) -> SendError {
    match error {
        TrySendError::Full(()) => SendError::Full,
        TrySendError::Closed(()) => SendError::Closed,
    }
}
