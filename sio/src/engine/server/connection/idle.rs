//! A connection out of hyper's hands: nothing is to be read or written.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, DATE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;
use ws::handshake::encode_response;

use super::super::answer::Body;
use super::exchange::Answering;
use super::{Site, Wire};

/// Of what a client sends while it waits for an answer, this much is kept for hyper. It should send nothing.
const MAX_UNREAD: usize = 4096;

/// Waits for the next request. `None` if the connection is over.
pub(super) async fn wait(site: &Site, mut wire: Wire) -> Option<Wire> {
    if !wire.unread.is_empty() {
        return Some(wire);
    }
    let engine = site.host();
    let readable = timeout(engine.config().header_timeout, poll_fn(|cx| poll_read(&mut wire, cx)));
    let is_alive = tokio::select! {
        is_alive = readable => is_alive.unwrap_or(false),
        () = engine.0.registry.ended() => false,
    };
    is_alive.then_some(wire)
}

/// Waits for the answer to a GET, and writes it. Gives `None` if the connection is over.
pub(super) fn poll(
    site: &Site,
    mut wire: Wire,
    mut answering: Answering,
) -> impl Future<Output = Option<Wire>> + Send {
    // Of the first engine of several, whose shutdown ends the connections.
    let polling = site.host().0.registry.poll();
    // A block and not a function, which would keep room for its arguments beside what becomes of them.
    async move {
        let _polling = polling;
        let response = poll_fn(|cx| {
            // The answer first: a client may go away with the last thing that it wants to know.
            if let Poll::Ready(response) = answering.as_mut().poll(cx) {
                return Poll::Ready(Some(Box::new(response)));
            }
            loop {
                match poll_read(&mut wire, cx) {
                    Poll::Ready(true) => {}
                    // As it is dropped, the session hears that the client has gone away.
                    Poll::Ready(false) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await?;
        Box::pin(write_in_time(site, wire, *response)).await
    }
}

async fn write_in_time(site: &Site, mut wire: Wire, response: Response<Body>) -> Option<Wire> {
    let config = site.host().config();
    // Who takes nothing for so long has no heartbeat either.
    let time = config.ping_interval + config.ping_timeout;
    match timeout(time, write(&mut wire, response)).await {
        Ok(Ok(())) => Some(wire),
        Ok(Err(error)) => {
            tracing::debug!(%error, "answer to a GET");
            None
        }
        Err(_) => None,
    }
}

/// Reads what comes, up to a limit. Is the connection alive?
fn poll_read(wire: &mut Wire, cx: &mut Context<'_>) -> Poll<bool> {
    if wire.unread.len() >= MAX_UNREAD {
        return Poll::Pending;
    }
    let mut bytes = [0; 1024];
    let mut buf = ReadBuf::new(&mut bytes);
    match Pin::new(&mut wire.stream).poll_read(cx, &mut buf) {
        Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
            let mut unread = BytesMut::from(&wire.unread[..]);
            unread.extend_from_slice(buf.filled());
            wire.unread = unread.freeze();
            Poll::Ready(true)
        }
        Poll::Ready(_) => Poll::Ready(false),
        Poll::Pending => Poll::Pending,
    }
}

async fn write(wire: &mut Wire, response: Response<Body>) -> io::Result<()> {
    let (mut head, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::error!(%error, "a body in one piece can't fail");
            head.status = StatusCode::INTERNAL_SERVER_ERROR;
            Bytes::new()
        }
    };
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    // RFC 9110 §6.6.1; hyper does it for the others.
    if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now())) {
        head.headers.insert(DATE, date);
    }
    let mut bytes = encode_response(&Response::from_parts(head, ()));
    // One write for what is short, no copy of what is long.
    if body.len() <= 16 << 10 {
        bytes.extend_from_slice(&body);
        wire.stream.write_all(&bytes).await?;
    } else {
        wire.stream.write_all(&bytes).await?;
        wire.stream.write_all(&body).await?;
    }
    wire.stream.flush().await
}
