//! RFC 6455 held against the machine, one file per chapter. [`wire`] is what they share: frames made by hand, and two
//! connections on a virtual wire with virtual time.

mod closing;
mod control;
mod cut;
#[cfg(feature = "deflate")]
mod deflate;
mod fragmentation;
mod framing;
mod keepalive;
mod limits;
mod text;
mod wire;
