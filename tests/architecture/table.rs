//! The plan of the house as data. A new floor needs a row here, and a row needs a reason.

/// One crate: its floors, from the ground up.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) krate: &'static str,
    pub(crate) floors: &'static [Floor],
}

/// A module and the modules of the same crate that it, and everything in it, may import. The longest name
/// that fits a path is its floor: `engine::server` is a floor of its own within `engine`.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) module: &'static str,
    pub(crate) may_import: &'static [&'static str],
}

const fn floor(module: &'static str, may_import: &'static [&'static str]) -> Floor {
    Floor { module, may_import }
}

pub(crate) const WS: Plan = Plan {
    krate: "ws",
    floors: &[
        floor("outbox", &[]),                         // bytes on their way out, no I/O
        floor("net", &["outbox"]),                    // never handshake, proto
        floor("handshake", &["proto"]), // RFC 6455 section 4; of proto only what negotiates extensions
        floor("proto", &["outbox"]),    // RFC 6455 sections 5 to 8, RFC 7692
        floor("stream", &["outbox", "net", "proto"]), // never server, client
        floor("server", &["net", "handshake", "proto", "stream"]), // never client
        floor("client", &["net", "handshake", "proto", "stream"]), // never server
    ],
};

pub(crate) const SIO: Plan = Plan {
    krate: "sio",
    floors: &[
        floor("packet", &[]),                 // never engine, server, client
        floor("engine", &[]),                 // its pure files: never packet
        floor("engine::server", &["engine"]), // never packet, server
        floor("engine::client", &["engine"]), // never packet, client
        floor("emitter", &["packet"]),        // never engine, server, client
        floor("adapter", &["packet"]),        // reaches the server by a trait of its own
        floor("handler", &["packet", "engine", "emitter"]), // of engine only its errors; never server, client
        floor("server", &["packet", "engine", "engine::server", "emitter", "handler", "adapter"]),
        floor("client", &["packet", "engine", "engine::client", "emitter", "handler"]),
        floor("app", &["packet", "server", "client"]), // what a user outside could import
    ],
};

/// Folders that may know tokio, sockets, clocks and randomness. All else is pure.
pub(crate) const FOLDERS_WITH_IO: &[&str] = &["net", "stream", "server", "client", "redis", "app"];

/// Paths, or the beginnings of paths, that are not pure.
pub(crate) const IMPURE: &[&str] = &[
    "tokio",
    "tokio_rustls",
    "hyper",
    "hyper_util",
    "rand",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
];

/// No file of sources is longer, tests not counted.
pub(crate) const MAX_LINES: usize = 600;

/// Names that say nothing about what is inside.
pub(crate) const EMPTY_NAMES: &[&str] =
    &["utils", "util", "common", "helpers", "helper", "types", "misc"];
