//! The states of a session and every transition between them (rules 8, 17-19).
//!
//! ```text
//!  GET without sid        +---------+   ws with sid   +---------+  `5` after `2probe`   +-----------+   ws without sid
//! ----------------------> | polling | --------------> | probing | --------------------> | websocket | <----------------
//!                         |         | <-------------- |         |                       |           |
//!                         +---------+  ws ends, wrong +---------+                       +-----------+
//!                           |     |    packet, time     |     |                               |
//!            close, no GET  |     |                     |     |                               |
//!                   waiting |     |     +---------+     |     |                               |
//!                           +-----|---> | closing | <---+     |                               |
//!                                 |     +---------+           |                               |
//!    close with a GET waiting,    |          | GET, `5`, `1`, |                               |  close, ws ends,
//!    `1`, overlap, abort, parse   |          | time           |                               |  parse error,
//!    error, ping timeout          v          v                v                               v  ping timeout
//!                         +---------------------------------------------------------------------------+
//!                         |                                  closed                                   |
//!                         +---------------------------------------------------------------------------+
//! ```

use std::time::{Duration, Instant};

use super::SocketId;

/// A waiting GET is answered with a noop this long after the probe was (rule 17), so that a client which doesn't pause
/// its polling at once is not sent round in circles.
const NOOP_DELAY: Duration = Duration::from_millis(100);

/// Where a session stands.
#[derive(Debug)]
pub(super) enum State {
    /// Packets go through GET and POST.
    Polling(Requests),
    /// And a WebSocket is being tried.
    Probing(Requests, Probe),
    /// Packets go through this WebSocket. `post` is the body of a POST that began before the upgrade.
    WebSocket { socket: SocketId, post: bool },
    /// The application has closed a polling session while no GET was waiting to be told.
    Closing { requests: Requests, probe: Option<Probe>, deadline: Instant },
    /// It is over.
    Closed,
}

/// The HTTP requests in flight: at most one of each (rule 8).
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Requests {
    /// Since when a GET waits.
    pub(super) get: Option<Instant>,
    pub(super) post: bool,
}

/// A WebSocket that is being tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    pub(super) socket: SocketId,
    pub(super) deadline: Instant,
    /// When `2probe` was answered.
    pub(super) answered: Option<Instant>,
}

impl State {
    /// Not closing and not closed?
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Polling(_) | Self::Probing(..) | Self::WebSocket { .. })
    }

    pub(super) const fn requests(&mut self) -> Option<&mut Requests> {
        match self {
            Self::Polling(requests)
            | Self::Probing(requests, _)
            | Self::Closing { requests, .. } => Some(requests),
            Self::WebSocket { .. } | Self::Closed => None,
        }
    }

    pub(super) const fn probe(&self) -> Option<&Probe> {
        match self {
            Self::Probing(_, probe) | Self::Closing { probe: Some(probe), .. } => Some(probe),
            _ => None,
        }
    }

    /// polling -> probing. Whoever already has a WebSocket, tries one or closes gets no other (rule 18).
    pub(super) const fn begin_probe(&mut self, probe: Probe) -> bool {
        match *self {
            Self::Polling(requests) => {
                *self = Self::Probing(requests, probe);
                true
            }
            _ => false,
        }
    }

    /// `2probe` has come. Only once.
    pub(super) const fn answer_probe(&mut self, now: Instant) -> bool {
        match self {
            Self::Probing(_, probe) | Self::Closing { probe: Some(probe), .. }
                if probe.answered.is_none() =>
            {
                probe.answered = Some(now);
                true
            }
            _ => false,
        }
    }

    /// probing -> polling: the polling session lives on (rule 18).
    pub(super) const fn end_probe(&mut self) {
        match self {
            Self::Probing(requests, _) => *self = Self::Polling(*requests),
            Self::Closing { probe, .. } => *probe = None,
            _ => {}
        }
    }

    /// probing, closing -> websocket, if the probe was answered. Gives what was in flight, and whether it was closing.
    pub(super) const fn upgrade(&mut self) -> Option<(Requests, bool)> {
        let (requests, probe, closing) = match *self {
            Self::Probing(requests, probe) => (requests, probe, false),
            Self::Closing { requests, probe: Some(probe), .. } => (requests, probe, true),
            _ => return None,
        };
        if probe.answered.is_none() {
            return None;
        }
        *self = Self::WebSocket { socket: probe.socket, post: requests.post };
        Some((requests, closing))
    }

    /// polling, probing -> closing.
    pub(super) const fn begin_close(&mut self, deadline: Instant) {
        match *self {
            Self::Polling(requests) => *self = Self::Closing { requests, probe: None, deadline },
            Self::Probing(requests, probe) => {
                *self = Self::Closing { requests, probe: Some(probe), deadline }
            }
            _ => {}
        }
    }

    /// Any -> closed. Gives what it was.
    pub(super) const fn close(&mut self) -> Self {
        std::mem::replace(self, Self::Closed)
    }

    /// When a waiting GET must make way for the upgrade.
    pub(super) fn noop_at(&self) -> Option<Instant> {
        match self {
            Self::Probing(
                Requests { get: Some(since), .. },
                Probe { answered: Some(answered), .. },
            ) => Some(*since.max(answered) + NOOP_DELAY),
            _ => None,
        }
    }
}
