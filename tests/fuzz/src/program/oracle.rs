//! What must hold of any program once it is over.

use ws::proto::frame::{Header, Opcode, RSV1};
use ws::proto::mask;
use ws::{CloseFrame, Initiator, Message, Role};

use super::Outcome;
use super::io::lock;

/// `is_calm`: nothing happened that could keep the closing handshake from being completed.
pub(super) fn judge(ends: &[Outcome; 2], is_calm: bool) {
    let [client, server] = ends;
    for (from, to) in [(client, server), (server, client)] {
        delivery(from, to);
        one_end(from);
        wire(from);
        if let Some(frame) = &to.report.received {
            assert_eq!(from.report.sent.as_ref(), Some(frame), "close frames are not made up");
        }
        if is_calm {
            assert!(from.report.is_clean(), "{:?}: {:?}", from.role, from.report);
        }
    }
    if client.report.is_clean() && server.report.is_clean() {
        let peers = ends.iter().filter(|end| end.report.initiator == Initiator::Peer).count();
        assert!(peers < 2, "somebody has begun to close");
    }
}

/// Nothing lost, doubled or reordered.
fn delivery(from: &Outcome, to: &Outcome) {
    let (sent, received) = (&from.record.sent, &to.record.received);
    let what =
        || format!("{:?} -> {:?}: {:?}\n{:?}", from.role, to.role, short(sent), short(received));
    if to.record.discards {
        assert!(is_subsequence(received, sent), "{}", what());
    } else if to.report.received.is_some() {
        // Before the close frame came all that was sent before it; nothing is taken to be sent after it.
        assert!(received == sent, "{}", what());
    } else {
        assert!(sent.starts_with(received), "{}", what());
    }
    // Keepalive sends pings of its own: four bytes of a count.
    let pings: Vec<_> = to.record.pings_seen.iter().filter(|ping| ping.len() != 4).collect();
    assert!(is_subsequence(pings, from.record.pings.iter()));
    let pongs: Vec<_> = from.record.pongs_seen.iter().filter(|pong| pong.len() != 4).collect();
    assert!(is_subsequence(pongs, from.record.pings.iter()));
}

fn is_subsequence<T: PartialEq>(
    part: impl IntoIterator<Item = T>,
    whole: impl IntoIterator<Item = T>,
) -> bool {
    let mut whole = whole.into_iter();
    part.into_iter().all(|item| whole.any(|other| other == item))
}

fn short(messages: &[Message]) -> Vec<String> {
    let short = |message: &Message| {
        let bytes = message.as_bytes();
        format!("{}:{}", bytes.len(), bytes[..bytes.len().min(6)].escape_ascii())
    };
    messages.iter().map(short).collect()
}

/// Whoever tells how the connection ended tells the same.
fn one_end(end: &Outcome) {
    let report = &end.report;
    for told in &end.record.ends {
        match told {
            Some(told) => assert_eq!(told, report),
            None => assert!(report.failure.is_none(), "{report:?}"),
        }
    }
    if report.failure.is_none() {
        assert!(report.is_clean(), "{report:?}");
    }
}

/// What was written are frames, the messages among them those that were sent, and nothing behind a close frame.
fn wire(end: &Outcome) {
    let mut bytes = lock(&end.written).all.clone();
    let mut rest = &mut bytes[..];
    let mut sent = end.record.sent.iter();
    while let Some((header, used)) = Header::decode(rest).expect("frames are right") {
        assert_eq!(header.mask.is_some(), end.role == Role::Client);
        // RSV1 marks what is compressed; what it inflates to is seen on the other side.
        let is_deflated = header.rsv == RSV1;
        assert!(header.fin && (is_deflated || header.rsv == 0));
        let len = usize::try_from(header.len).expect("not that long");
        if rest.len() < used + len {
            return;
        }
        let (frame, behind) = std::mem::take(&mut rest).split_at_mut(used + len);
        let payload = &mut frame[used..];
        if let Some(key) = header.mask {
            mask::apply(key, 0, payload);
        }
        match header.opcode {
            Opcode::Text | Opcode::Binary => {
                let message = sent.next().expect("it was sent");
                assert!(message.is_text() == (header.opcode == Opcode::Text));
                assert!(is_deflated || message.as_bytes() == payload);
            }
            Opcode::Close => {
                assert!(behind.is_empty(), "something behind the close frame");
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                let told = end.report.sent.as_ref().expect("the report tells of it");
                assert_eq!(told.code.get(), code.unwrap_or(1005));
                let reason = payload.get(2..).unwrap_or_default();
                assert_eq!(CloseFrame::new(told.code, &told.reason).reason.as_bytes(), reason);
            }
            Opcode::Ping | Opcode::Pong => {}
            Opcode::Continuation => panic!("nothing is fragmented"),
        }
        rest = behind;
    }
}
