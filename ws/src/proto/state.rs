//! Where a connection stands in the closing handshake (RFC 6455 §7).
//!
//! ```text
//!            close()                    close frame received
//!   Open ───────────────► CloseSent ──────────────────────────► Closed
//!    │                        │   end of stream, error, deadline   ▲
//!    │                        └────────────────────────────────────┤
//!    │  close frame received (and answered)                        │
//!    │  violation (answered by a close frame: "fail the            │
//!    │  connection"), end of stream, error, deadline               │
//!    └─────────────────────────────────────────────────────────────┘
//! ```
//!
//! `Closed` says that no further frame is sent or processed; what is in the outbox may still have to leave.

use std::time::Instant;

use super::close::{CloseFrame, CloseReport, Failure, Initiator};

/// See the diagram above.
#[derive(Debug)]
pub(super) enum State {
    Open,
    /// Our close frame is out; the peer's is awaited until the deadline.
    CloseSent(Box<CloseSent>),
    Closed(Box<CloseReport>),
}

/// What is known while the peer's close frame is awaited.
#[derive(Debug)]
pub(super) struct CloseSent {
    frame: CloseFrame,
    pub(super) deadline: Instant,
}

impl State {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    pub(super) const fn report(&self) -> Option<&CloseReport> {
        match self {
            Self::Closed(report) => Some(report),
            _ => None,
        }
    }

    /// Our close frame has been queued, nothing was received yet.
    pub(super) fn close_sent(&mut self, frame: CloseFrame, deadline: Instant) {
        debug_assert!(self.is_open());
        *self = Self::CloseSent(Box::new(CloseSent { frame, deadline }));
    }

    /// The peer's close frame has arrived; `answer` is what was queued for it if we had not begun.
    pub(super) fn close_received(&mut self, received: CloseFrame, answer: CloseFrame) {
        let (sent, initiator) = match std::mem::replace(self, Self::Open) {
            Self::Open => (answer, Initiator::Peer),
            Self::CloseSent(sent) => (sent.frame, Initiator::Local),
            closed @ Self::Closed(_) => {
                *self = closed;
                return;
            }
        };
        *self = Self::Closed(Box::new(CloseReport {
            sent: Some(sent),
            received: Some(received),
            initiator,
            failure: None,
        }));
    }

    /// The connection has failed; `sent` is the close frame that was queued to say so, if one was.
    pub(super) fn failed(&mut self, failure: Failure, sent: Option<CloseFrame>) {
        let sent = match std::mem::replace(self, Self::Open) {
            Self::Open => sent,
            Self::CloseSent(sent) => Some(sent.frame),
            closed @ Self::Closed(_) => {
                *self = closed;
                return;
            }
        };
        let initiator = match failure {
            Failure::Eof | Failure::Io(_) if sent.is_none() => Initiator::Peer,
            _ => Initiator::Local,
        };
        let report = CloseReport { sent, received: None, initiator, failure: Some(failure) };
        *self = Self::Closed(Box::new(report));
    }
}
