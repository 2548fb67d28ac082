//! Random programs on the two ends of a connection, over a byte stream that gives any number of bytes, nothing for now, or an
//! error, held against an oracle: nothing lost, doubled or reordered, each connection has exactly one end, nobody waits for ever.
//!
//! One thread and tokio's paused clock: time passes only when nobody can do anything else, so that a program is deterministic
//! (but for masking keys) and who waits for what never comes is found when a year has passed.

mod actor;
mod io;
mod oracle;
mod push;
mod record;

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use tokio::sync::Barrier;
use ws::net::Stream;
use ws::{CloseCode, CloseReport, Config, Deflate, OverflowPolicy, Role, Sender, WebSocket};

use crate::deflate::Offer;
use actor::{Actor, Step};
use io::{Log, Schedule};
use push::Reply;
use record::Record;

/// Nobody can be waited for that long.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A program.
#[derive(Debug, Arbitrary)]
pub(crate) struct Program {
    settings: Settings,
    /// Client and server.
    plans: [Plan; 2],
}

#[derive(Debug, Arbitrary)]
struct Settings {
    max_buffered_bytes: u8,
    /// How many bytes the byte stream holds each way.
    capacity: u16,
    /// Whether messages are compressed, and how.
    deflate: Option<Offer>,
    /// Both ends do all that they have to do before either closes.
    waits: bool,
    trouble: Option<Trouble>,
}

/// What may keep the closing handshake from being completed and messages from arriving. Faults of a byte stream belong to it
/// too: without it they don't happen.
#[derive(Debug, Arbitrary)]
struct Trouble {
    disconnects: bool,
    small_messages_only: bool,
    pings: bool,
    idle_timeout: bool,
    is_hasty: bool,
}

/// What one end does.
#[derive(Debug, Arbitrary)]
struct Plan {
    style: Style,
    schedule: Schedule,
    steps: Vec<Step>,
    /// Of a handler, message by message; then nothing.
    replies: Vec<Reply>,
}

#[derive(Debug, Arbitrary, Clone, Copy, PartialEq, Eq)]
enum Style {
    Pull,
    Split,
    Push,
}

impl Settings {
    fn config(&self) -> Config {
        let mut config = Config::default();
        config.max_buffered_bytes = match self.max_buffered_bytes {
            0..=31 => 1,
            32..=63 => 100,
            64..=127 => 3000,
            128..=191 => 70_000,
            _ => 1 << 20,
        };
        config.ping_interval = None;
        config.close_timeout = Duration::from_secs(1_000_000);
        let Some(trouble) = &self.trouble else { return config };
        if trouble.disconnects {
            config.overflow = OverflowPolicy::Disconnect;
        }
        if trouble.small_messages_only {
            config.max_message_size = 200;
        }
        config.ping_interval = trouble.pings.then_some(Duration::from_secs(3));
        config.pong_timeout = Duration::from_secs(2);
        config.idle_timeout = trouble.idle_timeout.then_some(Duration::from_secs(4));
        if trouble.is_hasty {
            config.close_timeout = Duration::from_secs(1);
        }
        config
    }
}

impl Program {
    fn is_calm(&self) -> bool {
        self.settings.trouble.is_none() && !self.plans.iter().any(Plan::aborts)
    }
}

impl Plan {
    fn aborts(&self) -> bool {
        let by_step = self.steps.iter().any(|step| matches!(step, Step::Abort));
        by_step || self.replies.iter().any(Reply::is_abort)
    }
}

/// What is left of one end.
struct Outcome {
    role: Role,
    record: Record,
    report: CloseReport,
    /// All bytes that it wrote.
    written: Log,
}

/// See the module.
pub fn run(data: &[u8]) {
    let Some(mut program) = crate::input::<Program>(data) else { return };
    for plan in &mut program.plans {
        plan.steps.truncate(40);
        if program.settings.trouble.is_none() {
            plan.schedule.forget_fault();
        }
    }
    let is_calm = program.is_calm();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("it needs nothing");
    let ends = runtime.block_on(perform(program));
    drop(runtime);
    oracle::judge(&ends, is_calm);
}

async fn perform(program: Program) -> [Outcome; 2] {
    let Program { settings, plans: [client, server] } = program;
    let capacity = usize::from(settings.capacity) + 1;
    let (client_io, server_io) = io::pair(&client.schedule, &server.schedule, capacity);
    let written = [client_io.written(), server_io.written()];
    let config = Arc::new(settings.config());
    let [client_deflate, server_deflate] = match &settings.deflate {
        Some(offer) => offer.agree().map(Some),
        None => [None, None],
    };
    let barrier = settings.waits.then(|| Arc::new(Barrier::new(2)));
    let setup =
        |role, deflate| Setup { role, deflate, config: config.clone(), barrier: barrier.clone() };
    let client = tokio::spawn(setup(Role::Client, client_deflate).act(client, client_io));
    let server = tokio::spawn(setup(Role::Server, server_deflate).act(server, server_io));
    let both = async { [client.await, server.await] };
    let Ok(ends) = tokio::time::timeout(YEAR, both).await else {
        panic!("somebody waits for ever")
    };
    // What was dropped is closed in the background.
    tokio::time::sleep(YEAR).await;
    let [client, server] = ends.map(|end| match end {
        Ok(end) => end,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    });
    let [client_written, server_written] = written;
    let outcome = |role, (record, sender): (record::Shared, Sender), written| {
        let report = sender.report().expect("it ended, or was dropped a year ago");
        Outcome { role, record: record::take(&record), report, written }
    };
    [outcome(Role::Client, client, client_written), outcome(Role::Server, server, server_written)]
}

/// What one end is made of.
struct Setup {
    role: Role,
    deflate: Option<Deflate>,
    config: Arc<Config>,
    /// Where both ends meet before either closes.
    barrier: Option<Arc<Barrier>>,
}

impl Setup {
    async fn act(self, plan: Plan, io: io::End) -> (record::Shared, Sender) {
        let (record, stream) = (record::Shared::default(), Stream::new(io));
        let sender = match plan.style {
            Style::Pull => self.pull(plan, stream, &record).await,
            Style::Split => self.split(plan, stream, &record).await,
            Style::Push => self.push(plan, stream, &record).await,
        };
        (record, sender)
    }

    fn socket(&self, stream: Stream) -> WebSocket {
        let socket = WebSocket::from_stream(stream, Bytes::new(), self.role, self.config.clone());
        match &self.deflate {
            Some(deflate) => socket.with_deflate(deflate),
            None => socket,
        }
    }

    async fn pull(self, plan: Plan, stream: Stream, record: &record::Shared) -> Sender {
        let socket = self.socket(stream);
        let sender = socket.sender();
        let mut actor = Actor::new(Some(socket), None, sender.clone(), record.clone());
        actor.perform(plan.steps, self.barrier).await;
        sender.close(CloseCode::NORMAL, "done");
        actor.drain().await;
        sender
    }

    async fn split(self, plan: Plan, stream: Stream, record: &record::Shared) -> Sender {
        let (reader, sender) = self.socket(stream).split();
        let (reads, rest): (Vec<_>, Vec<_>) =
            plan.steps.into_iter().partition(Step::is_for_the_reader);
        let mut receiving = Actor::new(None, Some(reader), sender.clone(), record.clone());
        let mut sending = Actor::new(None, None, sender.clone(), record.clone());
        let received = tokio::spawn(async move {
            receiving.perform(reads, None).await;
            receiving.drain().await;
        });
        sending.perform(rest, self.barrier).await;
        sender.close(CloseCode::NORMAL, "done");
        if let Err(error) = received.await {
            std::panic::resume_unwind(error.into_panic());
        }
        sender
    }

    async fn push(self, plan: Plan, stream: Stream, record: &record::Shared) -> Sender {
        let (handler, ended) = push::handler(record.clone(), plan.replies);
        let sender = match &self.deflate {
            Some(_) => self.socket(stream).spawn(handler),
            None => ws::stream::spawn(stream, Bytes::new(), self.role, self.config, handler),
        };
        let mut actor = Actor::new(None, None, sender.clone(), record.clone());
        actor.perform(plan.steps, self.barrier).await;
        record::lock(record).is_over = true;
        sender.resume_reading();
        sender.close(CloseCode::NORMAL, "done");
        ended.notified().await;
        sender
    }
}
