//! The session, its client, and the pipes between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sio::engine::{
    CloseReason, Config, Message, Outgoing, Output, Packet, Protocol, SendError, Session, SocketId,
};

use super::client::{Act, Client, Socket, Up};
use super::{Babble, Line, Manners, Pipe, Step};

/// What comes to the client.
#[derive(Debug)]
enum Down {
    Packets(Vec<String>),
    /// The connection was closed, or the request refused.
    End,
}

/// What comes to the server.
#[derive(Debug)]
enum Rise {
    Get,
    PostBegins,
    Packet(Up),
    PostEnds,
    SocketOpens,
}

pub(super) struct World {
    session: Session,
    now: Instant,
    client: Client,
    get_up: VecDeque<Rise>,
    get_down: VecDeque<Down>,
    post_up: VecDeque<Rise>,
    post_down: VecDeque<Down>,
    socket_up: VecDeque<Rise>,
    socket_down: VecDeque<Down>,
    /// GETs that the server has to answer.
    open_gets: usize,
    /// A POST that the server has accepted.
    post_accepted: bool,
    /// The WebSocket as the server knows it.
    socket: Option<SocketId>,
    is_current: bool,
    ended: Option<CloseReason>,
    is_closing: bool,
    is_paused: bool,
    /// Something was lost, so that not everything needs to arrive.
    is_broken: bool,
    /// Something happened for which the session may end.
    may_end: bool,
}

impl World {
    pub(super) fn new(manners: Manners) -> Self {
        let mut config = Config::default();
        config.max_buffered_bytes = 100;
        config.allow_eio3 = true;
        let (config, now) = (Arc::new(config), Instant::now());
        let protocol = if manners.is_old { Protocol::V3 } else { Protocol::V4 };
        let (session, socket) = match manners.starts_on_socket {
            true => {
                let (session, socket) = Session::websocket(config, now);
                (session, Some(socket))
            }
            false => (Session::polling(config, now), None),
        };
        Self {
            session: session.with_protocol(protocol, now),
            now,
            client: Client::new(manners),
            get_up: VecDeque::new(),
            get_down: VecDeque::new(),
            post_up: VecDeque::new(),
            post_down: VecDeque::new(),
            socket_up: VecDeque::new(),
            socket_down: VecDeque::new(),
            open_gets: 0,
            post_accepted: false,
            is_current: socket.is_some(),
            socket,
            ended: None,
            is_closing: false,
            is_paused: false,
            is_broken: false,
            may_end: false,
        }
    }

    /// Neither side expects anything more.
    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some() && self.client.is_dead
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::ServerSends(count) => self.server_sends(u32::from(count % 5) + 1),
            Step::ClientSends => {
                if !self.client.is_dead {
                    let number = self.client.up.send();
                    self.client_says(Up::Message(number));
                }
            }
            Step::Pings => {
                if self.client.manners.is_old && !self.client.is_dead {
                    self.client_says(Up::Ping);
                }
            }
            Step::Polls => {
                if self.client.may_poll() {
                    self.poll();
                }
            }
            Step::PollsTwice => {
                if !self.client.is_dead
                    && self.client.gets == 1
                    && self.client.socket == Socket::None
                {
                    // Rule 8 costs it the session.
                    (self.is_broken, self.may_end) = (true, true);
                    self.poll();
                }
            }
            Step::Opens => {
                if !self.client.is_dead && self.client.socket == Socket::None {
                    self.client.socket = Socket::Probing;
                    self.socket_up.extend([Rise::SocketOpens, Rise::Packet(Up::Probe)]);
                }
            }
            Step::Arrives(pipe) => self.arrives(pipe),
            Step::ArrivesAll => self.arrives_all(),
            Step::Breaks(line) => self.breaks(line),
            Step::Passes(count) => self.passes(Duration::from_millis(20) * count.into()),
            Step::PassesUntilDue => {
                if let Some(due) = self.session.poll_timeout() {
                    self.passes(due.saturating_duration_since(self.now));
                }
            }
            Step::Pauses(true) => {
                self.is_paused = true;
                self.session.handle_pause();
            }
            Step::Pauses(false) => self.reads_on(),
            Step::Babbles(babble) => self.babbles(babble),
            Step::ServerCloses => {
                (self.is_closing, self.may_end) = (true, true);
                self.session.close(self.now);
            }
            Step::ClientCloses => {
                if !self.client.is_dead {
                    (self.is_broken, self.may_end) = (true, true);
                    self.client.has_left = true;
                    self.client_says(Up::Close);
                    self.client.die();
                }
            }
            Step::Aborts => {
                (self.is_broken, self.may_end) = (true, true);
                self.session.abort();
            }
        }
        self.carry_out();
    }

    fn reads_on(&mut self) {
        self.is_paused = false;
        self.session.handle_resume(self.now);
    }

    fn server_sends(&mut self, count: u32) {
        let packets: Vec<_> = (0..count)
            .map(|_| {
                let number = self.client.down.send();
                Outgoing::text(|text| text.push_str(&number.to_string()))
            })
            .collect();
        let is_open = self.session.is_open();
        match self.session.send_all(&packets) {
            Ok(()) => assert!(is_open && !self.is_closing),
            Err(error) => {
                assert_eq!(error == SendError::Closed, !is_open, "{error}");
                self.client.down.unsend(count);
            }
        }
    }

    fn client_says(&mut self, packet: Up) {
        self.client.waiting.push_back(packet);
        let act = self.client.proceed();
        self.client_acts(act);
    }

    fn client_acts(&mut self, act: Option<Act>) {
        let packets = |packets: Vec<Up>| packets.into_iter().map(Rise::Packet);
        match act {
            None => {}
            Some(Act::Post(ups)) => {
                self.post_up.push_back(Rise::PostBegins);
                self.post_up.extend(packets(ups));
                self.post_up.push_back(Rise::PostEnds);
            }
            Some(Act::SocketSends(ups)) => self.socket_up.extend(packets(ups)),
        }
    }

    fn poll(&mut self) {
        self.client.gets += 1;
        self.get_up.push_back(Rise::Get);
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
    }

    fn babbles(&mut self, babble: Babble) {
        if self.client.is_dead {
            return;
        }
        let is_harmless = match babble {
            Babble::Pong => !self.client.manners.is_old,
            Babble::Noop | Babble::Open => true,
            Babble::NoPacket => false,
        };
        // On a WebSocket that is tried even these end the try, which is no harm, but is never heard of by a client that has moved.
        self.may_end |= !is_harmless;
        self.is_broken |= !is_harmless || self.client.socket == Socket::Pausing;
        self.client_says(match babble {
            Babble::Pong => Up::Pong,
            Babble::Noop => Up::Noop,
            Babble::Open => Up::Open,
            Babble::NoPacket => Up::NoPacket,
        });
    }

    /// A connection breaks. The client that waited for something gives up; so does the server that did.
    fn breaks(&mut self, line: Line) {
        match line {
            Line::Get if self.client.gets > 0 => {
                (self.is_broken, self.may_end) = (true, true);
                self.client.die();
                self.get_up.clear();
                self.get_down.clear();
                if self.open_gets > 0 {
                    self.open_gets = 0;
                    self.session.handle_get_aborted();
                }
            }
            Line::Post if self.client.posts => {
                (self.is_broken, self.may_end) = (true, true);
                self.client.die();
                self.post_up.clear();
                self.post_down.clear();
                if std::mem::take(&mut self.post_accepted) {
                    self.session.handle_post_error();
                }
            }
            Line::Socket if self.client.socket != Socket::None => {
                // Rule 18: one that is only tried costs nothing else.
                self.may_end |= self.is_current;
                if let Some(socket) = self.socket {
                    self.session.handle_socket_closed(socket, CloseReason::TransportClose);
                    self.carry_out();
                    assert_eq!(self.socket, None, "it is given up");
                }
                self.socket_up.clear();
                self.socket_down.clear();
                self.socket_ends();
            }
            _ => {}
        }
    }

    /// The client's WebSocket has ended: what it was tried for goes on by polling.
    fn socket_ends(&mut self) {
        match self.client.socket {
            Socket::None => {}
            Socket::Probing | Socket::Pausing => {
                self.client.socket = Socket::None;
                let act = self.client.proceed();
                self.client_acts(act);
            }
            Socket::Current => {
                self.is_broken = true;
                self.client.die();
            }
        }
    }

    fn arrives_all(&mut self) {
        use Pipe::{GetDown, GetUp, PostDown, PostUp, SocketDown, SocketUp};
        // Packets are answered by packets, but not for ever: a client that is not pinged says nothing by itself.
        for _ in 0..1000 {
            let under_way = self.under_way();
            if under_way == 0
                || (self.is_paused && under_way == self.post_up.len() + self.socket_up.len())
            {
                return;
            }
            for pipe in [GetUp, PostUp, SocketUp, GetDown, PostDown, SocketDown] {
                self.arrives(pipe);
                self.carry_out();
            }
        }
        panic!("they never stop to talk");
    }

    fn under_way(&self) -> usize {
        self.get_up.len()
            + self.post_up.len()
            + self.socket_up.len()
            + self.get_down.len()
            + self.post_down.len()
            + self.socket_down.len()
    }

    fn arrives(&mut self, pipe: Pipe) {
        match pipe {
            Pipe::GetUp => {
                if self.get_up.pop_front().is_some() {
                    match self.session.handle_get(self.now) {
                        Ok(()) => self.open_gets += 1,
                        Err(_) => self.get_down.push_back(Down::End),
                    }
                }
            }
            Pipe::PostUp => self.post_arrives(),
            Pipe::SocketUp => self.socket_arrives(),
            Pipe::GetDown => match self.get_down.pop_front() {
                Some(Down::Packets(packets)) => {
                    self.client.gets -= 1;
                    self.client_takes(&packets, false);
                }
                Some(Down::End) => self.client_is_refused(),
                None => {}
            },
            Pipe::PostDown => match self.post_down.pop_front() {
                Some(Down::Packets(_)) => {
                    self.client.posts = false;
                    let act = self.client.proceed();
                    self.client_acts(act);
                }
                Some(Down::End) => self.client_is_refused(),
                None => {}
            },
            Pipe::SocketDown => match self.socket_down.pop_front() {
                Some(Down::Packets(packets)) => self.client_takes(&packets, true),
                Some(Down::End) => self.socket_ends(),
                None => {}
            },
        }
    }

    fn client_takes(&mut self, packets: &[String], on_socket: bool) {
        for packet in packets {
            let act = self.client.take(packet, on_socket);
            self.client_acts(act);
        }
        let act = self.client.proceed();
        self.client_acts(act);
    }

    /// An answer that is none: the transport has failed.
    fn client_is_refused(&mut self) {
        assert!(
            self.is_broken
                || self.is_closing
                || self.ended.is_some()
                || !self.client.manners.is_patient,
            "refused for nothing"
        );
        self.is_broken = true;
        self.client.die();
    }

    fn post_arrives(&mut self) {
        // Nothing of a POST is looked at while reading is paused.
        if self.is_paused && !matches!(self.post_up.front(), Some(Rise::PostBegins)) {
            return;
        }
        match self.post_up.pop_front() {
            Some(Rise::PostBegins) => match self.session.handle_post() {
                Ok(()) => self.post_accepted = true,
                Err(_) => {
                    while !matches!(self.post_up.pop_front(), None | Some(Rise::PostEnds)) {}
                    self.post_down.push_back(Down::End);
                }
            },
            Some(Rise::Packet(up)) => self.take(up, None),
            Some(Rise::PostEnds) => {
                self.post_accepted = false;
                self.session.handle_post_end();
                self.post_down.push_back(Down::Packets(Vec::new()));
            }
            _ => {}
        }
    }

    fn socket_arrives(&mut self) {
        if self.is_paused && self.is_current {
            return;
        }
        match self.socket_up.pop_front() {
            Some(Rise::SocketOpens) => match self.session.handle_probe(self.now) {
                Ok(socket) => self.socket = Some(socket),
                Err(_) => self.socket_down.push_back(Down::End),
            },
            Some(Rise::Packet(up)) => {
                if let Some(socket) = self.socket {
                    self.take(up, Some(socket));
                }
            }
            _ => {}
        }
    }

    /// A packet has come to the server.
    fn take(&mut self, up: Up, socket: Option<SocketId>) {
        let text;
        let packet = match up {
            Up::Message(number) => {
                text = number.to_string();
                Packet::Message(Message::Text(&text))
            }
            Up::Ping => Packet::Ping(""),
            Up::Pong => Packet::Pong(""),
            Up::Probe => Packet::Ping("probe"),
            Up::Upgrade => Packet::Upgrade,
            Up::Close => Packet::Close,
            Up::Noop => Packet::Noop,
            Up::Open => Packet::Open("{}"),
            Up::NoPacket => {
                return match socket {
                    Some(socket) => self.session.handle_socket_parse_error(socket),
                    None => self.session.handle_parse_error(),
                };
            }
        };
        let message = match socket {
            Some(socket) => self.session.handle_socket_packet(self.now, socket, packet),
            None => self.session.handle_packet(self.now, packet),
        };
        if let Some(Message::Text(number)) = message {
            assert!(self.ended.is_none() && !self.is_closing, "nothing is heard after the end");
            let number = number.parse().expect("it was a number");
            self.client.up.see(number, self.client.manners.is_patient);
        }
    }

    /// Does what the session wants.
    fn carry_out(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert_eq!(self.ended, None, "nothing comes after the end: {output:?}");
            match output {
                Output::AnswerGet(packets) => {
                    assert_eq!(self.open_gets, 1, "a GET is answered, once");
                    assert!(!packets.is_empty(), "and not with nothing");
                    self.open_gets = 0;
                    self.get_down.push_back(Down::Packets(texts(&packets)));
                }
                Output::Probe(packet) => {
                    assert!(self.socket.is_some() && !self.is_current);
                    self.socket_down.push_back(Down::Packets(texts(&[packet])));
                }
                Output::CloseProbe => {
                    assert!(self.socket.take().is_some() && !self.is_current);
                    self.socket_down.push_back(Down::End);
                }
                Output::Upgraded(packets) => {
                    assert!(self.socket.is_some() && !self.is_current);
                    self.is_current = true;
                    self.socket_down.push_back(Down::Packets(texts(&packets)));
                }
                Output::Send(packets) => {
                    assert!(self.is_current);
                    self.socket_down.push_back(Down::Packets(texts(&packets)));
                }
                Output::CloseSocket => {
                    assert!(self.is_current);
                    self.is_current = false;
                    self.socket = None;
                    self.socket_down.push_back(Down::End);
                }
                Output::Closed(reason) => {
                    assert!(
                        self.may_end || reason == CloseReason::PingTimeout,
                        "for nothing: {reason}"
                    );
                    self.ended = Some(reason);
                    // Only who closes in order delivers everything.
                    self.is_broken |= reason != CloseReason::ForcedClose;
                }
            }
        }
        if self.ended.is_some() {
            assert_eq!(self.session.poll_timeout(), None);
            assert_eq!(self.open_gets, 0, "nobody is left waiting");
            assert!(self.socket.is_none() || self.client.is_dead || !self.is_current);
        } else {
            // A client of version 3 that is not read is not waited for.
            let is_deaf = self.is_paused && self.client.manners.is_old;
            assert!(self.session.poll_timeout().is_some() || is_deaf);
        }
    }

    /// Lets everything arrive that can, and looks whether it has.
    pub(super) fn finish(mut self) {
        if self.is_paused {
            self.reads_on();
        }
        for _ in 0..50 {
            self.arrives_all();
            if self.client.is_dead {
                break;
            }
            if self.client.may_poll() {
                self.poll();
            } else if self
                .session
                .poll_timeout()
                .is_some_and(|due| due < self.now + Duration::from_millis(200))
            {
                // A GET that makes way for the upgrade.
                self.passes(Duration::from_millis(200));
                self.carry_out();
            } else {
                break;
            }
            // Its GET waits, or has brought the last.
            self.arrives_all();
            if self.open_gets > 0 && self.client.socket == Socket::None {
                break;
            }
        }
        if !self.is_broken && !self.client.has_left {
            if self.ended.is_none() || self.is_closing {
                self.client.down.assert_complete();
            }
            if self.ended.is_none() && !self.is_closing {
                self.client.up.assert_complete();
            }
        }
        if self.ended.is_none() {
            self.may_end = true;
            self.session.abort();
            self.carry_out();
        }
        assert!(self.ended.is_some());
    }
}

fn texts(packets: &[Outgoing]) -> Vec<String> {
    packets
        .iter()
        .map(|packet| String::from_utf8(packet.bytes().to_vec()).expect("the packets are text"))
        .collect()
}
