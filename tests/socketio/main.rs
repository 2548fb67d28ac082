//! The Socket.IO server over real sockets, spoken to by a client that writes every packet by hand.
//!
//! Rule numbers are those of the project's list of wire rules. Nobody sleeps: what must not come is shown by what comes instead.

mod acks;
mod broadcast;
mod churn;
mod connecting;
mod crowd;
mod disconnecting;
mod events;
mod http;
mod invalid;
mod order;
mod peer;
