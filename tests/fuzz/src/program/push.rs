//! An end that is called.

use std::any::Any;
use std::sync::Arc;

use arbitrary::Arbitrary;
use tokio::sync::Notify;
use ws::{CloseCode, CloseReport, Context, Error, Handler, Payload};

use super::record::{Draft, Record, Shared, lock};

#[derive(Debug, Arbitrary)]
pub(super) enum Reply {
    Nothing,
    Echo,
    Send(Draft),
    Twice(Draft, Draft),
    Close(u16),
    Ping(u8),
    /// Nothing is read until a step of the program lets it.
    Pause,
    Abort,
}

struct Pushed {
    record: Shared,
    replies: std::vec::IntoIter<Reply>,
    stage: Stage,
    failed: Option<CloseReport>,
    ended: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Open,
    Failed,
    Closed,
}

/// A handler, and who is notified when it has ended.
pub(super) fn handler(record: Shared, replies: Vec<Reply>) -> (impl Handler, Arc<Notify>) {
    let ended = Arc::new(Notify::new());
    let handler = Pushed {
        record,
        replies: replies.into_iter(),
        stage: Stage::New,
        failed: None,
        ended: ended.clone(),
    };
    (handler, ended)
}

impl Reply {
    pub(super) const fn is_abort(&self) -> bool {
        matches!(self, Self::Abort)
    }
}

impl Pushed {
    fn step(&self, from: Stage, to: Stage) -> Stage {
        assert_eq!(self.stage, from, "before {to:?}");
        to
    }

    fn reply(&mut self, socket: &mut Context<'_>, payload: Option<&Payload<'_>>) {
        let Some(reply) = self.replies.next() else { return };
        let mut record = lock(&self.record);
        match reply {
            Reply::Nothing => {}
            Reply::Echo => {
                if let Some(payload) = payload
                    && socket.send_payload(payload).is_ok()
                {
                    record.sent.push(payload.clone().into_message());
                }
            }
            Reply::Send(draft) => send(&mut record, socket, &draft),
            Reply::Twice(first, second) => {
                send(&mut record, socket, &first);
                send(&mut record, socket, &second);
            }
            Reply::Close(code) => {
                socket.close(CloseCode::new(code).unwrap_or(CloseCode::NORMAL), "told to");
            }
            Reply::Ping(len) => {
                let payload = vec![b'h'; usize::from(len % 126)];
                if socket.ping(&payload).is_ok() {
                    record.pings.push(payload);
                }
            }
            Reply::Pause if record.is_over => {}
            Reply::Pause => socket.sender().pause_reading(),
            Reply::Abort => socket.sender().abort(),
        }
    }
}

fn send(record: &mut Record, socket: &mut Context<'_>, draft: &Draft) {
    let message = record.make(draft);
    if socket.send(message.clone()).is_ok() {
        record.sent.push(message);
    }
}

impl Handler for Pushed {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        self.stage = self.step(Stage::New, Stage::Open);
        self.reply(socket, None);
    }

    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        self.step(Stage::Open, Stage::Open);
        lock(&self.record).received.push(message.clone().into_message());
        self.reply(socket, Some(&message));
    }

    fn on_ping(&mut self, _: &mut Context<'_>, payload: &[u8]) {
        self.step(Stage::Open, Stage::Open);
        lock(&self.record).pings_seen.push(payload.to_vec());
    }

    fn on_pong(&mut self, _: &mut Context<'_>, payload: &[u8]) {
        self.step(Stage::Open, Stage::Open);
        lock(&self.record).pongs_seen.push(payload.to_vec());
    }

    fn on_event(&mut self, socket: &mut Context<'_>, _: Box<dyn Any + Send>) {
        self.step(Stage::Open, Stage::Open);
        self.reply(socket, None);
    }

    fn on_error(&mut self, _: &mut Context<'_>, error: &Error) {
        self.stage = self.step(Stage::Open, Stage::Failed);
        self.failed = Some(error.report().clone());
    }

    fn on_close(&mut self, report: &CloseReport) {
        let before = if report.failure.is_some() { Stage::Failed } else { Stage::Open };
        self.stage = self.step(before, Stage::Closed);
        assert!(self.failed.as_ref().is_none_or(|failed| failed == report));
        lock(&self.record).ends.push(Some(report.clone()));
        self.ended.notify_one();
    }
}
