//! The HTTP surface of an engine (rules 1-10): which request is whose, and the answers that are no payload.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN,
    SET_COOKIE, UPGRADE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ws::handshake::{self, Origins};

use super::peer::Peer;
use super::websocket::Purpose;
use super::{Engine, RequestInfo, polling, websocket};
use crate::engine::{Open, Outgoing, Query, Refusal, Session, Sid, Transport, payload};

/// The body of a response.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Answers the requests that are not the engine's.
pub type Fallback = Arc<
    dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync,
>;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remote {
    /// The address of the client, or of the proxy in between; `None` on a Unix socket.
    pub addr: Option<SocketAddr>,
    /// Did it come over TLS?
    pub secure: bool,
}

/// Something that is kept for as long as a connection lives. Travels with its requests.
#[derive(Clone)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] Arc<dyn Send + Sync>);

/// A request that has been taken in and is still to be answered.
enum Begun<B> {
    Done(Response<Body>),
    Get(polling::Get),
    Post(polling::Post, Request<B>),
}

/// What a request wants once it is known to make sense.
enum Route {
    Open,
    OpenWebSocket,
    Get(Arc<Peer>),
    Post(Arc<Peer>),
    Probe(Arc<Peer>),
}

/// A body of these bytes.
#[must_use]
pub fn body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// 404, for requests that are nobody's.
#[must_use]
pub fn not_found() -> Response<Body> {
    answer(StatusCode::NOT_FOUND, "text/plain; charset=UTF-8", "not found")
}

impl Engine {
    /// Is this path the engine's? Requests for others are not for [`Self::handle`].
    #[must_use]
    pub fn is_path(&self, path: &str) -> bool {
        self.0.config.is_path(path)
    }

    /// Serves HTTP/1.1 on a connection until it ends or becomes a WebSocket. Requests that are not the engine's go to `fallback`.
    /// `place` is dropped when the connection is gone, also if it was a WebSocket then: for a limit on connections.
    ///
    /// At the end of [`Self::shutdown`] it ends after the request that is being answered.
    pub async fn serve_connection(
        &self,
        stream: impl Into<ws::net::Stream>,
        remote: Remote,
        fallback: Fallback,
        place: impl Send + Sync + 'static,
    ) {
        let config = self.config();
        let place = Place(Arc::new(place));
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(place.clone());
            let (ours, others) = match self.is_path(request.uri().path()) {
                true => (Some(self.handle(request, remote)), None),
                false => (None, Some(fallback(request))),
            };
            async move {
                Ok::<_, Infallible>(match (ours, others) {
                    (Some(ours), _) => ours.await,
                    (None, Some(others)) => others.await,
                    (None, None) => not_found(),
                })
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(config.header_timeout)
            .max_buf_size(config.max_header_bytes)
            .max_headers(config.max_headers)
            .serve_connection(TokioIo::new(stream.into()), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.0.registry.ended() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, ?remote, "HTTP connection failed");
        }
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
        let cors_headers = self.cors_headers(&request);
        let begun = match cors_headers.is_some() && request.method() == Method::OPTIONS {
            // Rule 9: preflight requests come before everything else.
            true => Begun::Done(answer(StatusCode::NO_CONTENT, "text/plain", "")),
            false => self.begin(request, remote),
        };
        let config = self.config().clone();
        async move {
            let mut response = match begun {
                Begun::Done(response) => response,
                Begun::Get(get) => get.run().await,
                Begun::Post(post, request) => {
                    let (head, body) = request.into_parts();
                    post.run(&config, &head.headers, body).await
                }
            };
            for (name, value) in cors_headers.into_iter().flatten() {
                if let Ok(value) = HeaderValue::try_from(value) {
                    response.headers_mut().append(HeaderName::from_static(name), value);
                }
            }
            response
        }
    }

    fn cors_headers<B>(&self, request: &Request<B>) -> Option<Vec<(&'static str, String)>> {
        let cors = self.0.config.cors.as_ref()?;
        let headers = request.headers();
        let (origin, host) = (text(headers, &ORIGIN), text(headers, &HOST));
        Some(match *request.method() {
            Method::OPTIONS => {
                cors.preflight_headers(origin, host, text(headers, &ACCESS_CONTROL_REQUEST_HEADERS))
            }
            _ => cors.headers(origin, host),
        })
    }

    fn begin<B>(&self, request: Request<B>, remote: Remote) -> Begun<B> {
        let upgrade = wants_websocket(request.headers());
        let begun = self.route(&request, upgrade).and_then(|route| {
            Ok(match route {
                Route::Open => Begun::Done(self.open_polling(&request, remote)),
                Route::Get(peer) => Begun::Get(polling::Get::begin(peer)?),
                Route::Post(peer) => Begun::Post(polling::Post::begin(peer)?, request),
                Route::OpenWebSocket => {
                    let info = Arc::new(RequestInfo::new(&request, remote.addr, remote.secure));
                    Begun::Done(self.upgrade(request, Purpose::Open(info)))
                }
                Route::Probe(peer) => Begun::Done(self.upgrade(request, Purpose::Probe(peer))),
            })
        });
        begun.unwrap_or_else(|refusal| {
            Begun::Done(if upgrade { refuse_upgrade(&refusal) } else { refuse(&refusal) })
        })
    }

    /// Checks a request in the order of rule 2.
    fn route<B>(&self, request: &Request<B>, upgrade: bool) -> Result<Route, Refusal> {
        let (method, headers) = (request.method(), request.headers());
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let transport = query.transport.and_then(Transport::from_name);
        let transport = transport.filter(|transport| self.0.config.transports.contains(transport));
        let transport = transport.ok_or(Refusal::TransportUnknown)?;
        if headers.get(ORIGIN).is_some_and(|origin| origin.to_str().is_err()) {
            return Err(Refusal::BadRequest);
        }
        if let Some(sid) = query.sid {
            let peer = Sid::parse(sid)
                .and_then(|sid| self.0.registry.get(&sid))
                .ok_or(Refusal::SessionIdUnknown)?;
            return match (transport, upgrade) {
                (Transport::WebSocket, true) => Ok(Route::Probe(peer)),
                (Transport::Polling, false) if *method == Method::GET => Ok(Route::Get(peer)),
                (Transport::Polling, false) if *method == Method::POST => Ok(Route::Post(peer)),
                _ => Err(Refusal::BadRequest),
            };
        }
        if *method != Method::GET {
            return Err(Refusal::BadHandshakeMethod);
        }
        let route = match (transport, upgrade) {
            (Transport::Polling, false) => Route::Open,
            (Transport::WebSocket, true) => Route::OpenWebSocket,
            _ => return Err(Refusal::BadRequest),
        };
        if query.eio == Some("4") { Ok(route) } else { Err(Refusal::UnsupportedProtocolVersion) }
    }

    /// Opens a session by polling: the answer is the open packet.
    fn open_polling<B>(&self, request: &Request<B>, remote: Remote) -> Response<Body> {
        let Some(sid) = self.new_sid() else { return unavailable() };
        let config = self.config();
        let open = Outgoing::open(&Open::new(sid, Transport::Polling, config));
        let info = Arc::new(RequestInfo::new(request, remote.addr, remote.secure));
        let session = Session::polling(config.clone(), ws::net::Wheel::now());
        Peer::new(sid, info, &self.0.registry, session).open(&*self.0.application, None);
        let mut response = polling::payload_answer(payload::encode(&[open]));
        if let Some(cookie) = &config.cookie
            && let Ok(value) = HeaderValue::try_from(cookie.header(&sid))
        {
            response.headers_mut().insert(SET_COOKIE, value);
        }
        response
    }

    /// An id for one more session, if there may be one.
    pub(super) fn new_sid(&self) -> Option<Sid> {
        self.0.registry.has_room().then(|| Sid::from_random(rand::random()))
    }

    fn upgrade<B>(&self, mut request: Request<B>, purpose: Purpose) -> Response<Body> {
        if !self.0.registry.has_room() {
            return unavailable();
        }
        let (origin, host) = (text(request.headers(), &ORIGIN), text(request.headers(), &HOST));
        // Whose page may poll, may open a WebSocket.
        let shared = self
            .0
            .config
            .cors
            .as_ref()
            .is_some_and(|cors| cors.origins.allow(origin, host.unwrap_or_default()));
        let origins = if shared { &Origins::Any } else { &self.0.config.origins };
        let accepted = handshake::check_with_origins(&request, origins)
            .map(|upgrade| upgrade.accept(None, HeaderMap::new()));
        match accepted {
            Ok(Ok(response)) => {
                let place = request.extensions_mut().remove::<Place>();
                let upgrade = hyper::upgrade::on(&mut request);
                tokio::spawn(websocket::run(self.clone(), upgrade, purpose, place));
                response.map(|()| body(Bytes::new()))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a handshake without extras can't be refused");
                refuse_upgrade(&Refusal::BadRequest)
            }
            Err(rejection) => rejection.into_response::<String>().map(body),
        }
    }
}

pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    bytes: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(body(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Rule 3.
pub(super) fn refuse(refusal: &Refusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, "application/json", refusal.body())
}

/// Rule 4: plain, always 400, and the connection ends.
fn refuse_upgrade(refusal: &Refusal) -> Response<Body> {
    let mut response = answer(StatusCode::BAD_REQUEST, "text/html", refusal.message().to_owned());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn unavailable() -> Response<Body> {
    let mut response =
        answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=UTF-8", "no more sessions");
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(UPGRADE).into_iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("websocket")))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_is_recognised_in_a_list() {
        let headers = |value: &'static str| {
            HeaderMap::from_iter([(UPGRADE, HeaderValue::from_static(value))])
        };
        assert!(wants_websocket(&headers("WebSocket")));
        assert!(wants_websocket(&headers("h2c, websocket")));
        assert!(!wants_websocket(&headers("h2c")) && !wants_websocket(&HeaderMap::new()));
    }
}
