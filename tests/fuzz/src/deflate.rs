//! permessage-deflate: what a server accepts its client accepts; what is sent arrives, fragmented and cut anywhere; and broken
//! payloads and bombs mean the same wherever they are cut, never more than the limit.

use std::sync::Arc;
use std::time::Instant;

use arbitrary::Arbitrary;
use bytes::Buf;
use http::{HeaderMap, HeaderValue, header};
use ws::handshake::{self, Opening};
use ws::proto::frame::{Header, Opcode, RSV1};
use ws::proto::{Outgoing, Transmitter, mask};
use ws::{Compress, Config, Deflate, DeflateConfig, Message, ProtocolError, Role};

use crate::cuts::Cuts;
use crate::frames::{Reader, Seen};
use crate::heads::NONCE;

#[derive(Debug, Arbitrary)]
struct Input {
    /// What a client may write, right or wrong.
    written: Vec<String>,
    offers: Vec<Offer>,
    server: Offer,
    is_server: bool,
    spoils: Option<Spoils>,
    messages: Vec<Draft>,
    cuts: Cuts,
}

/// Why what is sent may not arrive.
#[derive(Debug, Arbitrary)]
struct Spoils {
    max_message_size: u16,
    /// Bytes of the stream that are changed on their way.
    changes: Vec<(u16, u8)>,
}

/// How messages may be compressed.
#[derive(Debug, Arbitrary)]
pub(crate) struct Offer {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
    level: u8,
    threshold: u8,
}

#[derive(Debug, Arbitrary)]
struct Draft {
    compress: u8,
    /// Sizes of fragments.
    fragments: Vec<u16>,
    payload: Payload,
}

#[derive(Debug, Arbitrary)]
enum Payload {
    Text(String),
    Bytes(Vec<u8>),
    /// `unit` again and again.
    Repeated {
        unit: [u8; 3],
        len: u16,
    },
    Random {
        seed: u32,
        len: u16,
    },
    /// As it is, on the wire, marked as compressed.
    Deflated {
        is_text: bool,
        bytes: Vec<u8>,
    },
}

impl Offer {
    fn config(&self) -> DeflateConfig {
        let mut config = DeflateConfig::default();
        config.server_no_context_takeover = self.server_no_context_takeover;
        config.client_no_context_takeover = self.client_no_context_takeover;
        config.server_max_window_bits = self.server_max_window_bits % 20;
        config.client_max_window_bits = self.client_max_window_bits % 20;
        config.level = self.level % 12;
        config.threshold = self.threshold.into();
        config
    }

    /// What comes of this offer with a server that is configured the same.
    pub(crate) fn agree(&self) -> [Deflate; 2] {
        let both = negotiate(std::slice::from_ref(self), self);
        both.expect("it is offered and accepted")
    }
}

/// As the client and as the server understand what they agreed on.
fn negotiate(offers: &[Offer], server: &Offer) -> Option<[Deflate; 2]> {
    let target = "ws://example.com/".parse().expect("it is one");
    let mut opening = Opening::new(target, NONCE);
    for offer in offers.iter().take(4) {
        opening = opening.deflate(offer.config());
    }
    let mut upgrade = handshake::check(&opening.request()).expect("our client is right");
    let accepted = upgrade.negotiate_deflate(&server.config()).cloned();
    let response = upgrade.accept(None, HeaderMap::new()).expect("nothing extra");
    let verified = opening.verify(&response).expect("the client accepts what the server does");
    assert_eq!(accepted.is_some(), verified.deflate().is_some());
    assert!(accepted.is_some() || offers.is_empty());
    Some([verified.deflate()?.clone(), accepted?])
}

/// What a client wrote by itself is accepted or not, but never breaks the answer.
fn answer(written: &[String], server: &Offer) {
    let target = "ws://example.com/".parse().expect("it is one");
    let mut opening = Opening::new(target, NONCE);
    for line in written.iter().take(4) {
        let Ok(value) = HeaderValue::try_from(format!("permessage-deflate;{line}")) else {
            continue;
        };
        opening = opening.extension(value);
    }
    let request = opening.request();
    let Ok(mut upgrade) = handshake::check(&request) else { return };
    let accepted = upgrade.negotiate_deflate(&server.config()).cloned();
    let response = upgrade.accept(None, HeaderMap::new()).expect("nothing extra");
    let line = response.headers().get(header::SEC_WEBSOCKET_EXTENSIONS);
    assert_eq!(accepted.map(|it| it.to_string()), line.map(|it| it.to_str().unwrap_or("").into()));
}

/// See the module.
pub fn run(data: &[u8]) {
    let Some(input) = crate::input::<Input>(data) else { return };
    answer(&input.written, &input.server);
    let Some([client, server]) = negotiate(&input.offers, &input.server) else { return };
    let (to, deflate, from) = match input.is_server {
        true => (Role::Server, server, client),
        false => (Role::Client, client, server),
    };
    let (mut bytes, sent) = write(&input.messages, to.peer(), &from);
    let mut config = Config::default();
    if let Some(spoils) = &input.spoils {
        config.max_message_size = spoils.max_message_size.into();
        for (at, to) in &spoils.changes {
            if let Some(byte) = bytes.get_mut(usize::from(*at)) {
                *byte = *to;
            }
        }
    }
    let config = Arc::new(config);
    let read = |is_direct, cuts: Option<&Cuts>| {
        let mut reader = Reader::new(to, &config);
        reader.receiver.set_deflate(&deflate);
        match cuts {
            Some(cuts) => cuts.pieces(&bytes, |piece| reader.read(piece, is_direct)),
            None => reader.read(&bytes, is_direct),
        }
        reader.seen
    };
    let whole = read(false, None);
    if input.spoils.is_none()
        && let Some(sent) = sent
    {
        assert!(whole == sent, "{} of {}", whole.len(), sent.len());
    }
    for seen in &whole {
        if let Seen::Message(message) = seen {
            assert!(message.len() <= config.max_message_size);
        }
    }
    for is_direct in [false, true] {
        let cut = read(is_direct, Some(&input.cuts));
        assert!(alike(&cut, &whole), "direct {is_direct}: {cut:?}\n{whole:?}");
    }
}

/// Of several things that are wrong with a compressed payload, the first one that shows is told: which one that is may depend
/// on how much is inflated at a time.
fn alike(a: &[Seen], b: &[Seen]) -> bool {
    use ProtocolError::{DeflateCorrupt, MessageTooBig, TextNotUtf8};

    let is_of_payload =
        |seen: &Seen| matches!(seen, Seen::Violation(DeflateCorrupt | MessageTooBig | TextNotUtf8));
    let same = |(a, b): (&Seen, &Seen)| a == b || (is_of_payload(a) && is_of_payload(b));
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The stream, and what was sent, unless that may be wrong.
fn write(drafts: &[Draft], from: Role, deflate: &Deflate) -> (Vec<u8>, Option<Vec<Seen>>) {
    let mut out = Vec::new();
    let mut sent = Some(Vec::new());
    let config = Arc::new(Config::default());
    let mut transmitter = Transmitter::new(from, config, || [1, 2, 3, 4], Instant::now());
    transmitter.set_deflate(deflate);
    for draft in drafts.iter().take(20) {
        let message: Message = match &draft.payload {
            Payload::Text(text) => text.as_str().into(),
            Payload::Bytes(bytes) => bytes.clone().into(),
            Payload::Repeated { unit, len } => {
                unit.iter().copied().cycle().take((*len).into()).collect::<Vec<_>>().into()
            }
            Payload::Random { seed, len } => random(*seed, (*len).into()).into(),
            Payload::Deflated { is_text, bytes } => {
                let opcode = if *is_text { Opcode::Text } else { Opcode::Binary };
                let len = bytes.len() as u64;
                let header = Header { fin: true, rsv: RSV1, opcode, mask: None, len };
                fragment(header, bytes, &draft.fragments, from, &mut out);
                sent = None;
                continue;
            }
        };
        let compress = [Compress::Auto, Compress::Always, Compress::Never];
        let compress = compress[usize::from(draft.compress % 3)];
        transmitter.send(Outgoing::Message(&message, compress)).expect("it is open");
        let outbox = transmitter.outbox_mut();
        let mut frame = outbox.copy_to_bytes(outbox.remaining()).to_vec();
        let (header, used) = Header::decode(&frame).expect("we wrote it").expect("all of it");
        let payload = &mut frame[used..];
        if let Some(key) = header.mask {
            mask::apply(key, 0, payload);
        }
        fragment(header, payload, &draft.fragments, from, &mut out);
        if let Some(sent) = &mut sent {
            sent.push(Seen::Message(message));
        }
    }
    (out, sent)
}

/// Appends a message in fragments, with its bits on the first one.
fn fragment(header: Header, mut payload: &[u8], sizes: &[u16], from: Role, out: &mut Vec<u8>) {
    let key = (from == Role::Client).then_some([9, 8, 7, 6]);
    let (mut opcode, mut rsv) = (header.opcode, header.rsv);
    let sizes = sizes.iter().map(|size| usize::from(*size)).chain([usize::MAX]);
    for size in sizes {
        let fin = size == usize::MAX;
        let (piece, rest) = payload.split_at(size.min(payload.len()));
        let header = Header { fin, rsv, opcode, mask: key, len: piece.len() as u64 };
        let (bytes, used) = header.encode();
        out.extend(&bytes[..used]);
        let start = out.len();
        out.extend(piece);
        if let Some(key) = key {
            mask::apply(key, 0, &mut out[start..]);
        }
        (payload, opcode, rsv) = (rest, Opcode::Continuation, 0);
    }
}

fn random(seed: u32, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}
