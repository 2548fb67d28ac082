//! A session over long-polling (rules 6, 12, 15, 17, 19): one task, at most one GET and one POST in flight, each on a connection of
//! its own, until the session ends or has moved to a WebSocket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout};
use ws::WebSocket;

use super::address::Address;
use super::http::{Http, Lane};
use super::upgrade::{self, Upgrade};
use super::websocket::{SocketHandler, handle_packet};
use super::{ConnectError, Handle};
use crate::engine::payload::Decoder;
use crate::engine::{CloseReason, Open, Packet, ParseError, SessionHandler};

/// How much longer it is waited after each answer with nothing in it.
const REST: Duration = Duration::from_millis(10);
/// But not longer than this: far less than any heartbeat.
const MAX_REST: Duration = Duration::from_millis(500);

/// A session that a GET has opened, not begun yet.
pub(super) struct Opened {
    pub(super) open: Open,
    body: Bytes,
    lane: Option<Lane>,
    address: Arc<Address>,
}

/// Opens a session: the first packet of the first payload is the open packet (rule 11).
pub(super) async fn open(address: &Arc<Address>) -> Result<Opened, ConnectError> {
    let mut lane = None;
    let body = Http(address.clone()).get(&mut lane, None).await?;
    let text = std::str::from_utf8(&body).map_err(|_| ConnectError::NoOpenPacket)?;
    let open = match Decoder::new(text, 1).next_packet() {
        Some(Ok(Packet::Open(json))) => {
            Open::parse(json).map_err(|_| ConnectError::NoOpenPacket)?
        }
        _ => return Err(ConnectError::NoOpenPacket),
    };
    Ok(Opened { open, body, lane, address: address.clone() })
}

impl Opened {
    /// Polls in a task of the session's own.
    pub(super) fn spawn<H: SessionHandler + 'static>(self, handle: Handle, handler: H) {
        let session = Session { handle, handler: Some(handler) };
        tokio::spawn(run(self, session));
    }
}

/// Who is told of the end, also if the task is dropped or panics.
struct Session<H: SessionHandler> {
    handle: Handle,
    handler: Option<H>,
}

impl<H: SessionHandler> Session<H> {
    /// A payload has come (rule 12: what follows a bad packet is not looked at). Gives whether there was something in it: a message,
    /// or a ping.
    fn receive(&mut self, body: &Bytes) -> bool {
        let mut filled = false;
        let Some(handler) = &mut self.handler else { return filled };
        let Ok(text) = std::str::from_utf8(body) else {
            self.handle.end(CloseReason::ParseError);
            return filled;
        };
        // The body is bounded, and so are therefore its packets.
        let mut packets = Decoder::new(text, usize::MAX);
        while let Some(packet) = packets.next_packet() {
            match packet {
                Ok(packet) => {
                    filled |= matches!(packet, Packet::Message(_) | Packet::Ping(_));
                    handle_packet(&self.handle, handler, &packet);
                }
                // Nothing at all: an answer of servers that close.
                Err(ParseError::Empty) if text.is_empty() => {}
                Err(error) => {
                    tracing::debug!(%error, "no packet");
                    self.handle.end(CloseReason::ParseError);
                }
            }
        }
        filled
    }
}

impl<H: SessionHandler> Drop for Session<H> {
    fn drop(&mut self) {
        if let Some(mut handler) = self.handler.take() {
            self.handle.end(CloseReason::TransportError);
            handler.on_close(self.handle.ended().unwrap_or(CloseReason::TransportError));
            self.handle.handle_gone();
        }
    }
}

type Request = Pin<Box<dyn Future<Output = (Option<Lane>, Result<Bytes, ConnectError>)> + Send>>;

/// What is under way.
struct Work {
    address: Arc<Address>,
    sid: Arc<str>,
    get: Option<Request>,
    post: Option<Request>,
    /// The connections while nothing is under way on them.
    get_lane: Option<Lane>,
    post_lane: Option<Lane>,
    upgrade: Option<Upgrade>,
    /// When the next GET may begin, if not at once.
    rests_until: Option<Instant>,
    /// GETs in a row whose answer had nothing in it.
    empty: u32,
}

enum Done {
    Got(Result<Bytes, ConnectError>),
    Posted(Result<Bytes, ConnectError>),
    Probed(Option<WebSocket>),
    /// The time has come for the next GET, or to let go of the connection for POSTs.
    Late,
    Woken,
}

async fn run<H: SessionHandler + 'static>(opened: Opened, mut session: Session<H>) {
    let Opened { open, body, lane, address } = opened;
    session.receive(&body);
    drop(body);
    let upgrade = upgrade::begin(&address, &open);
    let sid = open.sid.into();
    let mut work = Work {
        address,
        sid,
        get: None,
        post: None,
        get_lane: lane,
        post_lane: None,
        upgrade,
        rests_until: None,
        empty: 0,
    };
    while session.handle.ended().is_none() {
        work.begin(&session.handle);
        if let Some(socket) = work.quiet_for_upgrade(&session.handle) {
            return move_to(work.address, socket, session).await;
        }
        match work.next(&session.handle).await {
            Done::Got(Ok(body)) => {
                let filled = session.receive(&body);
                work.rest(filled);
            }
            Done::Got(Err(error)) | Done::Posted(Err(error)) => {
                tracing::debug!(%error, "polling failed");
                session.handle.end(CloseReason::TransportError);
            }
            Done::Probed(probed) => work.upgrade = probed.map(Upgrade::pausing),
            Done::Late => work.handle_timeout(),
            Done::Posted(Ok(_)) | Done::Woken => {}
        }
    }
    work.end(&session.handle).await;
}

/// Rule 17: the upgrade packet goes first on the WebSocket, then what waits.
async fn move_to<H: SessionHandler + 'static>(
    address: Arc<Address>,
    socket: WebSocket,
    mut session: Session<H>,
) {
    let (Some(handler), handle) = (session.handler.take(), session.handle.clone()) else { return };
    let sender = socket.spawn(SocketHandler::new(handle.clone(), handler));
    if sender.try_send("5").is_ok() {
        address.client().remember_upgrade();
    }
    while !handle.move_to(&sender) && sender.is_open() {
        while let Some(packet) = handle.with_batches(|batches, _| batches.pop()) {
            // There is always room for one more after this, unless it is all over.
            sender.ready().await;
            if sender.try_send_prepared(packet.prepared()).is_err() {
                break;
            }
        }
    }
}

impl Work {
    /// Begins what can begin.
    fn begin(&mut self, handle: &Handle) {
        let pausing = self.upgrade.as_ref().is_some_and(Upgrade::is_pausing);
        if self.get.is_none() && self.rests_until.is_none() && !pausing && !handle.is_paused() {
            let (http, sid, lane) =
                (Http(self.address.clone()), self.sid.clone(), self.get_lane.take());
            self.get = Some(Box::pin(async move {
                let mut lane = lane;
                let got = http.get(&mut lane, Some(&sid)).await;
                (lane, got)
            }));
        }
        if self.post.is_none() && !pausing {
            self.post = handle
                .with_batches(|batches, max| batches.next_body(max))
                .map(|body| self.posted(body));
        }
    }

    /// A server that answers at once though it has nothing to say is not run at: the next GET is later and later.
    fn rest(&mut self, filled: bool) {
        self.empty = if filled { 0 } else { self.empty + 1 };
        // While a session moves, a server ends a GET or two with nothing (rule 17).
        if let Some(times @ 1..) = self.empty.checked_sub(2) {
            self.rests_until = Some(Instant::now() + (REST * times).min(MAX_REST));
        }
    }

    fn handle_timeout(&mut self) {
        let now = Instant::now();
        self.rests_until.take_if(|until| *until <= now);
        self.post_lane.take_if(|lane| lane.fresh_until() <= now);
    }

    fn posted(&mut self, body: Bytes) -> Request {
        let (http, sid, lane) =
            (Http(self.address.clone()), self.sid.clone(), self.post_lane.take());
        Box::pin(async move {
            let mut lane = lane;
            let posted = http.post(&mut lane, &sid, body).await;
            (lane, posted)
        })
    }

    /// The WebSocket that was probed, once no request is in flight.
    fn quiet_for_upgrade(&mut self, handle: &Handle) -> Option<WebSocket> {
        if self.get.is_some() || self.post.is_some() || handle.is_paused() {
            return None;
        }
        let (quiet, left) = Upgrade::take(self.upgrade.take());
        self.upgrade = left;
        quiet
    }

    /// What is done first.
    async fn next(&mut self, handle: &Handle) -> Done {
        let Self { get, post, get_lane, post_lane, upgrade, rests_until, .. } = self;
        let fresh_until = post_lane.as_ref().map(Lane::fresh_until);
        let next = [fresh_until, *rests_until].into_iter().flatten().min();
        let requests = std::future::poll_fn(|context| {
            if let Some(request) = get
                && let Poll::Ready((lane, got)) = request.as_mut().poll(context)
            {
                (*get, *get_lane) = (None, lane);
                return Poll::Ready(Done::Got(got));
            }
            if let Some(request) = post
                && let Poll::Ready((lane, posted)) = request.as_mut().poll(context)
            {
                (*post, *post_lane) = (None, lane);
                return Poll::Ready(Done::Posted(posted));
            }
            Poll::Pending
        });
        let probed = async {
            match upgrade {
                Some(upgrade) => upgrade.probed().await,
                None => std::future::pending().await,
            }
        };
        let late = async {
            match next {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = requests => done,
            probed = probed => Done::Probed(probed),
            () = late => Done::Late,
            () = handle.work() => Done::Woken,
        }
    }

    /// Rule 19: the session is over. If it was this side that closed it, what waits is sent, and `1` behind it.
    async fn end(mut self, handle: &Handle) {
        self.upgrade = None;
        // Rule 8: a GET that is broken off is an error of the transport. It ends with this.
        if !matches!(handle.ended(), Some(CloseReason::ForcedClose | CloseReason::ParseError)) {
            return;
        }
        let time = self.address.config().close_timeout;
        let goodbye = async {
            if let Some(post) = self.post.take() {
                self.post_lane = post.await.0;
            }
            // The goodbye comes alone: Node's server hands on what stands before it in the same payload only after it has ended the
            // session.
            while let Some(body) = handle.with_batches(|batches, max| batches.next_body(max)) {
                let (lane, posted) = self.posted(body).await;
                self.post_lane = lane;
                if posted.is_err() {
                    return;
                }
            }
            let close = crate::engine::payload::encode(&[crate::engine::Outgoing::close()]);
            // Nobody is left to be told if it fails.
            let _ = self.posted(close).await;
        };
        // Whoever does not take it in time finds out by the heartbeat.
        let _ = timeout(time, goodbye).await;
    }
}
