//! Long-polling: a GET waits for packets, a POST brings them (rules 6-8).

use std::sync::Arc;

use bytes::{Buf, Bytes};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use tokio::sync::oneshot;

use super::answer::{Body, answer, close_after, refuse};
use super::batch::{Batch, Payload};
use super::peer::Peer;
use crate::engine::{CloseReason, Config, Protocol, Refusal, Session};

/// A GET that waits until there is something for the client.
///
/// It waits from when it is made, not from when it is first polled: hyper may drop it before, when the client goes away at once.
pub(super) struct Get {
    answered: oneshot::Receiver<Batch>,
    aborted: OnDrop,
}

impl Get {
    pub(super) fn begin(peer: Arc<Peer>) -> Result<Self, Refusal> {
        let answered = peer.begin_get()?;
        Ok(Self { answered, aborted: OnDrop::new(peer, Session::handle_get_aborted) })
    }

    pub(super) async fn run(self) -> Result<Batch, Refusal> {
        let batch = self.answered.await.map_err(|_| Refusal::SessionIdUnknown)?;
        self.aborted.disarm();
        Ok(batch)
    }
}

/// The answer to a GET (rule 6).
pub(super) fn payload_answer(content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = answer(StatusCode::OK, content_type, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A POST that brings packets. As with a GET, it is in flight from when it is made.
pub(super) struct Post {
    peer: Arc<Peer>,
    cut_short: OnDrop,
    is_octet_stream: bool,
}

impl Post {
    pub(super) fn begin(
        peer: Arc<Peer>,
        content_type: Option<&HeaderValue>,
    ) -> Result<Self, Refusal> {
        peer.act(|session, _| session.handle_post())?;
        let is_octet_stream = content_type
            .is_some_and(|value| value.as_bytes().starts_with(b"application/octet-stream"));
        let cut_short = OnDrop::new(peer.clone(), Session::handle_post_error);
        Ok(Self { cut_short, peer, is_octet_stream })
    }

    /// Where this returns without disarming the guard, the session ends.
    pub(super) async fn run<B>(self, config: &Config, body: B) -> Response<Body>
    where
        B: HttpBody + Unpin,
    {
        let Self { peer, cut_short, is_octet_stream } = self;
        if is_octet_stream && peer.dialect().protocol() == Protocol::V4 {
            // Rule 7: binary bodies went with version 3.
            return refuse(&Refusal::BadRequest);
        }
        // A client that is alive at all has the time of a heartbeat.
        let time = config.ping_interval + config.ping_timeout;
        let read = tokio::time::timeout(time, read_body(body, config.max_payload)).await;
        let body = match read {
            Ok(Ok(body)) => body,
            Ok(Err(Unread::TooLarge)) => {
                cut_short.disarm();
                peer.act(|session, _| session.handle_post_end());
                return too_large();
            }
            Ok(Err(Unread::Broken)) | Err(_) => return refuse(&Refusal::BadRequest),
        };
        let taken = take_packets(&peer, &body, is_octet_stream, config.max_packets).await;
        cut_short.disarm();
        peer.act(|session, _| session.handle_post_end());
        match taken {
            Ok(()) => answer(StatusCode::OK, "text/html", "ok"),
            Err(refusal) => refuse(&refusal),
        }
    }
}

/// Gives the packets of a body to the session, up to the first bad one, which ends it (rules 7 and 12). Any of them may be the one
/// after which reading is paused.
async fn take_packets(
    peer: &Arc<Peer>,
    body: &[u8],
    is_octet_stream: bool,
    max_packets: usize,
) -> Result<(), Refusal> {
    let Some(payload) = Payload::new(body, is_octet_stream, peer.dialect()) else {
        peer.act(|session, _| session.handle_parse_error());
        return Err(Refusal::BadRequest);
    };
    let mut decoder = payload.decoder(max_packets);
    loop {
        peer.reading().await;
        let Some(packet) = decoder.next_packet() else { return Ok(()) };
        match packet {
            Ok(packet) => {
                if !peer.may_take() {
                    peer.abort();
                    return Err(Refusal::TooMany);
                }
                if let Some(message) = peer.act(|session, now| session.handle_packet(now, packet)) {
                    peer.deliver(message);
                }
            }
            Err(error) => {
                tracing::debug!(session = ?peer.sid(), %error, reason = %CloseReason::ParseError, "closing");
                peer.act(|session, _| session.handle_parse_error());
                return Err(Refusal::BadRequest);
            }
        }
    }
}

enum Unread {
    TooLarge,
    Broken,
}

/// Reads a body of at most `limit` bytes, and no further (rule 7).
async fn read_body<B: HttpBody + Unpin>(mut body: B, limit: usize) -> Result<Vec<u8>, Unread> {
    // Memory follows what arrives: the announced length only serves to refuse.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Unread::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        if bytes.len() + data.remaining() > limit {
            return Err(Unread::TooLarge);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    Ok(bytes)
}

/// Rule 7: 413, and the session stays open. What is left of the body is not worth reading.
fn too_large() -> Response<Body> {
    let mut response = answer(StatusCode::PAYLOAD_TOO_LARGE, "text/html", "");
    close_after(&mut response);
    response
}

/// Tells the session when a request is given up in the middle.
struct OnDrop {
    peer: Arc<Peer>,
    tell: Option<fn(&mut Session)>,
}

impl OnDrop {
    fn new(peer: Arc<Peer>, tell: fn(&mut Session)) -> Self {
        Self { peer, tell: Some(tell) }
    }

    fn disarm(mut self) {
        self.tell = None;
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(tell) = self.tell {
            self.peer.act(|session, _| tell(session));
        }
    }
}
