//! The opening handshake on a TCP connection: a request is read, within bounds, and answered (RFC 6455 §4.2).

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::accept::{Accept, Hook, Incoming};
use super::config::ServerConfig;
use crate::handshake::{HeadReader, Rejection, check_with_origins, encode_response};
use crate::net::{Stream, Wheel};

/// How long a refused client may take to read the answer and go.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request may take whatever its rate.
const RATE_GRACE: Duration = Duration::from_secs(2);
/// How much more of a refused client is read, so that it gets to see the answer instead of a reset.
const REFUSAL_DRAIN: usize = 256 * 1024;

/// A connection whose opening handshake was accepted.
pub(super) struct Upgraded {
    pub(super) accept: Accept,
    pub(super) stream: Stream,
    /// What came behind the request.
    pub(super) leftover: Bytes,
}

/// Reads a request and accepts or refuses it. A refusal is written, and the connection ended.
pub(super) async fn upgrade(
    stream: Stream,
    config: &ServerConfig,
    hook: Option<&Hook>,
) -> Option<Upgraded> {
    let deadline = Instant::from_std(Wheel::deadline(config.handshake_timeout));
    let secured = async {
        match &config.secure {
            Some(secure) => secure.secure(stream).await,
            None => Ok(stream),
        }
    };
    let mut stream = match timeout_at(deadline, secured).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%error, "TLS handshake");
            return None;
        }
        // Nobody to say 408 to.
        Err(_) => return None,
    };
    match timeout_at(deadline, accept(&mut stream, config, hook)).await {
        Ok(Ok(Ok((accept, leftover)))) => Some(Upgraded { accept, stream, leftover }),
        Ok(Ok(Err(rejection))) => {
            refuse(stream, &rejection).await;
            None
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "opening handshake");
            None
        }
        Err(_) => {
            refuse(stream, &Rejection::request_timeout()).await;
            None
        }
    }
}

/// The accepted request and what came behind it, or why it was refused.
type Outcome = Result<(Accept, Bytes), Rejection>;

async fn accept(
    stream: &mut Stream,
    config: &ServerConfig,
    hook: Option<&Hook>,
) -> io::Result<Outcome> {
    let mut buffer = BytesMut::with_capacity(1024);
    let incoming = match read_request(stream, &mut buffer, config).await? {
        Ok(incoming) => incoming,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let mut accept = match hook {
        None => incoming.accept(),
        Some(hook) => match hook.decide(incoming).await {
            Ok(accept) => accept,
            Err(rejection) => return Ok(Err(rejection)),
        },
    };
    if accept.subprotocol.is_none() {
        let supported: Vec<&str> = config.subprotocols.iter().map(String::as_str).collect();
        let chosen = accept.incoming.subprotocols().select(&supported);
        accept.subprotocol = chosen.map(str::to_owned);
    }
    if let Some(deflate) = &config.deflate {
        accept.incoming.upgrade.negotiate_deflate(deflate);
    }
    let (upgrade, headers) = (&accept.incoming.upgrade, std::mem::take(&mut accept.headers));
    let response = match upgrade.accept(accept.subprotocol.as_deref(), headers) {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "the application accepted a WebSocket in an impossible way");
            let rejection = Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "server error");
            return Ok(Err(rejection));
        }
    };
    stream.write_all(&encode_response(&response)).await?;
    // A copy of what is left, so that the buffer of the handshake is gone.
    Ok(Ok((accept, Bytes::copy_from_slice(&buffer))))
}

/// Reads the request; what came behind it stays in `buffer`.
async fn read_request(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    config: &ServerConfig,
) -> io::Result<Result<Incoming, Rejection>> {
    let mut reader = HeadReader::new(config.limits.clone());
    let started = Instant::now();
    let request = loop {
        // Who trickles holds its place only for as long as it keeps to the minimum rate.
        let earned = buffer.len() as f64 / f64::from(config.min_head_rate.get());
        let until = started + RATE_GRACE + Duration::from_secs_f64(earned);
        match timeout_at(until, stream.read_buf(buffer)).await {
            Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => drop(read?),
            Err(_) => return Ok(Err(Rejection::request_timeout())),
        }
        match reader.request(buffer) {
            Ok(Some((request, len))) => {
                buffer.advance(len);
                break request;
            }
            Ok(None) => {}
            Err(error) => return Ok(Err(error.into())),
        }
    };
    Ok(check_with_origins(&request, &config.origins)
        .map(|upgrade| Incoming::new(request, upgrade, stream.peer_addr())))
}

/// Writes the answer and waits a moment for the client to have read it: to close with unread input would reset the connection.
async fn refuse(mut stream: Stream, rejection: &Rejection) {
    tracing::debug!(status = %rejection.status(), "opening handshake refused");
    let farewell = async {
        stream.write_all(&rejection.to_bytes()).await?;
        stream.shutdown().await?;
        let mut sink = [0; 4096];
        let mut drained = 0;
        while drained < REFUSAL_DRAIN {
            match stream.read(&mut sink).await? {
                0 => break,
                count => drained += count,
            }
        }
        io::Result::Ok(())
    };
    let _ = tokio::time::timeout(REFUSAL_TIMEOUT, farewell).await;
}
