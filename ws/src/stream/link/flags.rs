//! The state of a connection that is looked at without a lock.

use std::sync::atomic::{AtomicU16, Ordering};

/// Something was received since the last timeout.
pub(super) const HEARD_BYTES: u16 = 1;
/// A message was received since the last timeout.
pub(super) const HEARD_MESSAGE: u16 = 1 << 1;
/// The connection is on the flusher's list.
pub(super) const SCHEDULED: u16 = 1 << 2;
/// A batch of input is being answered; who answers it will flush, if there is anything.
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
/// The handler has sent something that nobody else can reach; what others send goes behind it. Cleared under the lock.
pub(super) const HOLDS: u16 = 1 << 14;
/// Others have left something to who answers the batch.
pub(super) const BEHIND: u16 = 1 << 10;
/// Events of the application wait for the handler.
pub(super) const EVENTS: u16 = 1 << 11;
/// The byte stream did not take all that it was offered.
pub(super) const BLOCKED: u16 = 1 << 13;
/// Messages are compressed, each with those before it as context.
pub(super) const DEFLATING: u16 = 1 << 12;

/// Any number of the flags above.
#[derive(Debug, Default)]
pub(super) struct Flags(AtomicU16);

impl Flags {
    pub(super) fn get(&self) -> u16 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether any of `flags` is set.
    pub(super) fn any(&self, flags: u16) -> bool {
        self.get() & flags != 0
    }

    /// Sets `flags`, and returns all that were set before.
    pub(super) fn set(&self, flags: u16) -> u16 {
        self.0.fetch_or(flags, Ordering::AcqRel)
    }

    /// Unsets `flags`, and returns all that were set before.
    pub(super) fn unset(&self, flags: u16) -> u16 {
        self.0.fetch_and(!flags, Ordering::AcqRel)
    }
}
