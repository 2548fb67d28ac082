//! What a hostile or broken peer can do to `ws`, each with a bound on time and on memory.
//!
//! Memory is counted by the allocator, per thread: every test runs on a runtime of its one thread, so that what it counts is
//! its own, whatever other tests do meanwhile. Time is the test's own clock: a paused one over streams in memory, the real
//! one over sockets; never both.

mod churn;
mod client;
mod flood;
mod frames;

mod handshake;
mod memory;
mod overflow;

#[path = "../websocket/raw.rs"]
#[allow(dead_code)] // The other tests use the rest of it.
mod raw;
mod silence;
mod vanish;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;
