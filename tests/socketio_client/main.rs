//! The Socket.IO client over real sockets: against our own server, against servers that are scripted by hand to be slow or wrong,
//! and against Node's.

mod acks;
mod binary;
mod connecting;
mod disconnecting;
mod events;
mod namespaces;
mod node;
mod support;
