//! Heads of HTTP messages: lines that belong into a handshake, lines that belong elsewhere, and noise.

use arbitrary::Arbitrary;

/// A head, and what stands behind it.
#[derive(Debug, Arbitrary)]
pub(crate) struct Head {
    first: First,
    /// Begins with the header lines of a handshake that is right.
    is_right: bool,
    /// Of those, the line at this index is missing.
    without: u8,
    lines: Vec<Line>,
    end: End,
    behind: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum First {
    Right,
    Status(u16),
    Line { index: u8 },
    Any(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Line {
    Known { name: u8, value: u8 },
    Named { name: u8, value: Vec<u8> },
    Any(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum End {
    Crlf,
    Lf,
    Missing,
}

const FIRST_LINES: [&str; 12] = [
    "GET / HTTP/1.1",
    "GET /chat?room=1 HTTP/1.1",
    "GET http://example.com/chat HTTP/1.1",
    "GET * HTTP/1.1",
    "GET /< HTTP/1.1",
    "GET / HTTP/1.0",
    "GET / HTTP/2.0",
    "POST / HTTP/1.1",
    "CONNECT example.com:443 HTTP/1.1",
    "HTTP/1.1 101 Switching Protocols",
    "HTTP/1.0 101",
    "HTTP/1.1 302 Found",
];

const NAMES: [&str; 16] = [
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Accept",
    "Origin",
    "Content-Length",
    "Transfer-Encoding",
    "Location",
    "Cookie",
    "sec-websocket-key",
    " Host",
    "X-A",
];

const VALUES: [&str; 26] = [
    "example.com",
    "example.com:9001",
    "[::1]:80",
    "websocket",
    "WebSocket, h2c",
    "Upgrade",
    "keep-alive, upgrade",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "13",
    "13, 8",
    "chat, superchat",
    "chat",
    "v1.chat,,v1.chat",
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits, x; a=\"b\\\"c\"",
    "permessage-deflate; server_max_window_bits=\"10\"",
    "https://example.com",
    "http://example.com:80",
    "null",
    "0",
    "5",
    "chunked",
    "",
    " \t ",
    "\"",
];

/// The lines of a handshake that is right: what both sides send, then what one of them does.
const COMMON: [&str; 2] = ["Upgrade: websocket", "Connection: Upgrade"];
const OF_REQUEST: [&str; 3] = [
    "Host: example.com",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];
const OF_RESPONSE: [&str; 1] = ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];

/// The nonce of [`OF_REQUEST`]'s key, which [`OF_RESPONSE`] answers.
pub(crate) const NONCE: [u8; 16] = *b"the sample nonce";

impl Head {
    pub(crate) fn request(&self) -> Vec<u8> {
        self.bytes(FIRST_LINES[1], &OF_REQUEST)
    }

    pub(crate) fn response(&self) -> Vec<u8> {
        self.bytes(FIRST_LINES[9], &OF_RESPONSE)
    }

    fn bytes(&self, right: &str, lines: &[&str]) -> Vec<u8> {
        let mut out = match &self.first {
            First::Right => right.as_bytes().to_vec(),
            First::Status(status) => format!("HTTP/1.1 {} Why", status % 1100).into_bytes(),
            First::Line { index } => pick(&FIRST_LINES, *index).as_bytes().to_vec(),
            First::Any(bytes) => bytes.clone(),
        };
        out.extend(b"\r\n");
        if self.is_right {
            for (index, line) in COMMON.iter().chain(lines).enumerate() {
                if index != usize::from(self.without) {
                    out.extend(line.as_bytes());
                    out.extend(b"\r\n");
                }
            }
        }
        for line in self.lines.iter().take(100) {
            line.write(&mut out);
            out.extend(b"\r\n");
        }
        match self.end {
            End::Crlf => out.extend(b"\r\n"),
            End::Lf => out.extend(b"\n"),
            End::Missing => {}
        }
        out.extend(&self.behind);
        out
    }
}

impl Line {
    fn write(&self, out: &mut Vec<u8>) {
        let (name, value) = match self {
            Self::Known { name, value } => (*name, pick(&VALUES, *value).as_bytes()),
            Self::Named { name, value } => (*name, &value[..]),
            Self::Any(bytes) => return out.extend(bytes),
        };
        out.extend(pick(&NAMES, name).as_bytes());
        out.extend(b": ");
        out.extend(value);
    }
}

fn pick<'a>(from: &[&'a str], index: u8) -> &'a str {
    from[usize::from(index) % from.len()]
}

/// What a reader of heads makes of `bytes` that arrive in pieces that end at `ends`, as it shows them: all that is there each
/// time.
pub(crate) fn arrive<T, E>(
    bytes: &[u8],
    sizes: impl Iterator<Item = usize>,
    mut read: impl FnMut(&[u8]) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let mut there = 0;
    for size in sizes {
        there = bytes.len().min(there + size);
        if let Some(head) = read(&bytes[..there])? {
            return Ok(Some(head));
        }
        if there == bytes.len() {
            break;
        }
    }
    Ok(None)
}
