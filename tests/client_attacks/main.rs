//! What a hostile or broken server can do to the client of `sio`: each with a clear error, and a bound on time and on memory.
//!
//! Memory is counted by the allocator, per thread: every test runs on a runtime of its one thread, the server's part included. What a
//! server can do to the WebSocket below is in `tests/attacks`.

#[path = "../attacks/memory.rs"]
mod memory;
mod opening;
mod packets;
mod polling;
mod server;
#[path = "../socketio_client/support.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod support;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;
