//! What is asked for before a namespace is joined: where to connect to, how, and what is wanted there.
//!
//! | file | what |
//! |---|---|
//! | `builder`, `tls` | a client that is not connected yet |
//! | `join` | another namespace on a connection that is there |
//! | `setters` | the methods that both have |
//! | `address` | what a URL says |
//! | `provider` | what is asked for anew before each try |

pub(super) mod address;
mod builder;
mod join;
pub(super) mod provider;
mod setters;
#[cfg(feature = "tls")]
mod tls;

pub use self::builder::{Builder, Client};
pub use self::join::Join;
