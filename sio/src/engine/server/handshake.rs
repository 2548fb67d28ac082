//! The request that opens a session, and the one that brings it a WebSocket (rules 2, 9-11, 17).

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use ws::Deflate;
use ws::handshake::{self, Origins};

use super::answer::{Body, body};
use super::batch::Batch;
use super::connection::Place;
use super::hooks::ErrorContext;
use super::peer::Peer;
use super::registry::Admission;
use super::route::{Refused, text};
use super::websocket::{Newcomer, Purpose};
use super::{Engine, RequestInfo, websocket};
use crate::engine::{Dialect, Open, Outgoing, Protocol, Refusal, Session, Transport};

/// A request for a new session that has passed the checks before the application's.
pub(super) struct Opening {
    pub(super) transport: Transport,
    pub(super) dialect: Dialect,
    pub(super) info: Arc<RequestInfo>,
    pub(super) admission: Admission,
}

impl Engine {
    /// Opens a session, if the application agrees.
    pub(super) async fn open(
        &self,
        head: &mut Parts,
        opening: Opening,
    ) -> Result<Response<Body>, Refused> {
        let Opening { transport, dialect, info, admission } = opening;
        let hooks = self.hooks();
        hooks.is_allowed(&info).await.map_err(Refusal::Forbidden)?;
        if dialect.protocol() == Protocol::V3 && !self.config().allow_eio3 {
            return Err(Refusal::UnsupportedProtocolVersion.into());
        }
        let sid = hooks.new_sid(&info).await.map_err(ErrorContext::IdGenerationError)?;
        let newcomer = Newcomer { sid, dialect, info, admission };
        match transport {
            Transport::Polling => self.open_polling(newcomer),
            Transport::WebSocket => self.upgrade(head, Purpose::Open(Box::new(newcomer))),
        }
    }

    /// The answer is the open packet.
    fn open_polling(&self, newcomer: Newcomer) -> Result<Response<Body>, Refused> {
        let Newcomer { sid, dialect, info, admission } = newcomer;
        let config = self.config();
        let open = Outgoing::open(&Open::new(sid, Transport::Polling, config));
        let now = ws::net::Wheel::now();
        let session = Session::polling(config.clone(), now).with_protocol(dialect.protocol(), now);
        let peer = Peer::new(sid, info, dialect, self, session);
        peer.enter(admission).map_err(|_taken| taken())?;
        peer.open(&*self.0.application, None);
        let mut response = Batch::new(&[open], dialect).into_response();
        if let Some(cookie) = &config.cookie
            && let Ok(value) = HeaderValue::try_from(cookie.header(&sid))
        {
            response.headers_mut().insert(SET_COOKIE, value);
        }
        Ok(response)
    }

    /// Answers 101 and lets the WebSocket begin, which then asks for its session or makes one.
    pub(super) fn upgrade(
        &self,
        head: &mut Parts,
        purpose: Purpose,
    ) -> Result<Response<Body>, Refused> {
        let (nothing, ()) = Request::new(()).into_parts();
        let mut request = Request::from_parts(std::mem::replace(head, nothing), ());
        let checked = handshake::check_with_origins(&request, self.origins(request.headers()));
        let place = request.extensions_mut().remove::<Place>();
        let upgrade = hyper::upgrade::on(&mut request);
        (*head, ()) = request.into_parts();
        let mut accepted = match checked {
            Ok(accepted) => accepted,
            Err(rejection) => return Ok(rejection.into_response::<String>().map(body)),
        };
        let deflate: Option<Deflate> = self
            .config()
            .per_message_deflate
            .as_ref()
            .and_then(|deflate| accepted.negotiate_deflate(deflate).cloned());
        let response = accepted.accept(None, HeaderMap::new()).map_err(|error| {
            tracing::error!(%error, "a handshake without extras can't be refused");
            Refused::from(Refusal::BadRequest)
        })?;
        tokio::spawn(websocket::run(self.clone(), upgrade, deflate, purpose, place));
        Ok(response.map(|()| body(Bytes::new())))
    }

    /// Whose page may poll, may open a WebSocket.
    fn origins(&self, headers: &HeaderMap) -> &Origins {
        let config = self.config();
        let (origin, host) = (text(headers, &ORIGIN), text(headers, &HOST).unwrap_or_default());
        match &config.cors {
            Some(cors) if cors.origins.allow(origin, host) => &Origins::Any,
            _ => &config.origins,
        }
    }
}

/// Two ids of 120 random bits are never the same: the application has made this one.
fn taken() -> Refused {
    ErrorContext::IdGenerationError("the id is that of another session".to_owned()).into()
}
