//! The body of an answer that isn't 101 (RFC 9112 §6): it often says what is wrong.
//!
//! Read as far as it comes soon, and not far: a refusal must not become a way to keep a client
//! busy.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::error::Refused;
use super::exchange::Answer;

/// Bytes of a body that are kept.
const MAX_BODY: usize = 64 * 1024;

/// How long we wait for a body; what has come until then is kept.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn read(answer: Answer) -> Box<Refused> {
    let Answer { mut stream, response, leftover } = answer;
    let (parts, ()) = response.into_parts();
    let mut body = Body::new(&parts.headers);
    body.push(&leftover);
    let rest = async {
        let mut piece = vec![0; 4096];
        while !body.is_complete() {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(len) => body.push(&piece[..len]),
            }
        }
    };
    // Too late or broken off: then this is the body.
    let _ = timeout(BODY_TIMEOUT, rest).await;
    Box::new(Refused {
        status: parts.status,
        headers: parts.headers,
        body: Bytes::from(body.bytes),
    })
}

/// A body that comes in pieces.
struct Body {
    bytes: Vec<u8>,
    framing: Framing,
}

/// What ends the body, and how far we are (RFC 9112 §6.3).
enum Framing {
    /// The size of a chunk, as far as it was read; the flag is set behind the digits.
    ChunkSize(u64, bool),
    /// What is left of a chunk.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// What is left of `Content-Length`, or without one as much as comes.
    Left(u64),
}

impl Body {
    fn new(headers: &HeaderMap) -> Self {
        let length = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        // `chunked` is always last, and nothing before it (gzip) was asked for.
        let framing = match headers.contains_key(TRANSFER_ENCODING) {
            true => Framing::ChunkSize(0, false),
            false => Framing::Left(length().unwrap_or(u64::MAX)),
        };
        Self { bytes: Vec::new(), framing }
    }

    fn is_complete(&self) -> bool {
        self.bytes.len() >= MAX_BODY || matches!(self.framing, Framing::Left(0))
    }

    fn push(&mut self, mut input: &[u8]) {
        while let ([byte, rest @ ..], false) = (input, self.is_complete()) {
            self.framing = match self.framing {
                Framing::Left(left) => Framing::Left(left - self.take(&mut input, left)),
                Framing::Chunk(left) => match left - self.take(&mut input, left) {
                    0 => Framing::ChunkEnd,
                    left => Framing::Chunk(left),
                },
                Framing::ChunkEnd => {
                    input = rest;
                    if *byte == b'\n' { Framing::ChunkSize(0, false) } else { Framing::ChunkEnd }
                }
                Framing::ChunkSize(size, done) => {
                    input = rest;
                    match (char::from(*byte).to_digit(16), *byte) {
                        // The chunk of size 0 ends the body; nobody waits for trailers.
                        (_, b'\n') if size == 0 => Framing::Left(0),
                        (_, b'\n') => Framing::Chunk(size),
                        (Some(digit), _) if !done => Framing::ChunkSize(
                            size.saturating_mul(16).saturating_add(digit.into()),
                            false,
                        ),
                        // Extensions, and the CR.
                        _ => Framing::ChunkSize(size, true),
                    }
                }
            };
        }
    }

    /// Takes up to `left` bytes, less if there is no room for more.
    fn take(&mut self, input: &mut &[u8], left: u64) -> u64 {
        let room = input.len().min(MAX_BODY - self.bytes.len());
        let len = usize::try_from(left).map_or(room, |left| left.min(room));
        let (taken, rest) = input.split_at(len);
        self.bytes.extend_from_slice(taken);
        *input = rest;
        len as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn body(header: Option<(HeaderName, &'static str)>, pieces: &[&[u8]]) -> Body {
        let header = header.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let mut body = Body::new(&header.into_iter().collect());
        pieces.iter().for_each(|piece| body.push(piece));
        body
    }

    #[test]
    fn a_length_ends_the_body() {
        let got = body(Some((CONTENT_LENGTH, "5")), &[b"he", b"llo, world"]);
        assert_eq!((got.bytes.as_slice(), got.is_complete()), (b"hello".as_slice(), true));
        assert!(body(Some((CONTENT_LENGTH, "0")), &[]).is_complete());
    }

    #[test]
    fn without_a_length_it_goes_on_to_the_limit() {
        let got = body(None, &[b"hello"]);
        assert_eq!((got.bytes.as_slice(), got.is_complete()), (b"hello".as_slice(), false));
        let got = body(None, &[&[b'x'; 50_000], &[b'y'; 50_000]]);
        assert_eq!((got.bytes.len(), got.is_complete()), (MAX_BODY, true));
    }

    #[test]
    fn chunks_are_joined_wherever_they_are_cut() {
        let raw = b"5\r\nhello\r\n6;name=\"fade\"\r\n\nworld\r\n0\r\n\r\n";
        for at in 0..=raw.len() {
            let got = body(Some((TRANSFER_ENCODING, "chunked")), &[&raw[..at], &raw[at..]]);
            assert_eq!(
                (got.bytes.as_slice(), got.is_complete()),
                (b"hello\nworld".as_slice(), true),
                "{at}"
            );
        }
    }

    #[test]
    fn a_chunk_without_an_end_is_kept_to_the_limit() {
        let got = body(
            Some((TRANSFER_ENCODING, "chunked")),
            &[b"fffffffffffffffffffff\r\n", &[b'x'; 70_000]],
        );
        assert_eq!((got.bytes.len(), got.is_complete()), (MAX_BODY, true));
    }
}
