//! Servers of Node's, each in a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::soon;

/// A server of Node's. It ends with its standard input, or when it is killed.
pub(crate) struct Node {
    pub(crate) addr: SocketAddr,
    process: Child,
}

impl Node {
    /// `client_server.js`.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::run("client_server.js", flags).await
    }

    /// Any of them.
    pub(crate) async fn run(script: &str, flags: &[&str]) -> Self {
        let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
        assert!(
            interop.join("node_modules/socket.io").is_dir(),
            "no socket.io in {}: run `npm ci` there",
            interop.display()
        );
        let mut process = Command::new("node")
            .arg(script)
            .args(flags)
            .current_dir(interop)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node.js is installed");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = soon(lines.next_line()).await.unwrap().expect("its port");
        Self { addr: SocketAddr::from(([127, 0, 0, 1], port.trim().parse().unwrap())), process }
    }

    /// kill -9.
    pub(crate) async fn kill(mut self) -> u16 {
        soon(self.process.kill()).await.unwrap();
        self.addr.port()
    }

    /// `client_server.js` at a port of one's own choice.
    pub(crate) async fn again(port: u16, flags: &[&str]) -> Self {
        let port = port.to_string();
        Self::start(&[&["--port", &port], flags].concat()).await
    }
}
