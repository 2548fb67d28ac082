//! What a socket reacts to: events that it has handlers for, and answers that it waits for.
//!
//! [`Listeners`] and [`Acks`] are plain containers without lock, clock or task, which `server` and `client` put behind their
//! locks. Neither ever runs user code while the owner's lock is held: [`Listeners::fire`] and [`Acks::take`] hand out what is
//! to be called. `handler`, `extract` and `reply` make handlers of async closures, for both.

mod acks;
mod call;
mod error;
mod extract;
mod handler;
mod listeners;
mod reply;

pub use acks::{AckError, AckIds, Acks, TooManyAcks, Waiter};
pub use call::{Call, EncodeAck, Owner};
pub use error::{EmitError, HandlerError};
pub use extract::{AckSender, Data, Event, Extract, Rejection};
pub use handler::{For, Handler, Listener, Work, caught, erase, guard};
pub use listeners::{Fired, ListenerId, Listeners};
pub use reply::{IntoReply, Responder};
