//! An Engine.IO session of the server: the machine between the transports below and the application above.
//!
//! Inputs are what happens on the transports (`handle_*`) and what the application wants ([`Session::send`],
//! [`Session::close`]); what is to be done about it comes out of [`Session::poll_output`], and the time of the next
//! [`Session::handle_timeout`] out of [`Session::poll_timeout`]. After every input the caller drains the outputs.
//! The server's `session` drives one per client.

mod buffer;
mod heartbeat;
mod outcome;
mod polling;
mod state;
#[cfg(test)]
mod tests;
mod websocket;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use ws::OverflowPolicy;

use self::buffer::Buffer;
use self::heartbeat::{Beat, Heartbeat};
pub use self::outcome::{CloseReason, Output, SendError, SocketId};
use self::state::{Requests, State};
use super::{Config, Message, Outgoing, Packet, Protocol, Transport};

/// An Engine.IO session of the server. See the module's description.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    protocol: Protocol,
    state: State,
    heartbeat: Heartbeat,
    buffer: Buffer,
    outputs: VecDeque<Output>,
    last_socket: SocketId,
}

impl Session {
    /// A session whose handshake came by polling. The caller answers it with the open packet.
    #[must_use]
    pub fn polling(config: Arc<Config>, now: Instant) -> Self {
        Self::new(config, State::Polling(Requests::default()), now)
    }

    /// A session that starts on a WebSocket. The caller sends the open packet on it.
    #[must_use]
    pub fn websocket(config: Arc<Config>, now: Instant) -> (Self, SocketId) {
        let socket = SocketId::FIRST;
        (Self::new(config, State::WebSocket { socket, post: false }, now), socket)
    }

    fn new(config: Arc<Config>, state: State, now: Instant) -> Self {
        let heartbeat = Heartbeat::new(now, config.ping_interval, config.ping_timeout);
        Self {
            config,
            protocol: Protocol::V4,
            state,
            heartbeat,
            buffer: Buffer::default(),
            outputs: VecDeque::new(),
            last_socket: SocketId::FIRST,
        }
    }

    /// The session of a client that speaks this version; without this, version 4. To be called before anything else.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol, now: Instant) -> Self {
        self.protocol = protocol;
        if protocol == Protocol::V3 {
            let Config { ping_interval, ping_timeout, .. } = *self.config;
            self.heartbeat = Heartbeat::listening(now, ping_interval, ping_timeout);
        }
        self
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // An idle session owns no memory for outputs.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When [`Self::handle_timeout`] is due; `None` once the session is closed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let own = match self.state {
            State::Closed => return None,
            State::Closing { deadline, .. } => Some(deadline),
            _ => self.heartbeat.deadline(),
        };
        let probe = self.state.probe().map(|probe| probe.deadline);
        [probe, self.state.noop_at(), own].into_iter().flatten().min()
    }

    /// Time has passed. Too early a call does nothing; a late one does what was due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let State::Closing { deadline, .. } = self.state
            && now >= deadline
        {
            return self.finish(CloseReason::ForcedClose);
        }
        if self.state.is_open() {
            match self.heartbeat.handle_timeout(now) {
                Some(Beat::Ping) => {
                    self.buffer.push_control(Outgoing::ping());
                    self.flush();
                }
                Some(Beat::Timeout) => return self.finish(CloseReason::PingTimeout),
                None => {}
            }
        }
        // Rule 18: upgradeTimeout closes only the WebSocket.
        if self.state.probe().is_some_and(|probe| now >= probe.deadline) {
            self.end_probe();
        }
        if self.state.noop_at().is_some_and(|at| now >= at) {
            self.answer_get(vec![Outgoing::noop()]);
        }
    }

    /// The settings that it was made with.
    #[must_use]
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The transport that carries messages; of a closed session, polling.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        if matches!(self.state, State::WebSocket { .. }) {
            Transport::WebSocket
        } else {
            Transport::Polling
        }
    }

    /// Is the session neither closing nor closed?
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Does what is sent now leave at once: is there a WebSocket, or does a GET wait?
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        match &self.state {
            State::WebSocket { .. } => true,
            State::Polling(requests) | State::Probing(requests, _) => requests.get.is_some(),
            State::Closing { .. } | State::Closed => false,
        }
    }

    /// Would messages be taken for a GET to come, or is the session over?
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.state.is_open() || self.buffer.has_room(self.config.max_buffered_bytes)
    }

    /// Bytes of messages that wait for a GET.
    #[must_use]
    pub const fn buffered_bytes(&self) -> usize {
        self.buffer.bytes()
    }

    /// Sends messages, nothing between them.
    ///
    /// # Errors
    /// [`SendError::Full`] if they don't fit behind what already waits, [`SendError::Closed`] if the session is closing or
    /// closed, or is closed for that reason (see [`Config::overflow`]). None of them was sent then.
    pub fn send_all(&mut self, packets: &[Outgoing]) -> Result<(), SendError> {
        if !self.state.is_open() {
            return Err(SendError::Closed);
        }
        if !self.has_room() {
            if self.config.overflow == OverflowPolicy::Disconnect {
                self.finish(CloseReason::ForcedClose);
                return Err(SendError::Closed);
            }
            return Err(SendError::Full);
        }
        self.buffer.push_all(packets);
        self.flush();
        Ok(())
    }

    /// Ends the session after what has been sent (rule 19). What the client sends from now on is ignored.
    pub fn close(&mut self, now: Instant) {
        if !self.state.is_open() {
            return;
        }
        let waiting = self.state.requests().is_none_or(|requests| requests.get.is_some());
        if waiting {
            // A GET waits, or there is a WebSocket: nothing is buffered, the client can be told at once.
            self.finish(CloseReason::ForcedClose);
        } else {
            self.state.begin_close(now + self.config.close_timeout);
        }
    }

    /// Ends the session at once: the client is told only if it is listening right now. For a server that goes away.
    pub fn abort(&mut self) {
        self.finish(CloseReason::ForcedClose);
    }

    /// A packet has come by POST; see [`Self::handle_socket_packet`] for one from a WebSocket. Gives the message that is for
    /// the application. Also takes what was still on its way when the session moved to a WebSocket.
    pub fn handle_packet<'a>(&mut self, now: Instant, packet: Packet<'a>) -> Option<Message<'a>> {
        match (packet, &self.state) {
            (_, State::Closed) => {}
            (Packet::Close, State::Closing { .. }) => self.finish(CloseReason::ForcedClose),
            (_, State::Closing { .. }) => {}
            (Packet::Message(message), _) => return Some(message),
            (Packet::Close, _) => self.finish(CloseReason::TransportClose),
            (Packet::Pong(_), _) if self.protocol == Protocol::V4 => {
                self.heartbeat.handle_pong(now);
            }
            (Packet::Ping(data), _) if self.protocol == Protocol::V3 => {
                self.heartbeat.handle_ping(now);
                self.buffer.push_pong(Outgoing::pong(data));
                self.flush();
            }
            // Rule 16: in version 4 only the server pings, in version 3 only the client.
            (Packet::Pong(_) | Packet::Ping(_), _) => self.finish(CloseReason::TransportError),
            // Meaningless from a client here; the reference server lets them pass (rule 19).
            (Packet::Open(_) | Packet::Upgrade | Packet::Noop, _) => {}
        }
        None
    }

    /// Nothing is read from the client until [`Self::handle_resume`]. It is pinged as ever, but needs not answer.
    pub fn handle_pause(&mut self) {
        self.heartbeat.handle_pause();
    }

    /// The client is read again, and has the whole `ping_timeout` for a pong that it still owes.
    pub fn handle_resume(&mut self, now: Instant) {
        self.heartbeat.handle_resume(now);
    }

    /// What came is no packet.
    pub fn handle_parse_error(&mut self) {
        self.finish(CloseReason::ParseError);
    }

    /// Sends what is buffered if there is a way.
    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        match &self.state {
            State::WebSocket { .. } => self.outputs.push_back(Output::Send(self.buffer.take())),
            State::Polling(requests)
            | State::Probing(requests, _)
            | State::Closing { requests, .. }
                if requests.get.is_some() =>
            {
                let packets = self.buffer.take();
                self.answer_get(packets);
            }
            _ => {}
        }
    }

    fn answer_get(&mut self, packets: Vec<Outgoing>) {
        if let Some(requests) = self.state.requests() {
            requests.get = None;
        }
        self.outputs.push_back(Output::AnswerGet(packets));
    }

    fn end_probe(&mut self) {
        if self.state.probe().is_some() {
            self.state.end_probe();
            self.outputs.push_back(Output::CloseProbe);
        }
    }

    /// Any state -> closed, with all that follows. Exactly one [`Output::Closed`] leaves a session.
    fn finish(&mut self, reason: CloseReason) {
        let was = self.state.close();
        if matches!(was, State::Closed) {
            return;
        }
        // After an orderly close all has been delivered by now.
        drop(self.buffer.take());
        if was.probe().is_some() {
            self.outputs.push_back(Output::CloseProbe);
        }
        match was {
            State::WebSocket { .. } => self.outputs.push_back(Output::CloseSocket),
            State::Polling(requests)
            | State::Probing(requests, _)
            | State::Closing { requests, .. }
                if requests.get.is_some() =>
            {
                self.outputs.push_back(Output::AnswerGet(vec![Outgoing::close()]));
            }
            _ => {}
        }
        self.outputs.push_back(Output::Closed(reason));
    }
}
