//! The request goes out, the head of the response comes in.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use http::{Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::ConnectError;
use crate::handshake::HeadReader;
use crate::net::Stream;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) stream: Stream,
    pub(super) response: Response<()>,
    /// Bytes behind the head: frames, or the beginning of a body.
    pub(super) leftover: Bytes,
}

pub(super) async fn exchange(mut stream: Stream, request: &[u8]) -> Result<Answer, ConnectError> {
    stream.write_all(request).await.map_err(ConnectError::Io)?;
    stream.flush().await.map_err(ConnectError::Io)?;
    let mut buffer = BytesMut::with_capacity(1024);
    let mut reader = HeadReader::default();
    loop {
        if let Some((response, len)) = reader.response(&buffer).map_err(ConnectError::Head)? {
            buffer.advance(len);
            if is_interim(response.status()) {
                reader = HeadReader::default();
                continue;
            }
            // A copy, so that a few bytes don't keep the buffer of the head.
            return Ok(Answer { stream, response, leftover: Bytes::copy_from_slice(&buffer) });
        }
        if stream.read_buf(&mut buffer).await.map_err(ConnectError::Io)? == 0 {
            let closed =
                io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed without an answer");
            return Err(ConnectError::Io(closed));
        }
    }
}

/// RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a
/// final response". The deadline ends it if they never end.
fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}
