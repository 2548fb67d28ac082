//! The opening handshake on a TCP connection: a request is read, within bounds, and answered (RFC 6455 §4.2).

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::config::ServerConfig;
use crate::handshake::{HeadReader, Rejection, check_with_origins, encode_response};
use crate::net::Stream;

/// How long a refused client may take to read the answer and go.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// How much more of a refused client is read, so that it gets to see the answer instead of a reset.
const REFUSAL_DRAIN: usize = 256 * 1024;

/// A connection whose opening handshake was accepted.
pub(super) struct Upgraded {
    pub(super) request: Request<()>,
    pub(super) stream: Stream,
    /// What came behind the request.
    pub(super) leftover: Bytes,
}

/// Reads a request and accepts or refuses it. A refusal is written, and the connection ended.
pub(super) async fn upgrade(stream: Stream, config: &ServerConfig) -> Option<Upgraded> {
    let deadline = Instant::now() + config.handshake_timeout;
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
    match timeout_at(deadline, accept(&mut stream, config)).await {
        Ok(Ok(Ok((request, leftover)))) => Some(Upgraded { request, stream, leftover }),
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

type Accepted = Result<(Request<()>, Bytes), Rejection>;

async fn accept(stream: &mut Stream, config: &ServerConfig) -> io::Result<Accepted> {
    let mut reader = HeadReader::new(config.limits.clone());
    let mut buffer = BytesMut::with_capacity(1024);
    let (request, len) = loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match reader.request(&buffer) {
            Ok(Some(head)) => break head,
            Ok(None) => {}
            Err(error) => return Ok(Err(error.into())),
        }
    };
    let upgrade = match check_with_origins(&request, &config.origins) {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let supported: Vec<&str> = config.subprotocols.iter().map(String::as_str).collect();
    let subprotocol = upgrade.subprotocols().select(&supported);
    let response = upgrade.accept(subprotocol, HeaderMap::new()).map_err(io::Error::other)?;
    stream.write_all(&encode_response(&response)).await?;
    // A copy of what is left, so that the buffer of the handshake is gone.
    Ok(Ok((request, Bytes::copy_from_slice(&buffer[len..]))))
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
