//! One Engine.IO session as Socket.IO sees it. `connection` takes its messages (rules 22 to 27), `client` knows which namespaces it is
//! in (rule 25), `joining` lets it into one, and `handshake` is what it said when it came. `backlog` is what waits for one
//! that does not keep up. `revision4` puts clients of Socket.IO 2.x
//! into these words (rule 21). The engine calls it, and it calls the sockets.

pub(super) mod backlog;
pub(super) mod client;
pub(super) mod connection;
pub(super) mod handshake;
mod joining;
pub(super) mod revision4;
