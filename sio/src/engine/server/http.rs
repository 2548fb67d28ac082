//! The HTTP surface of an engine (rules 1-10): a request comes in, is in flight, and is answered.

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_ENCODING, CONTENT_TYPE, HOST,
    HeaderName, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Body as HttpBody;

use super::answer::{Body, answer, refuse, refuse_upgrade};
use super::batch::Batch;
use super::compress::compress;
use super::connection::Remote;
use super::handshake::Opening;
use super::hooks::{ConnectionError, Hooks};
use super::peer::Peer;
use super::route::{Refused, Route, route, text, wants_websocket};
use super::websocket::Purpose;
use super::{Engine, RequestInfo, polling};
use crate::engine::Coding;

/// A request that has been taken in and is still to be answered.
pub(super) struct TakenIn<B> {
    engine: Engine,
    begun: Begun,
    exchange: Exchange,
    body: B,
}

enum Begun {
    Done(Box<Response<Body>>),
    Open(Box<Opening>),
    Probe(Arc<Peer>),
    Get(polling::Get),
    Post(polling::Post),
}

/// What of a request is still needed when it is answered.
struct Exchange {
    cors: Vec<(&'static str, String)>,
    coding: Option<Coding>,
    remote: Remote,
    is_upgrade: bool,
    is_initial: bool,
    hooks: Arc<Hooks>,
    /// Only if somebody wants to see it: it is large, and shares the memory of its connection.
    head: Option<Box<Parts>>,
}

impl Engine {
    /// Is this path the engine's? Requests for others are not for [`Self::handle`].
    #[must_use]
    pub fn is_path(&self, path: &str) -> bool {
        self.config().is_path(path)
    }

    /// Answers a request to the engine's path. For a WebSocket the connection must be hyper's, with upgrades enabled.
    ///
    /// The request is in flight from this call on, and a future that is dropped means that the client has gone away: a GET or POST
    /// ends its session then.
    pub fn handle<B>(
        &self,
        request: Request<B>,
        remote: Remote,
    ) -> impl Future<Output = Response<Body>> + use<B>
    where
        B: HttpBody + Unpin,
    {
        self.take_in(request, remote).answer()
    }

    /// See [`Self::handle`].
    pub(super) fn take_in<B>(&self, request: Request<B>, remote: Remote) -> TakenIn<B> {
        let (head, body) = request.into_parts();
        let mut exchange = Exchange::new(self, &head, remote);
        let is_preflight = self.config().cors.is_some() && head.method == Method::OPTIONS;
        let begun = match is_preflight {
            // Rule 9: preflight requests come before everything else.
            true => Begun::Done(Box::new(answer(StatusCode::NO_CONTENT, "text/plain", ""))),
            false => self.begin(&head, &mut exchange).unwrap_or_else(|refused| {
                Begun::Done(Box::new(exchange.refuse(self, &head, refused)))
            }),
        };
        let needs_head = matches!(begun, Begun::Open(_) | Begun::Probe(_))
            || exchange.hooks.wants_head(exchange.is_initial);
        exchange.head = needs_head.then(|| Box::new(head));
        TakenIn { engine: self.clone(), begun, exchange, body }
    }

    fn begin(&self, head: &Parts, exchange: &mut Exchange) -> Result<Begun, Refused> {
        let registry = &self.0.registry;
        Ok(match route(head, exchange.is_upgrade, self.config(), registry)? {
            Route::Get(peer) => Begun::Get(polling::Get::begin(peer)?),
            Route::Post(peer) => {
                Begun::Post(polling::Post::begin(peer, head.headers.get(CONTENT_TYPE))?)
            }
            Route::Probe(peer) => Begun::Probe(peer),
            Route::Open(transport, dialect) => {
                exchange.is_initial = true;
                let info = Arc::new(RequestInfo::new(head, exchange.remote, self.config()));
                let admission = registry.admit(info.client_ip, ws::net::Wheel::now())?;
                Begun::Open(Box::new(Opening { transport, dialect, info, admission }))
            }
        })
    }

    fn cors_headers(&self, head: &Parts) -> Option<Vec<(&'static str, String)>> {
        let cors = self.config().cors.as_ref()?;
        let headers = &head.headers;
        let (origin, host) = (text(headers, &ORIGIN), text(headers, &HOST));
        Some(match head.method {
            Method::OPTIONS => {
                cors.preflight_headers(origin, host, text(headers, &ACCESS_CONTROL_REQUEST_HEADERS))
            }
            _ => cors.headers(origin, host),
        })
    }
}

impl<B> TakenIn<B> {
    /// Is it a GET that waits for packets?
    pub(super) const fn may_take_long(&self) -> bool {
        matches!(self.begun, Begun::Get(_))
    }
}

impl<B: HttpBody + Unpin> TakenIn<B> {
    /// What is only needed for a moment lies in boxes, because a GET keeps this for as long as it waits.
    pub(super) async fn answer(self) -> Response<Body> {
        let Self { engine, begun, mut exchange, body } = self;
        let response = match begun {
            Begun::Done(response) => *response,
            Begun::Get(get) => match get.run().await {
                Ok(batch) => Box::pin(exchange.payload(&engine, batch)).await,
                Err(refusal) => refuse(&refusal),
            },
            Begun::Post(post) => Box::pin(post.run(engine.config(), body)).await,
            Begun::Probe(peer) => exchange.probe(&engine, peer),
            Begun::Open(opening) => Box::pin(exchange.open(&engine, *opening)).await,
        };
        exchange.finish(response)
    }
}

impl Exchange {
    fn new(engine: &Engine, head: &Parts, remote: Remote) -> Self {
        let compresses = engine.config().http_compression.is_some();
        let accepted = text(&head.headers, &ACCEPT_ENCODING).filter(|_| compresses);
        Self {
            cors: engine.cors_headers(head).unwrap_or_default(),
            coding: accepted.and_then(Coding::accepted),
            remote,
            is_upgrade: wants_websocket(&head.headers),
            is_initial: false,
            hooks: engine.hooks(),
            head: None,
        }
    }

    async fn open(&mut self, engine: &Engine, opening: Opening) -> Response<Body> {
        let Some(mut head) = self.head.take() else {
            return refuse(&crate::engine::Refusal::BadRequest);
        };
        let opened = engine.open(&mut head, opening).await;
        let response = opened.unwrap_or_else(|refused| self.refuse(engine, &head, refused));
        self.head = Some(head);
        response
    }

    fn probe(&mut self, engine: &Engine, peer: Arc<Peer>) -> Response<Body> {
        let Some(mut head) = self.head.take() else {
            return refuse(&crate::engine::Refusal::BadRequest);
        };
        let upgraded = engine.upgrade(&mut head, Purpose::Probe(peer));
        let response = upgraded.unwrap_or_else(|refused| self.refuse(engine, &head, refused));
        self.head = Some(head);
        response
    }

    /// The answer to a GET, compressed if that is worth it (rule 6).
    async fn payload(&self, engine: &Engine, mut batch: Batch) -> Response<Body> {
        let config = engine.config().http_compression;
        let worth =
            config.filter(|config| batch.is_compressible && batch.body.len() >= config.threshold);
        let coding = match (self.coding, worth) {
            (Some(coding), Some(config)) => match compress(&batch.body, coding, config.level).await
            {
                Some(compressed) => {
                    batch.body = compressed;
                    Some(coding)
                }
                None => None,
            },
            _ => None,
        };
        let mut response = batch.into_response();
        if let Some(coding) = coding {
            let headers = response.headers_mut();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        response
    }

    /// Rules 3 to 5.
    fn refuse(&self, engine: &Engine, head: &Parts, refused: Refused) -> Response<Body> {
        let Refused { refusal, context } = refused;
        tracing::debug!(%refusal, ?context, "request refused");
        let response = if self.is_upgrade { refuse_upgrade(&refusal) } else { refuse(&refusal) };
        if self.hooks.hears_errors() {
            let request = RequestInfo::new(head, self.remote, engine.config());
            self.hooks.report(&ConnectionError { refusal, context, request });
        }
        response
    }

    fn finish(self, mut response: Response<Body>) -> Response<Body> {
        let status = response.status();
        let headers = response.headers_mut();
        for (name, value) in self.cors {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        if let Some(head) = self.head
            && matches!(status, StatusCode::OK | StatusCode::SWITCHING_PROTOCOLS)
        {
            self.hooks.change_headers(headers, &head, self.is_initial);
        }
        response
    }
}
