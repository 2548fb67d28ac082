//! A connection of our client, by either API.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use ws::client::Connected;
use ws::{CloseCode, CloseReport, Context, Handler, Message, Payload, Sender, WebSocket};

use crate::{Api, Result};

pub enum Peer {
    Pull(WebSocket),
    Push(Sender, UnboundedReceiver<Event>),
}

pub enum Event {
    Message(Message),
    Pong(Vec<u8>),
    Closed(CloseReport),
}

impl Peer {
    pub fn new(connected: Connected, api: Api) -> Self {
        match api {
            Api::Pull => Self::Pull(connected.into_websocket()),
            Api::Push => {
                let (events, receiver) = unbounded_channel();
                Self::Push(connected.spawn(Forward(events)), receiver)
            }
        }
    }

    pub fn sender(&self) -> Sender {
        match self {
            Self::Pull(socket) => socket.sender(),
            Self::Push(sender, _) => sender.clone(),
        }
    }

    pub async fn send(&mut self, message: Message) -> Result {
        match self {
            Self::Pull(socket) => socket.send(message).await?,
            Self::Push(sender, _) => sender.send(message).await?,
        }
        Ok(())
    }

    /// The next event. By the pull API there are no pongs.
    pub async fn next(&mut self) -> Result<Event> {
        match self {
            Self::Pull(socket) => match socket.recv().await {
                Ok(Some(message)) => Ok(Event::Message(message)),
                Ok(None) => Ok(Event::Closed(socket.sender().report().ok_or("no report")?)),
                Err(error) => Ok(Event::Closed(error.report().clone())),
            },
            Self::Push(_, events) => Ok(events.recv().await.ok_or("gone without on_close")?),
        }
    }

    /// The next message; the end is an error.
    pub async fn message(&mut self) -> Result<Message> {
        loop {
            match self.next().await? {
                Event::Message(message) => return Ok(message),
                Event::Pong(_) => {}
                Event::Closed(report) => return Err(format!("it has ended: {report:?}").into()),
            }
        }
    }

    /// How it ended; a message before that is an error.
    pub async fn end(&mut self) -> Result<CloseReport> {
        loop {
            match self.next().await? {
                Event::Message(message) => {
                    return Err(format!("a message of {} bytes", message.len()).into());
                }
                Event::Pong(_) => {}
                Event::Closed(report) => return Ok(report),
            }
        }
    }

    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<CloseReport> {
        match self {
            Self::Pull(socket) => Ok(socket.close(code, reason).await),
            Self::Push(sender, _) => {
                sender.close(code, reason);
                self.end().await
            }
        }
    }
}

struct Forward(UnboundedSender<Event>);

impl Forward {
    /// To nobody, if the case has seen enough.
    fn forward(&self, event: Event) {
        let _ = self.0.send(event);
    }
}

impl Handler for Forward {
    fn on_message(&mut self, _: &mut Context<'_>, message: Payload<'_>) {
        self.forward(Event::Message(message.into_message()));
    }

    fn on_pong(&mut self, _: &mut Context<'_>, payload: &[u8]) {
        self.forward(Event::Pong(payload.to_vec()));
    }

    fn on_close(&mut self, report: &CloseReport) {
        self.forward(Event::Closed(report.clone()));
    }
}
