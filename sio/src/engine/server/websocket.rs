//! A WebSocket that carries a session, or is tried for one (rules 13, 17-18): a handler in the task of its connection.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use ws::{CloseCode, CloseReport, Context, Handler, Payload};

use super::connection::Place;
use super::peer::Peer;
use super::registry::Admission;
use super::{Engine, RequestInfo};
use crate::engine::{
    CloseReason, Dialect, Open, Outgoing, Packet, Protocol, Session, Sid, SocketId, Transport, v3,
};

/// What a WebSocket is for.
pub(super) enum Purpose {
    /// A new session.
    Open(Box<Newcomer>),
    /// To become the transport of this one.
    Probe(Arc<Peer>),
}

/// A client whose session may open.
pub(super) struct Newcomer {
    pub(super) sid: Sid,
    pub(super) dialect: Dialect,
    pub(super) info: Arc<RequestInfo>,
    pub(super) admission: Admission,
}

/// Waits until the 101 has left, then moves the connection out of hyper into a task of its own.
pub(super) async fn run(
    engine: Engine,
    upgrade: OnUpgrade,
    deflate: Option<ws::Deflate>,
    purpose: Purpose,
    place: Option<Place>,
) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => return tracing::debug!(%error, "upgrade failed"),
    };
    let (stream, leftover) = super::upgraded::into_stream(upgraded);
    let config = engine.0.websocket.clone();
    let handler = SocketHandler {
        stage: Stage::Opening(engine, purpose),
        is_transport: false,
        _place: place,
    };
    match deflate {
        None => _ = ws::stream::spawn(stream, leftover, ws::Role::Server, config, handler),
        Some(deflate) => {
            let socket = ws::WebSocket::from_stream(stream, leftover, ws::Role::Server, config);
            socket.with_deflate(&deflate).spawn(handler);
        }
    }
}

struct SocketHandler {
    stage: Stage,
    /// Has it become the transport? Then messages go past the session machine.
    is_transport: bool,
    /// The connection's place among those of its listener.
    _place: Option<Place>,
}

enum Stage {
    Opening(Engine, Purpose),
    Open(Arc<Peer>, SocketId),
    Ended,
}

impl SocketHandler {
    fn open(engine: &Engine, newcomer: Newcomer, socket: &mut Context<'_>) -> Option<Stage> {
        let Newcomer { sid, dialect, info, admission } = newcomer;
        let (config, now) = (engine.config(), ws::net::Wheel::now());
        let (session, id) = Session::websocket(config.clone(), now);
        let session = session.with_protocol(dialect.protocol(), now);
        let open = Open::new(sid, Transport::WebSocket, config);
        let peer = Peer::new(sid, info, dialect, engine, session);
        peer.enter(admission).ok()?;
        let _ = socket.send_prepared(Outgoing::open(&open).prepared());
        peer.open(&*engine.0.application, Some(socket.sender()));
        Some(Stage::Open(peer, id))
    }

    fn end(&mut self, reason: CloseReason) {
        if let Stage::Open(peer, id) = std::mem::replace(&mut self.stage, Stage::Ended) {
            peer.act(|session, _| session.handle_socket_closed(id, reason));
        }
    }
}

impl Handler for SocketHandler {
    fn on_open(&mut self, socket: &mut Context<'_>) {
        let Stage::Opening(engine, purpose) = std::mem::replace(&mut self.stage, Stage::Ended)
        else {
            return;
        };
        let stage = match purpose {
            Purpose::Open(newcomer) => {
                self.is_transport = true;
                Self::open(&engine, *newcomer, socket)
            }
            Purpose::Probe(peer) => {
                peer.begin_probe(socket.sender()).ok().map(|id| Stage::Open(peer, id))
            }
        };
        match stage {
            Some(stage) => self.stage = stage,
            // Rule 18: only this WebSocket is closed.
            None => socket.close(CloseCode::NORMAL, ""),
        }
    }

    fn on_message(&mut self, socket: &mut Context<'_>, message: Payload<'_>) {
        let Stage::Open(peer, id) = &self.stage else { return };
        let mut scratch = Vec::new();
        let packet = match (message.as_text(), peer.dialect().protocol()) {
            (Some(text), Protocol::V4) => Packet::from_text(text, &mut scratch),
            (None, Protocol::V4) => Ok(Packet::from_binary(message.as_bytes())),
            (Some(text), Protocol::V3) => v3::from_text(text, &mut scratch),
            (None, Protocol::V3) => v3::from_binary(message.as_bytes()),
        };
        if !peer.may_take() {
            socket.close(CloseCode::POLICY_VIOLATION, "too many packets");
            return peer.abort();
        }
        match packet {
            Ok(Packet::Message(message)) if self.is_transport => peer.deliver(message),
            Ok(packet) => {
                if let Some(message) =
                    peer.act(|session, now| session.handle_socket_packet(now, *id, packet))
                {
                    peer.deliver(message);
                }
                self.is_transport |= peer.transport() == Transport::WebSocket;
            }
            Err(error) => {
                tracing::debug!(session = ?peer.sid(), %error, "no packet");
                peer.act(|session, _| session.handle_socket_parse_error(*id));
            }
        }
    }

    fn on_close(&mut self, report: &CloseReport) {
        self.end(match report.failure {
            // The reference server speaks of an error only if the client broke the rules, not if it went away.
            Some(ws::proto::Failure::Protocol(_)) => CloseReason::TransportError,
            // It does not keep up, and the settings say that it is closed for that.
            Some(ws::proto::Failure::Overflow) => CloseReason::ForcedClose,
            // The application did, in one of the calls above.
            _ if std::thread::panicking() => CloseReason::TransportError,
            _ => CloseReason::TransportClose,
        });
    }
}

/// Of one that never came to have a connection.
impl Drop for SocketHandler {
    fn drop(&mut self) {
        self.end(CloseReason::TransportError);
    }
}
