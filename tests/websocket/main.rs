//! `ws` over real sockets.

mod pull;
mod push;
mod raw;
mod server;
