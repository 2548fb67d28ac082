//! An engine that listens, and an application that tells the test what it sees.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sio::engine::server::{
    Application, Engine, Fallback, Handle, Remote, SessionHandler, not_found,
};
use sio::engine::{CloseReason, Config, Message, Outgoing};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A test that waits longer than this for something has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it never happened")
}

pub(crate) fn out(text: &str) -> Outgoing {
    Outgoing::text(|buf| buf.push_str(text))
}

/// What the application was told.
#[derive(Debug)]
pub(crate) enum Event {
    Open(Handle),
    Text(String),
    Binary(Vec<u8>),
    Close(CloseReason),
}

pub(crate) struct Rig {
    pub(crate) addr: SocketAddr,
    pub(crate) engine: Engine,
    events: UnboundedReceiver<Event>,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let (sender, events) = unbounded_channel();
        let engine = Engine::new(config, Arc::new(Teller(sender))).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(accept(listener, engine.clone()));
        Self { addr, engine, events }
    }

    pub(crate) async fn event(&mut self) -> Event {
        soon(self.events.recv()).await.expect("the application lives")
    }

    pub(crate) async fn opened(&mut self) -> Handle {
        match self.event().await {
            Event::Open(handle) => handle,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        match self.event().await {
            Event::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Event::Close(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// What has been told already.
    pub(crate) fn try_event(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Nothing has been told that the test does not know of.
    pub(crate) fn assert_quiet(&mut self) {
        if let Ok(event) = self.events.try_recv() {
            panic!("{event:?}");
        }
    }
}

async fn accept(listener: TcpListener, engine: Engine) {
    let fallback: Fallback = Arc::new(|_| Box::pin(async { not_found() }));
    while let Ok((stream, addr)) = listener.accept().await {
        let (engine, fallback) = (engine.clone(), fallback.clone());
        let remote = Remote { addr: Some(addr), secure: false };
        tokio::spawn(async move { engine.serve_connection(stream, remote, fallback, ()).await });
    }
}

struct Teller(UnboundedSender<Event>);

impl Application for Teller {
    fn on_open(&self, session: Handle) -> Box<dyn SessionHandler> {
        if session.request().uri.query().is_some_and(|query| query.contains("greet")) {
            session.send(out("welcome")).unwrap();
        }
        let _ = self.0.send(Event::Open(session.clone()));
        Box::new(Session { session, events: self.0.clone() })
    }
}

struct Session {
    session: Handle,
    events: UnboundedSender<Event>,
}

impl SessionHandler for Session {
    fn on_message(&mut self, message: Message<'_>) {
        match message {
            // Used from inside its own handler.
            Message::Text("close me") => self.session.close(),
            Message::Text("pause") => self.session.pause_reading(),
            Message::Text("panic") => panic!("as the test wants"),
            Message::Text(text) => {
                if let Some(echo) = text.strip_prefix("echo ") {
                    self.session.send(out(echo)).unwrap();
                }
                let _ = self.events.send(Event::Text(text.to_owned()));
            }
            Message::Binary(data) => _ = self.events.send(Event::Binary(data.to_vec())),
        }
    }

    fn on_close(&mut self, reason: CloseReason) {
        let _ = self.events.send(Event::Close(reason));
    }
}
