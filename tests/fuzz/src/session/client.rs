//! The client's side, as the JavaScript client behaves (rules 15 and 17).

use std::collections::VecDeque;

use super::Manners;
use super::oracle::Flow;

/// A packet of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Up {
    Message(u32),
    Ping,
    Pong,
    Probe,
    Upgrade,
    Close,
    Noop,
    Open,
    NoPacket,
}

/// Where it stands with the WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Socket {
    None,
    /// Has sent `2probe`.
    Probing,
    /// Has got `3probe`, and waits for its requests to end.
    Pausing,
    /// It is the transport.
    Current,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) manners: Manners,
    pub(super) socket: Socket,
    /// Requests in flight, as it sees it.
    pub(super) gets: u8,
    pub(super) posts: bool,
    /// Written and not yet sent.
    pub(super) waiting: VecDeque<Up>,
    /// It has given up, or was told that it is over.
    pub(super) is_dead: bool,
    /// It went away by itself, so that what is under way to it is of no use.
    pub(super) has_left: bool,
    pub(super) down: Flow,
    pub(super) up: Flow,
}

/// What it does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Post(Vec<Up>),
    SocketSends(Vec<Up>),
}

impl Client {
    pub(super) fn new(manners: Manners) -> Self {
        let socket = if manners.starts_on_socket { Socket::Current } else { Socket::None };
        Self {
            manners,
            socket,
            gets: 0,
            posts: false,
            waiting: VecDeque::new(),
            is_dead: false,
            has_left: false,
            down: Flow::default(),
            up: Flow::default(),
        }
    }

    pub(super) fn may_poll(&self) -> bool {
        !self.is_dead && self.gets == 0 && matches!(self.socket, Socket::None | Socket::Probing)
    }

    pub(super) fn die(&mut self) {
        self.is_dead = true;
        self.waiting.clear();
    }

    /// A packet has come, by a request or on the WebSocket.
    pub(super) fn take(&mut self, packet: &str, on_socket: bool) -> Option<Act> {
        if self.is_dead {
            return None;
        }
        match packet {
            "1" => self.die(),
            "2" if self.manners.is_alive => {
                assert!(!self.manners.is_old, "version 3 is not pinged");
                self.waiting.push_back(Up::Pong);
            }
            "3probe" if on_socket && self.socket == Socket::Probing => {
                self.socket = Socket::Pausing
            }
            "2" | "3" | "6" => {}
            packet => {
                let number = packet.strip_prefix('4').and_then(|number| number.parse().ok());
                let number = number.unwrap_or_else(|| panic!("{packet}"));
                self.down.see(number, self.manners.is_patient);
            }
        }
        self.proceed()
    }

    /// Sends what waits, if there is a way.
    pub(super) fn proceed(&mut self) -> Option<Act> {
        if self.is_dead {
            return None;
        }
        let is_free = self.gets == 0 && !self.posts;
        if self.socket == Socket::Pausing && (is_free || !self.manners.is_patient) {
            self.socket = Socket::Current;
            let packets = std::iter::once(Up::Upgrade).chain(self.waiting.drain(..)).collect();
            return Some(Act::SocketSends(packets));
        }
        if self.waiting.is_empty() {
            return None;
        }
        match self.socket {
            Socket::Current => Some(Act::SocketSends(self.waiting.drain(..).collect())),
            // While it pauses it writes nothing more by polling.
            Socket::None | Socket::Probing if !self.posts => {
                self.posts = true;
                Some(Act::Post(self.waiting.drain(..).collect()))
            }
            _ => None,
        }
    }
}
