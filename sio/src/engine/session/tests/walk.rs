//! A random walk of requests, probes, aborts and time against an oracle: what was accepted for sending arrives in order,
//! nothing twice, nothing lost while the session lives; requests are answered once; the end is told once.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Send,
    Get,
    AbortGet,
    PostBegin,
    PostMessage,
    PostPong,
    PostEnd,
    Probe,
    ProbePing,
    ProbeUpgrade,
    SocketMessage,
    SocketPong,
    SocketNonsense,
    SocketClosed,
    StaleSocket,
    Milliseconds(u64),
    Timer,
    Close,
    ClientClose,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    prop_oneof![
        8 => Just(Send),
        8 => Just(Get),
        1 => Just(AbortGet),
        4 => Just(PostBegin),
        4 => Just(PostMessage),
        2 => Just(PostPong),
        6 => Just(PostEnd),
        3 => Just(Probe),
        4 => Just(ProbePing),
        3 => Just(ProbeUpgrade),
        3 => Just(SocketMessage),
        3 => Just(SocketPong),
        1 => Just(SocketNonsense),
        1 => Just(SocketClosed),
        1 => Just(StaleSocket),
        4 => (0..15_000_u64).prop_map(Milliseconds),
        3 => Just(Timer),
        1 => Just(Close),
        1 => Just(ClientClose),
    ]
}

/// What must be true of all that came out so far.
#[derive(Default)]
struct Oracle {
    next: usize,
    /// Accepted and not yet delivered.
    waiting: VecDeque<String>,
    get: bool,
    /// The socket being tried, and the current one.
    probe: Option<SocketId>,
    current: Option<SocketId>,
    closed: Option<CloseReason>,
    closing: bool,
}

impl Oracle {
    fn deliver(&mut self, packets: &[Outgoing]) {
        for packet in packets {
            let packet = String::from_utf8(packet.bytes().to_vec()).unwrap();
            if packet.starts_with('4') {
                assert_eq!(
                    self.waiting.pop_front(),
                    Some(packet),
                    "in order, once, and only what was sent"
                );
            }
        }
    }

    fn drain(&mut self, session: &mut Session) {
        while let Some(output) = session.poll_output() {
            assert_eq!(self.closed, None, "nothing comes after the end: {output:?}");
            match output {
                Output::AnswerGet(packets) => {
                    assert!(std::mem::take(&mut self.get), "a GET is answered once");
                    assert!(!packets.is_empty(), "and not with nothing");
                    let closes = packets.iter().any(|packet| packet.bytes() == "1");
                    assert!(!closes || packets.len() == 1, "`1` comes alone");
                    self.deliver(&packets);
                }
                Output::Probe(_) => assert!(self.probe.is_some()),
                Output::CloseProbe => assert!(self.probe.take().is_some()),
                Output::Upgraded(packets) => {
                    assert!(self.current.is_none());
                    self.current = self.probe.take();
                    assert!(self.current.is_some());
                    self.deliver(&packets);
                }
                Output::Send(packets) => {
                    assert!(self.current.is_some());
                    self.deliver(&packets);
                }
                Output::CloseSocket => assert!(self.current.take().is_some()),
                Output::Closed(reason) => self.closed = Some(reason),
            }
        }
        if self.closed.is_some() {
            assert!(
                !self.get && self.probe.is_none() && self.current.is_none(),
                "nobody is left waiting"
            );
            assert_eq!(session.poll_timeout(), None);
        } else {
            assert!(session.poll_timeout().is_some());
            assert!(!self.get || self.current.is_none(), "no GET waits beside a WebSocket");
            assert!(!self.get || self.waiting.is_empty(), "no message waits while a GET does");
            assert_eq!(
                session.buffered_bytes(),
                self.waiting.iter().map(String::len).sum::<usize>()
            );
        }
    }
}

fn walk(steps: Vec<Step>) {
    let mut rig = Rig::with(Config { max_buffered_bytes: 60, ..Config::default() });
    let mut oracle = Oracle::default();
    let mut post = false;
    for step in steps {
        let (session, now) = (&mut rig.session, rig.now);
        let socket = oracle.probe.or(oracle.current).unwrap_or(SocketId::FIRST);
        let on_probe = oracle.probe.is_some();
        let hears = oracle.closed.is_none() && !oracle.closing;
        match step {
            Step::Send => {
                let packet = format!("message {}", oracle.next);
                let sent = session.send_all(&[out(&packet)]);
                assert_eq!(sent == Err(SendError::Closed), !hears);
                if sent.is_ok() {
                    oracle.next += 1;
                    oracle.waiting.push_back(format!("4{packet}"));
                }
            }
            Step::Get => {
                let accepted = session.handle_get(now).is_ok();
                assert_eq!(
                    accepted,
                    oracle.closed.is_none() && oracle.current.is_none() && !oracle.get
                );
                oracle.get |= accepted;
            }
            Step::AbortGet if oracle.get => {
                oracle.get = false;
                session.handle_get_aborted();
            }
            Step::AbortGet => {}
            Step::PostBegin => {
                let accepted = session.handle_post().is_ok();
                assert!(!(accepted && post), "two POSTs");
                post |= accepted;
            }
            Step::PostMessage if post => {
                let message = session.handle_packet(now, text("in"));
                assert_eq!(message.is_some(), hears);
            }
            Step::PostPong if post => {
                assert_eq!(session.handle_packet(now, Packet::Pong("")), None)
            }
            Step::PostMessage | Step::PostPong => {}
            Step::PostEnd => {
                post = false;
                session.handle_post_end();
            }
            Step::Probe => {
                if let Ok(socket) = session.handle_probe(now) {
                    assert!(hears && oracle.probe.is_none() && oracle.current.is_none());
                    oracle.probe = Some(socket);
                }
            }
            Step::ProbePing => _ = session.handle_socket_packet(now, socket, Packet::Ping("probe")),
            Step::ProbeUpgrade => _ = session.handle_socket_packet(now, socket, Packet::Upgrade),
            Step::SocketMessage => {
                let message = session.handle_socket_packet(now, socket, text("in"));
                assert_eq!(message.is_some(), oracle.current.is_some() && !on_probe);
            }
            Step::SocketPong if !on_probe => {
                _ = session.handle_socket_packet(now, socket, Packet::Pong(""))
            }
            Step::SocketPong => {}
            Step::SocketNonsense => session.handle_socket_parse_error(socket),
            Step::SocketClosed => session.handle_socket_closed(socket, CloseReason::TransportError),
            Step::StaleSocket => {
                session.handle_socket_closed(SocketId::FIRST, CloseReason::TransportClose)
            }
            Step::Milliseconds(time) => rig.pass(Duration::from_millis(time)),
            Step::Timer if oracle.closed.is_none() => _ = rig.next_timer(),
            Step::Timer => {}
            Step::Close => {
                oracle.closing = true;
                session.close(now);
            }
            Step::ClientClose if post => _ = session.handle_packet(now, Packet::Close),
            Step::ClientClose => {}
        }
        oracle.drain(&mut rig.session);
    }
    // A session that lives, or closes in order, still has everything that it accepted.
    if oracle.closed.is_none() {
        if oracle.current.is_none() && !oracle.get {
            rig.session.handle_get(rig.now).unwrap();
            oracle.get = true;
        }
        oracle.drain(&mut rig.session);
        assert!(oracle.waiting.is_empty(), "lost: {:?}", oracle.waiting);
        rig.session.abort();
        oracle.drain(&mut rig.session);
    }
    assert!(oracle.closed.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_message_is_lost_doubled_or_out_of_order(steps in prop::collection::vec(step(), 0..120)) {
        walk(steps);
    }
}
