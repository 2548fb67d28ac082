//! The receiving half: the same events wherever the stream is cut, also when big messages are read straight into their own
//! buffer, and what was sent back by the same protocol is what was received.

use std::sync::Arc;

use arbitrary::Arbitrary;
use bytes::BufMut;
use ws::proto::{Received, Receiver};
use ws::{CloseFrame, Config, Message, ProtocolError, Role};

use crate::cuts::Cuts;
use crate::wire::Stream;

#[derive(Debug, Arbitrary)]
struct Input {
    is_server: bool,
    max_message_size: Option<u16>,
    max_frame_size: Option<u16>,
    cuts: Cuts,
    stream: Stream,
}

/// What was received, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Message(Message),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(CloseFrame),
    Violation(ProtocolError),
}

impl From<Received<'_>> for Seen {
    fn from(received: Received<'_>) -> Self {
        match received {
            Received::Message(payload) => Self::Message(payload.into_message()),
            Received::Ping(payload) => Self::Ping(payload.into_owned()),
            Received::Pong(payload) => Self::Pong(payload.into_owned()),
            Received::Close(frame) => Self::Close(frame),
            Received::Violation(error) => Self::Violation(error),
        }
    }
}

/// A receiver and what it has seen.
pub(crate) struct Reader {
    pub(crate) receiver: Receiver,
    pub(crate) seen: Vec<Seen>,
}

impl Reader {
    pub(crate) fn new(role: Role, config: &Arc<Config>) -> Self {
        Self { receiver: Receiver::new(role, config.clone()), seen: Vec::new() }
    }

    /// One read delivers `bytes`, to where the receiver wants them if `is_direct`.
    pub(crate) fn read(&mut self, bytes: &[u8], is_direct: bool) {
        let mut bytes = bytes.to_vec();
        let mut input = &mut bytes[..];
        while is_direct && !input.is_empty() {
            let Some(mut spare) = self.receiver.direct() else { break };
            let count = input.len().min(spare.remaining_mut());
            assert!(count > 0, "no room to read into");
            let (piece, rest) = std::mem::take(&mut input).split_at_mut(count);
            spare.put_slice(piece);
            input = rest;
            let received = self.receiver.handle_direct(count);
            self.seen.extend(received.map(Seen::from));
        }
        while let Some(received) = self.receiver.handle_input(&mut input) {
            self.seen.push(received.into());
        }
        assert!(input.is_empty(), "everything is taken or thrown away");
    }
}

/// See the module.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input>(data) else { return };
    let role = if input.is_server { Role::Server } else { Role::Client };
    let mut config = Config::default();
    config.max_message_size = input.max_message_size.map_or(1 << 20, usize::from);
    config.max_frame_size = input.max_frame_size.map_or(usize::MAX, usize::from);
    let config = Arc::new(config);
    let bytes = input.stream.bytes(role);

    let mut whole = Reader::new(role, &config);
    whole.read(&bytes, false);
    let limit = config.max_message_size;
    for (index, seen) in whole.seen.iter().enumerate() {
        let is_last = index == whole.seen.len() - 1;
        match seen {
            Seen::Message(message) => assert!(message.len() <= limit),
            Seen::Ping(payload) | Seen::Pong(payload) => assert!(payload.len() <= 125),
            Seen::Close(_) | Seen::Violation(_) => assert!(is_last, "something after the end"),
        }
    }
    for is_direct in [false, true] {
        let mut cut = Reader::new(role, &config);
        input.cuts.pieces(&bytes, |piece| cut.read(piece, is_direct));
        assert!(cut.seen == whole.seen, "direct {is_direct}: {:?}\n{:?}", cut.seen, whole.seen);
        let mid = [&cut, &whole].map(|reader| reader.receiver.is_mid_message());
        assert_eq!(mid[0], mid[1], "direct {is_direct}");
    }
    let mut single = Reader::new(role, &config);
    bytes.iter().take(2000).for_each(|byte| single.read(&[*byte], true));
    let got = single.seen.len();
    assert!(single.seen[..] == whole.seen[..got], "byte by byte: {:?}", single.seen);
    assert!(bytes.len() > 2000 || got == whole.seen.len(), "byte by byte: {:?}", single.seen);
}
