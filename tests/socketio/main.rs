//! The Socket.IO server over real sockets, spoken to by a client that writes every packet by hand.
//!
//! Rule numbers are those of the project's list of wire rules. Nobody sleeps: what must not come is shown by what comes instead.

mod acks;
mod attacks;
mod broadcast;
mod churn;
mod connecting;
mod disconnecting;
mod dynamic;
mod events;
mod handling;
mod http;
mod invalid;
mod operators;
mod order;
mod peer;
mod poller;
mod recovery;
mod slow;
mod version2;
mod wire;
