//! The session against a scripted client in virtual time; each test names the rule that it holds the session to.

mod heartbeat;
mod polling;
mod upgrade;
mod walk;

use std::time::Duration;

use super::*;
use crate::engine::Refusal;

/// A session, its clock, and what has come out of it as short words.
struct Rig {
    session: Session,
    now: Instant,
}

fn text(text: &str) -> Packet<'_> {
    Packet::Message(Message::Text(text))
}

fn out(text: &str) -> Outgoing {
    Outgoing::text(|buf| buf.push_str(text))
}

impl Rig {
    fn polling() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let (config, now) = (Arc::new(config), Instant::now());
        Self { session: Session::polling(config, now), now }
    }

    fn websocket() -> (Self, SocketId) {
        let (config, now) = (Arc::new(Config::default()), Instant::now());
        let (session, socket) = Session::websocket(config, now);
        (Self { session, now }, socket)
    }

    /// A session whose WebSocket has sent `2probe` and got its answer.
    fn probing() -> (Self, SocketId) {
        let mut rig = Self::polling();
        let socket = rig.session.handle_probe(rig.now).unwrap();
        rig.packet(socket, Packet::Ping("probe"));
        assert_eq!(rig.outputs(), ["probe 3probe"]);
        (rig, socket)
    }

    /// Lets time pass without looking at the timers in between.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
    }

    /// Jumps to the next timer.
    fn next_timer(&mut self) -> Duration {
        let at = self.session.poll_timeout().unwrap();
        let time = at.saturating_duration_since(self.now);
        self.pass(time);
        time
    }

    fn get(&mut self) -> Result<(), Refusal> {
        self.session.handle_get(self.now)
    }

    fn post(&mut self, packets: &[Packet<'_>]) -> Result<(), Refusal> {
        self.session.handle_post()?;
        for packet in packets {
            self.session.handle_packet(self.now, *packet);
        }
        self.session.handle_post_end();
        Ok(())
    }

    fn packet(&mut self, socket: SocketId, packet: Packet<'_>) -> Option<String> {
        match self.session.handle_socket_packet(self.now, socket, packet)? {
            Message::Text(text) => Some(text.to_owned()),
            Message::Binary(data) => Some(format!("{data:?}")),
        }
    }

    fn outputs(&mut self) -> Vec<String> {
        let words = |packets: Vec<Outgoing>| -> String {
            let words: Vec<_> = packets
                .iter()
                .map(|packet| String::from_utf8(packet.bytes().to_vec()).unwrap())
                .collect();
            words.join(",")
        };
        std::iter::from_fn(|| self.session.poll_output())
            .map(|output| match output {
                Output::AnswerGet(packets) => format!("get {}", words(packets)),
                Output::Probe(packet) => format!("probe {}", words(vec![packet])),
                Output::CloseProbe => "close probe".into(),
                Output::Upgraded(packets) => format!("upgraded {}", words(packets)),
                Output::Send(packets) => format!("send {}", words(packets)),
                Output::CloseSocket => "close socket".into(),
                Output::Closed(reason) => format!("closed: {reason}"),
            })
            .collect()
    }
}
