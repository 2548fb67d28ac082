//! The receiving half against that of tungstenite: the same messages, or both refuse.
//!
//! Known differences, in each of which RFC 6455 is on our side:
//! - a length that is not encoded minimally is taken by tungstenite; §5.2: "the minimal number of bytes MUST be used" (for a
//!   control frame any longer form of the length means to us that it is too long, §5.5);
//! - a close code that must not be sent is no error for tungstenite but a close frame, in which it writes 1002; §7.4.1 and
//!   §7.4.2 make it a violation, and both answer 1002. 1014 counts as such there, although IANA has registered it (§11.7);
//! - we refuse a frame as soon as its header or the first wrong bytes of its text are there, tungstenite once it is whole
//!   (§7.1.7 sets no time; §8.1 wants text failed at its first wrong byte where that is possible). So it gets the rest.

use std::io::{self, Read, Write};
use std::sync::Arc;

use arbitrary::Arbitrary;
use tungstenite::protocol::frame::coding;
use tungstenite::protocol::{Role as TheirRole, WebSocketConfig};
use ws::proto::frame::MAX_HEADER;
use ws::{CloseCode, Config, ProtocolError, Role};

use crate::frames::{Reader, Seen};
use crate::wire::{Stream, missing};

const MAX_MESSAGE: usize = 100_000;
const MAX_FRAME: usize = 66_000;

#[derive(Debug, Arbitrary)]
struct Input {
    is_server: bool,
    stream: Stream,
}

/// How a stream ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// In the middle of something, or between two frames.
    Open,
    Closed(Option<u16>, String),
    Refused,
}

/// Gives its bytes, then nothing more for now; takes anything.
struct Pipe<'a>(&'a [u8]);

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ours(role: Role, bytes: &[u8]) -> (Vec<Seen>, End, Option<ProtocolError>) {
    let mut config = Config::default();
    config.max_message_size = MAX_MESSAGE;
    config.max_frame_size = MAX_FRAME;
    let mut reader = Reader::new(role, &Arc::new(config));
    reader.read(bytes, false);
    let mut seen = reader.seen;
    let (end, error) = match seen.last() {
        Some(Seen::Violation(error)) => (End::Refused, Some(*error)),
        Some(Seen::Close(frame)) => {
            let code = Some(frame.code).filter(|code| *code != CloseCode::NO_STATUS);
            (End::Closed(code.map(CloseCode::get), frame.reason.to_string()), None)
        }
        _ => return (seen, End::Open, None),
    };
    seen.pop();
    (seen, end, error)
}

fn theirs(role: Role, bytes: &[u8]) -> (Vec<Seen>, End) {
    use tungstenite::{Error, Message};

    let role = match role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_FRAME));
    let mut socket = tungstenite::WebSocket::from_raw_socket(Pipe(bytes), role, Some(config));
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::Message(text.as_str().into()),
            Ok(Message::Binary(bytes)) => Seen::Message(bytes.into()),
            Ok(Message::Ping(payload)) => Seen::Ping(payload.into()),
            Ok(Message::Pong(payload)) => Seen::Pong(payload.into()),
            Ok(Message::Close(None)) => return (seen, End::Closed(None, String::new())),
            Ok(Message::Close(Some(frame))) => {
                // What it makes of a code that must not be sent.
                if frame.code == coding::CloseCode::Protocol && frame.reason == "Protocol violation"
                {
                    return (seen, End::Refused);
                }
                return (seen, End::Closed(Some(frame.code.into()), frame.reason.to_string()));
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (seen, End::Open);
            }
            Err(_) => return (seen, End::Refused),
        });
    }
}

/// See the module.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input>(data) else { return };
    let role = if input.is_server { Role::Server } else { Role::Client };
    let mut bytes = input.stream.bytes(role);
    let (our_messages, our_end, error) = ours(role, &bytes);
    if let Some(ProtocolError::NonMinimalLength | ProtocolError::LongControl) = error {
        let (their_messages, _) = theirs(role, &bytes);
        assert!(their_messages.starts_with(&our_messages), "{our_messages:?}\n{their_messages:?}");
        return;
    }
    if our_end == End::Refused {
        // Of a frame that is too big its header is enough.
        let missing = missing(&bytes).filter(|missing| *missing <= MAX_FRAME + MAX_HEADER);
        bytes.extend(std::iter::repeat_n(0, missing.unwrap_or(MAX_HEADER)));
    }
    let (their_messages, their_end) = theirs(role, &bytes);
    let what = (&our_end, error, &their_end);
    assert!(our_messages == their_messages, "{what:?}\n{our_messages:?}\n{their_messages:?}");
    match (&our_end, &their_end) {
        (End::Closed(Some(1014), _), End::Refused) => {}
        _ => assert_eq!(our_end, their_end, "{error:?}"),
    }
}
