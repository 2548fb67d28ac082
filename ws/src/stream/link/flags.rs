//! The state of a connection that is looked at without a lock.

use std::sync::atomic::{AtomicU16, Ordering};

/// Something was received since the last timeout.
pub(super) const HEARD_BYTES: u16 = 1;
/// A message was received since the last timeout.
pub(super) const HEARD_MESSAGE: u16 = 1 << 1;
/// The connection is on the flusher's list.
pub(super) const SCHEDULED: u16 = 1 << 2;
/// A batch of input is being answered; who answers it will flush.
pub(super) const CORKED: u16 = 1 << 3;
/// The application wants nothing to be read.
pub(super) const PAUSED: u16 = 1 << 4;
/// The peer does not take what is sent; a push connection reads no more until it does.
pub(super) const CONGESTED: u16 = 1 << 5;
/// The protocol machine has its report.
pub(super) const CLOSED: u16 = 1 << 6;
/// The peer took too long to end the byte stream after the closing handshake.
pub(super) const EXPIRED: u16 = 1 << 7;
/// Nobody receives: the application does something else.
pub(super) const UNATTENDED: u16 = 1 << 8;
/// No more messages are taken: the closing handshake has begun, or the connection has ended.
pub(super) const REFUSING: u16 = 1 << 9;
/// The thread of the batch collects what is sent on it without a lock.
pub(super) const COLLECTING: u16 = 1 << 10;
/// Others have sent something meanwhile, which goes behind what is collected so far and before what comes next.
pub(super) const BEHIND: u16 = 1 << 11;

/// Any number of the flags above.
#[derive(Debug, Default)]
pub(super) struct Flags(AtomicU16);

impl Flags {
    /// Whether any of `flags` is set.
    pub(super) fn any(&self, flags: u16) -> bool {
        self.0.load(Ordering::Acquire) & flags != 0
    }

    /// Sets `flags`, and tells whether any of them was set before.
    pub(super) fn set(&self, flags: u16) -> bool {
        self.0.fetch_or(flags, Ordering::AcqRel) & flags != 0
    }

    pub(super) fn unset(&self, flags: u16) {
        self.0.fetch_and(!flags, Ordering::AcqRel);
    }
}
