//! What is measured, and what ours shall reach.

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    pub(crate) size: usize,
    /// Messages on their way at a time.
    pub(crate) in_flight: usize,
    pub(crate) content: &'static str,
    pub(crate) deflate: bool,
    pub(crate) tls: bool,
    /// Whether two cores are compared with one.
    pub(crate) scaling: bool,
    /// Steps of arithmetic in the server for each message: of a nanosecond or so.
    pub(crate) steps: u64,
    /// Part of the quick form.
    pub(crate) quick: bool,
    pub(crate) goal: Goal,
}

/// The works of the load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Echo,
    FanOut,
    Handshake,
    Idle,
}

/// What ours shall reach, push and pull.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Goal {
    None,
    /// At least this part of the floor's rate, or that of one core where cores are compared.
    OfFloor(f64, f64),
    /// At least (rate) or at most (cost) this part of the best Rust rival's.
    OfRival(f64),
    /// At least this part of our own rate at another work.
    OfOwn(String, f64),
    /// At most this much.
    AtMost(f64, f64),
}

impl Kind {
    /// The figure that counts: its key in a sample, and its unit.
    pub(crate) const fn figure(self) -> (&'static str, &'static str) {
        match self {
            Self::Echo => ("per_second", "messages/s"),
            Self::FanOut => ("server_us", "us of CPU per delivery"),
            Self::Handshake => ("server_us", "us of CPU per connection"),
            Self::Idle => ("bytes_each", "bytes per connection"),
        }
    }

    /// Whether more of it is better.
    pub(crate) const fn more_is_better(self) -> bool {
        matches!(self, Self::Echo)
    }
}

/// All of them, in the order of the report.
pub(crate) fn all() -> Vec<Work> {
    let mut works = Vec::new();
    let (at_once, small, many) = (Goal::OfFloor(0.97, 0.94), 128, 10_000);
    works.push(echo(small, 64, 1).goal(at_once.clone()).quick());
    works.push(echo(small, 500, 1).goal(at_once));
    works.push(echo(small, many, 1).goal(Goal::OfFloor(0.95, 0.95)));
    works.push(echo(small, 64, 16).goal(Goal::OfFloor(0.92, 0.85)).quick());
    works.push(echo(small, 500, 16).goal(Goal::OfFloor(0.92, 0.85)).quick());
    works.push(echo(1024, 64, 16).goal(Goal::OfFloor(0.90, 0.85)).quick());
    works.push(echo(16_384, 64, 16).goal(Goal::OfFloor(0.80, 0.80)).quick());
    works.push(echo(65_536, 64, 1).goal(Goal::OfFloor(0.95, 0.95)));
    works.push(echo(1 << 20, 64, 1).goal(Goal::OfFloor(0.95, 0.95)).quick());
    for (content, short, long) in [("text", 0.97, 0.90), ("mixed", 0.97, 0.90)] {
        for (size, part) in [(small, short), (16_384, long)] {
            let binary = echo(size, 64, 16).name;
            works.push(echo(size, 64, 16).content(content).goal(Goal::OfOwn(binary, part)));
        }
    }
    for connections in [1000, 5000] {
        works.push(fan_out(connections, 1).goal(Goal::OfRival(0.80)).quick_if(connections == 1000));
        works
            .push(fan_out(connections, 16).goal(Goal::OfRival(0.55)).quick_if(connections == 1000));
    }
    let idle = Work { size: 65_536, ..work("idle 10,000", Kind::Idle, many) };
    works.push(idle.goal(Goal::AtMost(1024.0, 1536.0)));
    works.push(work("handshake, echo, close", Kind::Handshake, 32).goal(Goal::OfRival(1.0)));
    works.push(echo(1024, 64, 16).content("json").deflate().goal(Goal::OfRival(1.1)));
    works.push(echo(1024, 64, 1).content("json").deflate().goal(Goal::OfRival(1.1)));
    works.push(echo(small, 64, 1).tls());
    works.push(echo(small, 64, 16).tls());
    works.push(echo(16_384, 64, 16).tls());
    // The generator needs its part of the two cores: only where it is small against the server's can their gain be seen.
    let twice = Goal::OfFloor(1.9, 1.9);
    works.push(echo(small, 64, 16).steps(50_000).scaling().goal(twice));
    works.push(echo(1024, 64, 16).content("json").deflate().scaling());
    works.push(echo(small, 64, 1).scaling());
    works.push(echo(small, 64, 16).scaling());
    works.push(fan_out(1000, 1).scaling());
    works.push(fan_out(1000, 16).scaling());
    works
}

fn work(name: &str, kind: Kind, connections: usize) -> Work {
    Work {
        name: name.into(),
        kind,
        connections,
        size: 128,
        in_flight: 1,
        content: "binary",
        deflate: false,
        tls: false,
        scaling: false,
        steps: 0,
        quick: false,
        goal: Goal::None,
    }
}

fn echo(size: usize, connections: usize, in_flight: usize) -> Work {
    let name = format!("echo {} {connections}x{in_flight}", short(size));
    Work { size, in_flight, ..work(&name, Kind::Echo, connections) }
}

fn fan_out(connections: usize, in_flight: usize) -> Work {
    let name = format!("fan-out {connections}x{in_flight}");
    Work { in_flight, ..work(&name, Kind::FanOut, connections) }
}

fn short(size: usize) -> String {
    match size {
        1024.. if size.is_multiple_of(1024) && size < 1 << 20 => format!("{}K", size >> 10),
        _ if size >= 1 << 20 => format!("{}M", size >> 20),
        _ => size.to_string(),
    }
}

impl Work {
    fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    fn quick(self) -> Self {
        self.quick_if(true)
    }

    fn quick_if(self, quick: bool) -> Self {
        Self { quick, ..self }
    }

    fn content(self, content: &'static str) -> Self {
        Self { name: format!("{} {content}", self.name), content, ..self }
    }

    fn deflate(self) -> Self {
        Self { name: format!("{} deflate", self.name), deflate: true, ..self }
    }

    fn steps(self, steps: u64) -> Self {
        Self { name: format!("{} with work", self.name), steps, ..self }
    }

    fn scaling(self) -> Self {
        Self { name: format!("{} on two cores", self.name), scaling: true, ..self }
    }

    fn tls(self) -> Self {
        Self { name: format!("{} tls", self.name), tls: true, ..self }
    }
}
