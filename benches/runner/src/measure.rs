//! One measurement after the other: a fresh server on its core or cores, the generator on one.

use std::error::Error;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::certificate;
use crate::samples::Samples;
use crate::server::{Role, Server};
use crate::work::{Kind, Work};

const GENERATOR_CORE: &str = "1";

/// A server that does not listen after this long has failed.
const START: Duration = Duration::from_secs(10);

pub(crate) struct Bench<'a> {
    benches: PathBuf,
    time: f64,
    samples: &'a mut Samples,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        benches: &Path,
        time: f64,
        samples: &'a mut Samples,
    ) -> Result<Self, Box<dyn Error>> {
        if std::thread::available_parallelism()?.get() < 2 {
            return Err("two cores are needed: one for the server, one for the generator".into());
        }
        certificate::make(benches)?;
        Ok(Self { benches: benches.into(), time, samples })
    }

    /// Everything, `rounds` times. Within a round the servers take turns at each work, in an order that changes.
    pub(crate) fn run(
        &mut self,
        works: &[Work],
        servers: &[Server],
        rounds: usize,
    ) -> Result<(), Box<dyn Error>> {
        let mut present = Vec::new();
        for server in servers {
            match server.missing(&self.benches) {
                None => present.push(server),
                Some(why) => eprintln!("left out: {} ({why})", server.name),
            }
        }
        for round in 0..rounds {
            for work in works {
                let able: Vec<_> = present.iter().filter(|server| server.does(work)).collect();
                eprint!("\r\x1b[Kround {} of {rounds}: {}", round + 1, work.name);
                for index in 0..able.len() {
                    let server = able[(index + round) % able.len()];
                    let value = self.measure(work, server).unwrap_or_else(|error| {
                        eprintln!("\n{}: {error}", server.name);
                        json!({ "failed": error.to_string() })
                    });
                    self.samples.add(&work.name, &server.name, value)?;
                }
            }
        }
        eprintln!("\r\x1b[K");
        Ok(())
    }

    fn measure(&self, work: &Work, server: &Server) -> Result<Value, Box<dyn Error>> {
        let command = server.command(&self.benches, work);
        let running = Running::start(server.cores, &command)?;
        let mut load = pinned(GENERATOR_CORE, &[self.benches.join("target/release/load").into()]);
        load.arg(match work.kind {
            Kind::Echo => "echo",
            Kind::FanOut => "fan-out",
            Kind::Handshake => "handshake",
            Kind::Idle => "idle",
        });
        load.args(["--addr", &running.addr.to_string(), "--pid", &running.child.id().to_string()]);
        load.args(["--connections", &work.connections.to_string()]);
        if work.kind != Kind::Handshake {
            load.args(["--size", &work.size.to_string()]);
        }
        if work.kind != Kind::Idle {
            // Many connections take their time to get out of the order in which they were made.
            let warm_up = (self.time / 3.0).max(0.15).max(work.connections as f64 / 5000.0);
            load.args(["--time", &self.time.to_string(), "--warm-up", &warm_up.to_string()]);
        }
        match work.kind {
            Kind::Echo => {
                let in_flight = work.in_flight.to_string();
                load.args(["--in-flight", &in_flight, "--content", work.content]);
            }
            Kind::FanOut => _ = load.args(["--under-way", &work.in_flight.to_string()]),
            Kind::Handshake | Kind::Idle => {}
        }
        if server.role == Role::Floor {
            load.arg("--raw");
        }
        if work.deflate {
            load.arg("--deflate");
        }
        if work.tls {
            load.arg("--tls").arg(certificate::folder(&self.benches).join("cert.pem"));
        }
        let output = load.stderr(Stdio::piped()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// A server, until it is dropped.
struct Running {
    child: Child,
    addr: SocketAddr,
}

impl Running {
    fn start(cores: &str, command: &[OsString]) -> Result<Self, Box<dyn Error>> {
        // Free a moment ago, and nobody else here is asking for ports.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = pinned(cores, command);
        command.arg("--addr").arg(addr.to_string()).stdin(Stdio::null());
        let mut running = Self { child: command.spawn()?, addr };
        let deadline = Instant::now() + START;
        while TcpStream::connect(addr).is_err() {
            if let Some(status) = running.child.try_wait()? {
                return Err(format!("ended at once, {status}").into());
            }
            if Instant::now() > deadline {
                return Err("does not listen".into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that stays on its cores. It is `taskset` that becomes the program, so that the process is the same.
fn pinned(cores: &str, command: &[OsString]) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", cores]).args(command);
    pinned
}
