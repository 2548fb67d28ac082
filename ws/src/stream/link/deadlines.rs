//! The deadlines of a connection: what the wheel is told, and what happens when it calls.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::flags::{EXPIRED, HEARD_BYTES, HEARD_MESSAGE, PAUSED, UNATTENDED};
use super::{Link, Out};
use crate::net::Timed;
use crate::proto::Heard;

impl Link {
    /// Tells the wheel of a deadline that is earlier than what it knows.
    pub(super) fn announce(self: &Arc<Self>, out: &mut Out) {
        let next = out.next_deadline();
        if let Some(next) = next
            && out.timer.is_none_or(|timer| next < timer)
        {
            out.timer = Some(next);
            let weak: Weak<Self> = Arc::downgrade(self);
            self.wheel.schedule(weak, next);
        }
    }
}

impl Out {
    fn next_deadline(&self) -> Option<Instant> {
        let own = self.output.transmitter.poll_timeout();
        let linger = self.rare.as_ref().and_then(|rare| rare.linger_until);
        [own, linger].into_iter().flatten().min()
    }
}

impl Timed for Link {
    fn handle_timeout(self: Arc<Self>, now: Instant) -> Option<Instant> {
        let mut out = self.lock();
        // Of a peer that is not listened to nothing can be said; it is pinged all the same. If it does not take what is sent
        // to it either, there may be somebody who waits for that.
        let is_excused = self.flags.any(UNATTENDED)
            && out.output.transmitter.awaits_pong()
            && !out.output.transmitter.is_blocked();
        let bytes = self.flags.any(HEARD_BYTES | PAUSED) || is_excused;
        let heard = Heard { bytes, message: self.flags.any(HEARD_MESSAGE) };
        if out.output.io.is_none() || out.timer.is_none_or(|timer| now < timer) {
            // Left over from before an earlier deadline was announced.
            return None;
        }
        self.flags.unset(HEARD_BYTES | HEARD_MESSAGE);
        out.output.transmitter.handle_timeout(now, heard);
        if let Some(rare) = &mut out.rare
            && rare.linger_until.take_if(|until| *until <= now).is_some()
        {
            self.flags.set(EXPIRED);
            out.wake_reader();
        }
        self.sync(&mut out);
        self.flush(&mut out);
        out.timer = out.next_deadline();
        out.timer
    }
}
