//! What a WebSocket brings to a session, first to be tried and then to stay on (rules 13, 16-18).

use std::time::Instant;

use super::state::{Probe, State};
use super::{CloseReason, Output, Session, SocketId};
use crate::engine::{Message, Outgoing, Packet, Refusal};

impl Session {
    /// A client asks for a WebSocket for this session. Its packets and its end come under the id that is returned.
    ///
    /// # Errors
    /// [`Refusal`] if it has or tries one already, closes, or upgrades are not allowed: only the new WebSocket ends.
    pub fn handle_probe(&mut self, now: Instant) -> Result<SocketId, Refusal> {
        let socket = self.last_socket.next();
        let probe = Probe { socket, deadline: now + self.config.upgrade_timeout, answered: None };
        if self.config.may_upgrade() && self.state.begin_probe(probe) {
            self.last_socket = socket;
            return Ok(socket);
        }
        Err(self.polling_refusal())
    }

    /// A packet has come on a WebSocket. Gives the message that is for the application.
    pub fn handle_socket_packet<'a>(
        &mut self,
        now: Instant,
        socket: SocketId,
        packet: Packet<'a>,
    ) -> Option<Message<'a>> {
        if self.is_probe(socket) {
            self.handle_probe_packet(now, packet);
            None
        } else if self.is_current(socket) {
            self.handle_packet(now, packet)
        } else {
            None
        }
    }

    /// What came on a WebSocket is no packet.
    pub fn handle_socket_parse_error(&mut self, socket: SocketId) {
        if self.is_probe(socket) {
            self.end_probe();
        } else if self.is_current(socket) {
            self.handle_parse_error();
        }
    }

    /// A WebSocket has ended. `reason` counts if it was the session's transport.
    pub fn handle_socket_closed(&mut self, socket: SocketId, reason: CloseReason) {
        if self.is_probe(socket) {
            self.end_probe();
        } else if self.is_current(socket) {
            self.finish(reason);
        }
    }

    fn handle_probe_packet(&mut self, now: Instant, packet: Packet<'_>) {
        match packet {
            Packet::Ping("probe") if self.state.answer_probe(now) => {
                self.outputs.push_back(Output::Probe(Outgoing::probe_answer()));
            }
            Packet::Upgrade => self.upgrade(),
            // Rule 18: anything else closes only this WebSocket.
            _ => self.end_probe(),
        }
    }

    fn upgrade(&mut self) {
        let Some((requests, closing)) = self.state.upgrade() else {
            // `5` without a probe.
            return self.end_probe();
        };
        if requests.get.is_some() {
            // The client should have ended it first; it gets nothing more this way.
            self.outputs.push_back(Output::AnswerGet(vec![Outgoing::noop()]));
        }
        self.outputs.push_back(Output::Upgraded(self.buffer.take()));
        if closing {
            // Rule 18: a session that closes during the probe finishes that on the new transport.
            self.finish(CloseReason::ForcedClose);
        }
    }

    fn is_probe(&self, socket: SocketId) -> bool {
        self.state.probe().is_some_and(|probe| probe.socket == socket)
    }

    fn is_current(&self, socket: SocketId) -> bool {
        matches!(self.state, State::WebSocket { socket: current, .. } if current == socket)
    }
}
