//! `ws` over real sockets.

mod cancel;
mod client;
mod deflate;
mod pull;
mod push;
mod raw;
mod server;
mod threads;
