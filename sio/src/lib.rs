//! Socket.IO v5 over Engine.IO v4, server and client, on our own WebSocket (the `ws` crate).
#![forbid(unsafe_code)]

pub mod adapter;
pub mod emitter;
pub mod engine;
#[cfg(feature = "tokio")]
pub mod handler;
pub mod packet;
#[cfg(feature = "tokio")]
pub mod server;
