//! What a socket waits for: listeners by event name, and answers to events that it sent.
//!
//! Both are plain containers without lock, clock or task; `server` and `client` put them behind their locks. Neither ever
//! calls user code while the owner's lock is held: [`Listeners::fire`] and [`Acks::take`] hand out what is to be called.

mod acks;
mod listeners;

pub use acks::{AckError, AckIds, Acks, TooManyAcks, Waiter};
pub use listeners::{Fired, ListenerId, Listeners};
