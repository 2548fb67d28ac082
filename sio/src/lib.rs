//! Socket.IO v5 over Engine.IO v4, server and client, on our own WebSocket (the `ws` crate).
//!
//! The floors, each standing on the ones before it: [`packet`] and [`emitter`] know Socket.IO but no transport, [`engine`] knows
//! Engine.IO sessions and their transports, [`adapter`] knows rooms, `handler` makes closures into handlers, and on these stand
//! `server` and `client`. Start with [`Io`] or [`Client`].
//!
//! Who knows the JavaScript server and client finds their calls in `docs/coming_from_socket_io.md`, beside this crate's manifest, and
//! what there is to know about running a server in `docs/serving.md`.
//!
//! Without the default feature `tokio` only the floors without I/O remain.
#![forbid(unsafe_code)]

pub mod adapter;
#[cfg(feature = "tokio")]
pub mod client;
pub mod emitter;
pub mod engine;
#[cfg(feature = "tokio")]
pub mod handler;
pub mod packet;
#[cfg(feature = "tokio")]
pub mod server;

#[cfg(feature = "tokio")]
pub use client::Client;
#[cfg(feature = "tokio")]
pub use handler::TypedEvent;
#[cfg(feature = "tokio")]
pub use server::Io;

#[cfg(doctest)]
mod serving {
    //! The page on serving, compiled.
    #![doc = include_str!("../docs/serving.md")]
}

#[cfg(doctest)]
mod coming_from_socket_io {
    //! The page for who knows socket.io, compiled.
    #![doc = include_str!("../docs/coming_from_socket_io.md")]
}

#[cfg(doctest)]
mod readme {
    //! The README's examples, compiled.
    #![doc = include_str!("../../README.md")]
}
