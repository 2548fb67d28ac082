//! The Socket.IO client over real sockets: against our own server, and against servers that are scripted by hand to be slow or wrong.
//! `tests/interop/node_client` holds it against Node's.

mod acks;
mod binary;
mod blocking;
mod connecting;
mod crowd;
mod disconnecting;
mod ending;
mod events;
mod namespaces;
mod proxies;
mod reconnecting;
mod relay;
mod support;
mod suspending;
mod transports;
mod typed;
