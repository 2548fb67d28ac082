//! The machine of an Engine.IO session, under virtual time, between an application and a client that have a network between them.
//!
//! Each request and the WebSocket is a pipe in either direction, out of which things come in order, but as late as the program wants,
//! or never, if the pipe breaks. Whatever happens: each side sees the other's messages from the first on, none twice, none out of
//! order, none left out; requests are answered once; the session ends once. If nothing broke, none is lost either. A client that does
//! not wait for its requests before it moves to a WebSocket gives up the order, and nothing else.

mod client;
mod oracle;
mod world;

use arbitrary::Arbitrary;

use self::world::World;

/// What happens next.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Step {
    /// The application sends so many messages, at once.
    ServerSends(u8),
    /// The client sends a message, as soon as its transport is free.
    ClientSends,
    /// A client of version 3 pings.
    Pings,
    /// The client polls, if it does not.
    Polls,
    /// The client polls while it does already: against the rules.
    PollsTwice,
    /// The client opens a WebSocket.
    Opens,
    /// The next thing comes out of a pipe.
    Arrives(Pipe),
    /// Everything that is under way arrives, and what is sent because of it.
    ArrivesAll,
    /// A connection breaks, with what is under way in it.
    Breaks(Line),
    /// So many times 20 ms pass.
    Passes(u8),
    /// Time passes until the session's next deadline.
    PassesUntilDue,
    /// The application pauses reading, or reads on.
    Pauses(bool),
    /// The client sends something that means nothing here.
    Babbles(Babble),
    /// The application closes the session.
    ServerCloses,
    /// The client does.
    ClientCloses,
    /// The application gives the session up.
    Aborts,
}

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Pipe {
    GetUp,
    GetDown,
    PostUp,
    PostDown,
    SocketUp,
    SocketDown,
}

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Line {
    Get,
    Post,
    Socket,
}

/// What a client should not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Babble {
    /// A pong that nobody waits for: harmless in version 4.
    Pong,
    Noop,
    Open,
    /// On a WebSocket that is tried, or is the transport.
    NoPacket,
}

/// How the client is.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Manners {
    /// It waits for its requests to end before it moves to a WebSocket.
    pub is_patient: bool,
    /// It speaks version 3.
    pub is_old: bool,
    /// It answers pings.
    pub is_alive: bool,
    /// It starts with a WebSocket.
    pub starts_on_socket: bool,
}

#[derive(Debug, Arbitrary)]
struct Input {
    manners: Manners,
    steps: Vec<Step>,
}

/// See the module.
pub fn run(data: &[u8]) {
    if let Some(input) = crate::input::<Input>(data) {
        play(input.manners, input.steps);
    }
}

/// Plays a program. When a session is over the next one begins.
pub fn play(manners: Manners, steps: impl IntoIterator<Item = Step>) {
    let mut world = World::new(manners);
    for step in steps {
        world.step(step);
        if world.is_over() {
            world.finish();
            world = World::new(manners);
        }
    }
    world.finish();
}
