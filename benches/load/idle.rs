//! Idle connections: what each costs the server in memory.

use std::io::{self, Read, Write};
use std::time::Duration;

use clap::Args;

use crate::connection::open;
use crate::frame::Exchange;
use crate::{Target, cpu};

/// Connections that are opened before counting begins, so that what the server keeps anyway is not counted.
const BEFORE: usize = 200;

#[derive(Args)]
pub struct Idle {
    #[command(flatten)]
    target: Target,
    /// Payload of the one message on each connection, in bytes.
    #[arg(long, default_value_t = 65_536)]
    size: usize,
}

impl Idle {
    pub fn run(&self) -> io::Result<String> {
        let Target { addr, pid, raw, connections } = self.target;
        let exchange = Exchange::new(self.size, false, raw);
        let _before = (0..BEFORE).map(|_| open(addr, raw)).collect::<io::Result<Vec<_>>>()?;
        let empty = cpu::memory_of(pid)?;
        let mut streams =
            (0..connections).map(|_| open(addr, raw)).collect::<io::Result<Vec<_>>>()?;
        let idle = cpu::memory_of(pid)?;
        let mut answer = vec![0; exchange.response.len()];
        for stream in &mut streams {
            stream.write_all(&exchange.request)?;
            stream.read_exact(&mut answer)?;
            if answer != exchange.response {
                return Err(io::Error::other("the server answered something else"));
            }
        }
        // The server may have work left that nobody waits for.
        std::thread::sleep(Duration::from_millis(500));
        let after = cpu::memory_of(pid)?;
        let each = |memory: u64| memory.saturating_sub(empty) as f64 / connections as f64;
        Ok(serde_json::json!({
            "work": "idle",
            "connections": connections,
            "bytes_each": each(idle),
            "bytes_each_after_traffic": each(after),
        })
        .to_string())
    }
}
