//! Socket.IO v5 over Engine.IO v4, server and client, on our own WebSocket (the `ws` crate).
#![forbid(unsafe_code)]

pub mod engine;
