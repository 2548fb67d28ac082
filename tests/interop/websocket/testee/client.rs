//! The cases of our client.

use std::io::Write;
use std::time::Duration;

use http::header;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use ws::client::Connected;
use ws::{Client, CloseCode, Config, ConnectError, Failure, Initiator, Message};

use crate::content::{Kind, SIZES};
use crate::peer::{Event, Peer};
use crate::server::{REASON, enough};
use crate::{Api, Result, config, eager, lively};

const LIMIT: usize = 65536;

#[derive(Clone)]
pub struct Run {
    pub api: Api,
    pub deflate: bool,
    pub url: String,
    pub limited: String,
}

pub async fn run(run: Run) -> Result {
    let mut list = List::default();
    for size in SIZES {
        for kind in [Kind::Text, Kind::Binary] {
            let name = format!("{kind:?}, {size} bytes").to_lowercase();
            if run.deflate && size == 64 << 20 && matches!(kind, Kind::Binary) {
                continue; // noise through four codecs takes ten seconds
            }
            list.case(&name, run.echo("/echo", kind, size)).await?;
            list.case(&format!("{name}, back in fragments"), run.echo("/fragments", kind, size))
                .await?;
        }
    }
    list.case("the latency of a keepalive ping is known", run.latency()).await?;
    list.case("pings of the server are answered", run.pinged()).await?;
    match run.api {
        Api::Push => list.case("a pong brings back what was in the ping", run.ping()).await?,
        Api::Pull => list.case("a dropped socket is closed with 1000", run.dropped()).await?,
    }
    list.case("closed by the client", run.close()).await?;
    list.case("closed by the server", run.closed()).await?;
    list.case("subprotocol", run.subprotocol()).await?;
    list.case("no subprotocol in common", run.no_subprotocol()).await?;
    list.case("refused with 401", run.refused()).await?;
    list.case("too big for the server", run.too_big_for_server()).await?;
    list.case("too big for the client", run.too_big_for_client()).await?;
    list.case("cut by the server", run.cut_by_server()).await?;
    list.case("cut by the client", run.cut_by_client()).await?;
    list.case("100 connections at a time", run.hundred()).await?;
    list.end()
}

#[derive(Default)]
struct List {
    count: usize,
    failed: usize,
}

impl List {
    async fn case(&mut self, name: &str, case: impl Future<Output = Result>) -> Result {
        self.count += 1;
        let result = timeout(Duration::from_secs(30), case).await.unwrap_or(Err("too slow".into()));
        let mut stdout = std::io::stdout();
        match result {
            Ok(()) => writeln!(stdout, "ok\t{name}\t")?,
            Err(error) => {
                self.failed += 1;
                writeln!(stdout, "FAILED\t{name}\t{error}")?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Result {
        writeln!(std::io::stdout(), "end\t{}\t", self.count)?;
        if self.failed > 0 { Err(format!("{} failed", self.failed).into()) } else { Ok(()) }
    }
}

/// Returns an error that shows what there is instead.
macro_rules! check {
    ($holds:expr, $instead:expr) => {
        if !$holds {
            return Err(format!("{}: {:?}", stringify!($holds), $instead).into());
        }
    };
}

impl Run {
    fn client(&self, path: &str, id: &str) -> Client {
        let client =
            Client::builder(format!("{}{path}?id={id}", self.url)).config(config(64 << 20));
        if self.deflate { client.deflate(eager()) } else { client }
    }

    async fn handshake(&self, client: Client) -> Result<Connected> {
        let connected = client.handshake().await?;
        let agreed = connected.response().headers().get(header::SEC_WEBSOCKET_EXTENSIONS);
        let deflates =
            agreed.is_some_and(|value| value.as_bytes().starts_with(b"permessage-deflate"));
        check!(deflates == self.deflate, agreed);
        Ok(connected)
    }

    async fn peer(&self, client: Client) -> Result<Peer> {
        Ok(Peer::new(self.handshake(client).await?, self.api))
    }

    async fn open(&self, path: &str, id: &str) -> Result<Peer> {
        self.peer(self.client(path, id)).await
    }

    /// What the server says about the connection with this id, once that has ended.
    async fn report(&self, id: &str) -> Result<(u64, String)> {
        let report = self.open("/report", id).await?.message().await?;
        let report: Value = serde_json::from_str(report.as_text().ok_or("not a text")?)?;
        let code = report["code"].as_u64().ok_or("no code")?;
        Ok((code, report["reason"].as_str().unwrap_or_default().to_owned()))
    }

    async fn echo(&self, path: &str, kind: Kind, size: usize) -> Result {
        let mut peer = self.open(path, "echo").await?;
        let message = kind.message(size);
        peer.send(message.clone()).await?;
        let echo = peer.message().await?;
        // Not both messages in the error: they are long.
        check!(echo == message, echo.len());
        let report = peer.close(CloseCode::NORMAL, "").await?;
        check!(report.is_clean(), report);
        Ok(())
    }

    async fn latency(&self) -> Result {
        let mut peer =
            self.peer(self.client("/echo", "latency").config(lively(Config::default()))).await?;
        let sender = peer.sender();
        let mut look = interval(Duration::from_millis(2));
        while sender.latency().is_none() {
            tokio::select! {
                event = peer.next() => match event? {
                    Event::Pong(_) => {}
                    Event::Message(_) | Event::Closed(_) => return Err("not only pongs".into()),
                },
                _ = look.tick() => {}
            }
        }
        Ok(())
    }

    async fn pinged(&self) -> Result {
        let told = self.open("/ping", "pinged").await?.message().await?;
        let latency = told.as_text().and_then(|text| text.strip_prefix("latency "));
        check!(latency.is_some_and(|latency| latency.parse::<u64>().is_ok()), told);
        Ok(())
    }

    async fn ping(&self) -> Result {
        let mut peer = self.open("/echo", "ping").await?;
        peer.sender().ping(&[7; 125])?;
        match peer.next().await? {
            Event::Pong(payload) => check!(payload == [7; 125], payload),
            _ => return Err("not a pong".into()),
        }
        Ok(())
    }

    async fn dropped(&self) -> Result {
        drop(self.open("/echo", "dropped").await?);
        let report = self.report("dropped").await?;
        check!(report == (1000, String::new()), report);
        Ok(())
    }

    async fn close(&self) -> Result {
        let mut peer = self.open("/echo", "close").await?;
        let report = peer.close(enough(), REASON).await?;
        check!(report.is_clean() && report.initiator == Initiator::Local, report);
        check!(report.code() == Some(enough()), report);
        let report = self.report("close").await?;
        check!(report == (4321, REASON.to_owned()), report);
        Ok(())
    }

    async fn closed(&self) -> Result {
        let mut peer = self.open("/close", "closed").await?;
        peer.send("close".into()).await?;
        let report = peer.end().await?;
        check!(report.is_clean() && report.initiator == Initiator::Peer, report);
        let frame = report.received.as_ref().ok_or("no close frame")?;
        check!(frame.code == enough() && &*frame.reason == REASON, report);
        let (code, _) = self.report("closed").await?;
        check!(code == 4321, code);
        Ok(())
    }

    async fn subprotocol(&self) -> Result {
        let client =
            self.client("/echo", "subprotocol").subprotocol("v9.chat").subprotocol("v1.chat");
        let connected = self.handshake(client).await?;
        check!(connected.subprotocol() == Some("v1.chat"), connected.response());
        Ok(())
    }

    async fn no_subprotocol(&self) -> Result {
        let connected = self.handshake(self.client("/echo", "none").subprotocol("v9.chat")).await?;
        check!(connected.subprotocol().is_none(), connected.response());
        Ok(())
    }

    async fn refused(&self) -> Result {
        match self.client("/refuse", "refused").handshake().await {
            Err(ConnectError::Refused(refused)) => {
                check!(refused.status == 401, refused.status);
                check!(refused.headers[header::WWW_AUTHENTICATE] == "Basic", refused.headers);
                check!(refused.text().trim_end() == "who are you?", refused.text());
                Ok(())
            }
            other => Err(format!("not refused: {other:?}").into()),
        }
    }

    async fn too_big_for_server(&self) -> Result {
        let limited = Self { url: self.limited.clone(), ..self.clone() };
        let mut peer = limited.open("/echo", "too-big-for-server").await?;
        // Not noise, which deflate makes longer: they hold the limit against the frame, too.
        let fits = Kind::Text.message(LIMIT);
        peer.send(fits.clone()).await?;
        check!(peer.message().await? == fits, "another message");
        peer.send(Kind::Text.message(LIMIT + 1)).await?;
        let report = peer.end().await?;
        check!(report.code() == Some(CloseCode::MESSAGE_TOO_BIG), report);
        Ok(())
    }

    async fn too_big_for_client(&self) -> Result {
        let mut peer =
            self.peer(self.client("/echo", "too-big-for-client").config(config(LIMIT))).await?;
        let fits = Kind::Text.message(LIMIT);
        peer.send(fits.clone()).await?;
        check!(peer.message().await? == fits, "another message");
        peer.send(Kind::Text.message(LIMIT + 1)).await?;
        let report = peer.end().await?;
        let sent = report.sent.as_ref().map(|frame| frame.code);
        check!(sent == Some(CloseCode::MESSAGE_TOO_BIG), report);
        check!(matches!(report.failure, Some(Failure::Protocol(_))), report);
        let (code, _) = self.report("too-big-for-client").await?;
        check!(code == 1009, code);
        Ok(())
    }

    async fn cut_by_server(&self) -> Result {
        let mut peer = self.open("/drop", "cut-by-server").await?;
        peer.send("drop".into()).await?;
        let report = peer.end().await?;
        check!(matches!(report.failure, Some(Failure::Eof | Failure::Io(_))), report);
        check!(report.received.is_none(), report);
        Ok(())
    }

    async fn cut_by_client(&self) -> Result {
        let mut peer = self.open("/echo", "cut-by-client").await?;
        peer.send("hello".into()).await?;
        peer.message().await?;
        peer.sender().abort();
        let report = peer.end().await?;
        check!(report.failure == Some(Failure::Dropped), report);
        let (code, _) = self.report("cut-by-client").await?;
        check!(code == 1006, code);
        Ok(())
    }

    /// All of them are open before the first one sends.
    async fn hundred(&self) -> Result {
        let mut peers = Vec::new();
        for _ in 0..100 {
            peers.push(self.open("/echo", "hundred").await?);
        }
        let mut tasks = JoinSet::<Result>::new();
        for (number, mut peer) in peers.into_iter().enumerate() {
            tasks.spawn(async move {
                for round in 0..10 {
                    let message = Message::from(format!("{number}, {round} ").repeat(100 * round));
                    peer.send(message.clone()).await?;
                    let echo = peer.message().await?;
                    check!(echo == message, echo);
                }
                let report = peer.close(CloseCode::NORMAL, "").await?;
                check!(report.is_clean(), report);
                Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    }
}
