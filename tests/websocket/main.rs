//! `ws` over real sockets.

mod client;
mod pull;
mod push;
mod raw;
mod server;
