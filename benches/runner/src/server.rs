//! Who is measured.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::certificate;
use crate::work::{Kind, Work};

/// The core of a server. The generator has the other.
const SERVER_CORE: &str = "0";
/// With the generator's, for a server that is to use two: so the generator must cost far less than the server.
const BOTH_CORES: &str = "0,1";

/// A server and how to start it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Part of the quick form.
    pub(crate) quick: bool,
    /// Below `benches`, or absolute.
    program: PathBuf,
    /// What comes before the arguments that all have.
    arguments: Vec<OsString>,
    /// Knows permessage-deflate with context takeover.
    deflate: bool,
    tls: bool,
    /// Takes part where more than one core is measured, and only there.
    scaling: bool,
    /// The cores that it may use.
    pub(crate) cores: &'static str,
}

/// Whom a server stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// No WebSocket: what the kernel allows.
    Floor,
    Ours,
    /// Ours on one core, where more are measured.
    OneCore,
    /// A rival in Rust.
    Rust,
    /// A rival in another language.
    Other,
}

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Server> {
    let mut all = vec![server("floor", Role::Floor).quick()];
    all.extend(ours("ws", Path::new("target/release/ours")));
    all.extend([
        server("tungstenite", Role::Rust),
        server("tungstenite", Role::Rust).buffer("4k", 4096).quick(),
        server("fastwebsockets", Role::Rust).quick(),
        server("tokio-websockets", Role::Rust).quick(),
        server("yawc", Role::Rust).deflate().quick(),
        server("yawc", Role::Rust).deflate().buffer("128k", 128 << 10),
        server("sockudo-ws", Role::Rust).deflate().quick(),
        server("uwebsockets", Role::Other).deflate().quick(),
        Server {
            program: "node".into(),
            arguments: vec!["peers/node/server.js".into()],
            ..server("node-ws", Role::Other).deflate()
        },
        cores("1-core", "one"),
        cores("2-cores-shared", "shared"),
        cores("2-cores-each", "per-core"),
    ]);
    all
}

/// Our server on so many cores, push: with one runtime, shared or not, or with one for each core.
fn cores(name: &str, runtime: &str) -> Server {
    let (role, cores) = match runtime {
        "one" => (Role::OneCore, SERVER_CORE),
        _ => (Role::Ours, BOTH_CORES),
    };
    Server {
        program: "target/release/cores".into(),
        arguments: vec!["--runtime".into(), runtime.into()],
        deflate: true,
        scaling: true,
        cores,
        ..server(name, role)
    }
}

/// Our server, push and pull.
pub(crate) fn ours(name: &str, program: &Path) -> [Server; 2] {
    let ours = |way: &str, arguments: &[&str]| Server {
        name: format!("{name}-{way}"),
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        deflate: true,
        tls: true,
        quick: true,
        ..server(name, Role::Ours)
    };
    [ours("push", &["--push"]), ours("pull", &[])]
}

fn server(name: &str, role: Role) -> Server {
    Server {
        name: name.into(),
        role,
        quick: false,
        program: Path::new("target/release").join(name),
        arguments: Vec::new(),
        deflate: false,
        tls: false,
        scaling: false,
        cores: SERVER_CORE,
    }
}

impl Server {
    fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    fn deflate(self) -> Self {
        Self { deflate: true, ..self }
    }

    fn buffer(self, suffix: &str, size: usize) -> Self {
        let arguments = vec!["--buffer".into(), size.to_string().into()];
        Self { name: format!("{}-{suffix}", self.name), quick: false, arguments, ..self }
    }

    /// Whether this server can do that work.
    pub(crate) fn does(&self, work: &Work) -> bool {
        (self.deflate || !work.deflate)
            && (self.tls || !work.tls)
            && self.scaling == work.scaling
            && (self.role != Role::Floor || !matches!(work.kind, Kind::Idle | Kind::Handshake))
    }

    /// The program with its arguments, but for what is the same for all.
    pub(crate) fn command(&self, benches: &Path, work: &Work) -> Vec<OsString> {
        let program = if self.program.components().count() > 1 {
            benches.join(&self.program).into()
        } else {
            self.program.clone().into()
        };
        let mut command: Vec<OsString> = vec![program];
        for argument in &self.arguments {
            let path = benches.join(argument);
            command.push(if path.is_file() { path.into() } else { argument.clone() });
        }
        let kind = if work.kind == Kind::FanOut { "broadcast" } else { "echo" };
        command.extend(["--work".into(), kind.into()]);
        if work.in_flight > 1 && !matches!(self.role, Role::Ours | Role::OneCore) {
            // Ours finds out by itself.
            command.extend(["--batch".into(), "32".into()]);
        }
        if work.steps > 0 {
            command.extend(["--steps".into(), work.steps.to_string().into()]);
        }
        if work.deflate {
            command.push("--deflate".into());
        }
        if work.tls {
            command.extend(["--tls".into(), certificate::folder(benches).into()]);
        }
        command
    }

    /// Whether it can be started at all; else why not.
    pub(crate) fn missing(&self, benches: &Path) -> Option<String> {
        if self.program.components().count() > 1 {
            let path = benches.join(&self.program);
            return (!path.is_file()).then(|| format!("{} is not built", path.display()));
        }
        let found = Command::new(&self.program).arg("--version").output().is_ok();
        (!found).then(|| format!("{} is not installed", self.program.display()))
    }
}
