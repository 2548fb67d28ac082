//! Heads of HTTP/1.1 messages (RFC 9112 §2-§5): read as they arrive, bounded, and written.
//!
//! Called by the server and client floors, which own the bytes; frameworks bring heads of their
//! own.

mod scan;
mod write;

use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};

use scan::Scan;

pub use write::{encode_request, encode_response};

/// What a head may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the whole head, with the empty line that ends it. Default: 16 KiB; browsers stay
    /// below 8 with big cookies.
    pub max_head_bytes: usize,
    /// Bytes of the request line or status line. Default: 8 KiB, what RFC 9112 §3 recommends to
    /// support at least (8000).
    pub max_first_line_bytes: usize,
    /// Header lines. Default: 64; a browser behind two proxies sends about 25.
    pub max_headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_head_bytes: 16 * 1024, max_first_line_bytes: 8 * 1024, max_headers: 64 }
    }
}

/// Reads one head that arrives in pieces.
///
/// The caller owns the buffer, appends what arrives and shows all of it each time; bytes that were
/// looked at once are not looked at again until the head is complete. A reader is good for one
/// head.
///
/// ```
/// use ws::handshake::HeadReader;
///
/// let mut reader = HeadReader::default();
/// assert!(reader.response(b"HTTP/1.1 101 Switching Pro")?.is_none());
/// let buffer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi";
/// let (response, len) = reader.response(buffer)?.expect("the empty line has arrived");
/// assert_eq!(response.status(), 101);
/// assert_eq!(&buffer[len..], b"\x81\x02hi"); // the first frame came along
/// # Ok::<(), ws::handshake::HeadError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeadReader {
    limits: Limits,
    scan: Scan,
}

impl HeadReader {
    /// A reader for the next head.
    pub fn new(limits: Limits) -> Self {
        Self { limits, scan: Scan::default() }
    }

    /// The request in `buffer` and the bytes it took, or `None` if more must arrive.
    ///
    /// # Errors
    ///
    /// See [`HeadError`]; it turns into the [`Rejection`](super::Rejection) to write. The request
    /// is lost then.
    pub fn request(&mut self, buffer: &[u8]) -> Result<Option<(Request<()>, usize)>, HeadError> {
        let Some(range) = self.scan.advance(buffer, &self.limits)? else { return Ok(None) };
        let request = parse_request(&buffer[range.clone()], self.scan.header_lines())?;
        Ok(Some((request, range.end)))
    }

    /// The response in `buffer` and the bytes it took, or `None` if more must arrive.
    ///
    /// # Errors
    ///
    /// See [`HeadError`].
    pub fn response(&mut self, buffer: &[u8]) -> Result<Option<(Response<()>, usize)>, HeadError> {
        let Some(range) = self.scan.advance(buffer, &self.limits)? else { return Ok(None) };
        let response = parse_response(&buffer[range.clone()], self.scan.header_lines())?;
        Ok(Some((response, range.end)))
    }
}

/// Why the bytes are no head, or none that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The bytes break the grammar of RFC 9112; the text says where. As a status: 400.
    Malformed(&'static str),
    /// The first line is longer than [`Limits::max_first_line_bytes`]. As a status: 414.
    FirstLineTooLong,
    /// The head is longer than [`Limits::max_head_bytes`]. As a status: 431.
    TooLong,
    /// There are more header lines than [`Limits::max_headers`]. As a status: 431.
    TooManyHeaders,
    /// It is a version of HTTP, but neither 1.0 nor 1.1. As a status: 505.
    Version,
}

impl HeadError {
    /// The status that a server answers with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::FirstLineTooLong => StatusCode::URI_TOO_LONG,
            Self::TooLong | Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(f, "malformed HTTP head: {what}"),
            Self::FirstLineTooLong => f.write_str("the first line of the HTTP head is too long"),
            Self::TooLong => f.write_str("the HTTP head is too long"),
            Self::TooManyHeaders => f.write_str("the HTTP head has too many headers"),
            Self::Version => f.write_str("the HTTP version is not supported"),
        }
    }
}

impl std::error::Error for HeadError {}

fn parse_request(head: &[u8], lines: usize) -> Result<Request<()>, HeadError> {
    let mut headers = vec![httparse::EMPTY_HEADER; lines];
    let mut parsed = httparse::Request::new(&mut headers);
    whole(parsed.parse(head), head)?;
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(HeadError::Malformed("the request line"));
    };
    // RFC 9112 §3.2: a request target has no fragment. `http::Uri` would drop it without a word.
    if target.contains('#') {
        return Err(HeadError::Malformed("the request target has a fragment"));
    }
    let mut request = Request::new(());
    *request.method_mut() =
        Method::try_from(method).map_err(|_| HeadError::Malformed("the method"))?;
    *request.uri_mut() =
        Uri::try_from(target).map_err(|_| HeadError::Malformed("the request target"))?;
    *request.version_mut() = version(minor);
    *request.headers_mut() = header_map(parsed.headers)?;
    Ok(request)
}

fn parse_response(head: &[u8], lines: usize) -> Result<Response<()>, HeadError> {
    let mut headers = vec![httparse::EMPTY_HEADER; lines];
    let mut parsed = httparse::Response::new(&mut headers);
    whole(parsed.parse(head), head)?;
    let (Some(code), Some(minor)) = (parsed.code, parsed.version) else {
        return Err(HeadError::Malformed("the status line"));
    };
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(code).map_err(|_| HeadError::Malformed("the status code"))?;
    *response.version_mut() = version(minor);
    *response.headers_mut() = header_map(parsed.headers)?;
    Ok(response)
}

/// httparse must take all of what the scan called a head: they may never disagree on where frames
/// begin.
fn whole(parsed: httparse::Result<usize>, head: &[u8]) -> Result<(), HeadError> {
    match parsed {
        Ok(httparse::Status::Complete(len)) if len == head.len() => Ok(()),
        Ok(_) => Err(HeadError::Malformed("the end of the head")),
        Err(httparse::Error::Version) if names_a_version(head) => Err(HeadError::Version),
        Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooManyHeaders),
        Err(httparse::Error::HeaderName) => Err(HeadError::Malformed("a header name")),
        Err(httparse::Error::HeaderValue) => Err(HeadError::Malformed("a header value")),
        Err(httparse::Error::Status) => Err(HeadError::Malformed("the status code")),
        Err(_) => Err(HeadError::Malformed("the first line")),
    }
}

/// Whether the first line begins or ends with an HTTP version (RFC 9112 §2.3): then we know what is
/// wanted and only can't do it.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let is_version = |word: &[u8]| match word.strip_prefix(b"HTTP/") {
        Some([major, b'.', minor]) => major.is_ascii_digit() && minor.is_ascii_digit(),
        _ => false,
    };
    words.next().is_some_and(is_version) || words.next_back().is_some_and(is_version)
}

fn version(minor: u8) -> Version {
    if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 }
}

fn header_map(parsed: &[httparse::Header<'_>]) -> Result<HeaderMap, HeadError> {
    let mut headers = HeaderMap::with_capacity(parsed.len());
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| HeadError::Malformed("a header name"))?;
        let value = HeaderValue::from_bytes(header.value)
            .map_err(|_| HeadError::Malformed("a header value"))?;
        headers.try_append(name, value).map_err(|_| HeadError::TooManyHeaders)?;
    }
    Ok(headers)
}
