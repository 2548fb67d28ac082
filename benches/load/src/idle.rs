//! Idle connections: what each costs the server in memory.

use std::io;
use std::time::Duration;

use clap::Args;
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::process::anonymous_memory_of;
use crate::script::{Content, Script};
use crate::transport::Opener;
use crate::{Target, failure};

/// Connections that are opened before counting begins, so that what the server keeps anyway is not counted.
const BEFORE: usize = 200;

/// The server may have work left that nobody waits for.
const SETTLE: Duration = Duration::from_millis(300);

#[derive(Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    target: Target,
    /// Payload of the one message on each connection, in bytes.
    #[arg(long, default_value_t = 65_536)]
    size: usize,
    /// On how many connections a message is on its way at a time.
    #[arg(long, default_value_t = 64)]
    at_a_time: usize,
}

impl Idle {
    pub(crate) fn run(&self) -> io::Result<Value> {
        let Target { pid, connections, raw, deflate, .. } = self.target;
        let script = Script::new(Content::Binary, self.size, raw, deflate);
        let opener = Opener::new(&self.target)?;
        let open = || opener.open().map(|transport| Connection::new(transport, deflate));
        let mut before = (0..BEFORE).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
        self.exchange(&script, &mut before)?;
        std::thread::sleep(SETTLE);
        let empty = anonymous_memory_of(pid)?;
        let mut all = (0..connections).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
        std::thread::sleep(SETTLE);
        let idle = anonymous_memory_of(pid)?;
        for some in all.chunks_mut(self.at_a_time) {
            self.exchange(&script, some)?;
        }
        std::thread::sleep(SETTLE);
        let after = anonymous_memory_of(pid)?;
        let each = |memory: u64| (memory as f64 - empty as f64) / connections as f64;
        Ok(json!({
            "bytes_each": each(idle),
            "bytes_each_after": each(after),
            "bytes_before": empty,
        }))
    }

    /// One message on each connection.
    fn exchange(&self, script: &Script, connections: &mut [Connection]) -> io::Result<()> {
        let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
        let mut buffer = vec![0; 1 << 18];
        for (index, connection) in connections.iter_mut().enumerate() {
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection.transport.socket, Token(index), both)?;
            connection.send(1, script)?;
        }
        let mut missing = connections.len() as u64;
        while missing > 0 {
            poll.poll(&mut events, Some(Duration::from_secs(10)))?;
            if events.is_empty() {
                return Err(failure(format!("{missing} answers are missing")));
            }
            for event in &events {
                let connection = &mut connections[event.token().0];
                if event.is_readable() {
                    missing -= connection.receive(script, &mut buffer)?;
                }
                connection.send(0, script)?;
            }
        }
        for connection in connections {
            poll.registry().deregister(&mut connection.transport.socket)?;
        }
        Ok(())
    }
}
