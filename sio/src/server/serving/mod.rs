//! Where a server runs: on listeners of its own (`serve`), or as a service of hyper (`embed`), tower and axum, whose extensions tell
//! the `peer`; the application's say in its requests (`hooks`), and the end (`shutdown`). All of it is methods of [`Io`](super::Io);
//! the HTTP itself is `engine::server`'s.

#[cfg(feature = "axum")]
#[path = "axum.rs"]
mod peer;
#[cfg(not(feature = "axum"))]
mod peer;

pub(super) mod embed;
mod hooks;
pub(super) mod serve;
mod shutdown;
#[cfg(feature = "tower")]
pub(super) mod tower;
