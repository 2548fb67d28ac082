//! Which request wants what: the checks of rule 2, in their order.

use std::sync::Arc;

use http::Method;
use http::header::{HeaderMap, HeaderName, ORIGIN, UPGRADE};
use http::request::Parts;

use super::hooks::ErrorContext;
use super::peer::Peer;
use super::registry::Registry;
use crate::engine::{Config, Dialect, Query, Refusal, Sid, Transport};

/// What a request wants, once it is known to make sense.
pub(super) enum Route {
    Open(Transport, Dialect),
    Get(Arc<Peer>),
    Post(Arc<Peer>),
    Probe(Arc<Peer>),
}

/// Why a request gets no more than an answer.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) context: Option<ErrorContext>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, context: None }
    }
}

impl From<ErrorContext> for Refused {
    fn from(context: ErrorContext) -> Self {
        Self { refusal: Refusal::BadRequest, context: Some(context) }
    }
}

/// Checks a request in the order of rule 2. What follows, the application's word and the version, is for `handshake`.
pub(super) fn route(
    head: &Parts,
    upgrade: bool,
    config: &Config,
    registry: &Registry,
) -> Result<Route, Refused> {
    let (method, headers) = (&head.method, &head.headers);
    let query = Query::parse(head.uri.query().unwrap_or_default());
    let transport = query.transport.and_then(Transport::from_name);
    let transport = transport.filter(|transport| config.transports.contains(transport));
    let transport = transport.ok_or(Refusal::TransportUnknown)?;
    if headers.get(ORIGIN).is_some_and(|origin| origin.to_str().is_err()) {
        return Err(ErrorContext::InvalidOrigin.into());
    }
    if let Some(sid) = query.sid {
        let peer =
            Sid::parse(sid).and_then(|sid| registry.get(&sid)).ok_or(Refusal::SessionIdUnknown)?;
        return match (transport, upgrade) {
            (Transport::WebSocket, true) => Ok(Route::Probe(peer)),
            (Transport::Polling, false) if *method == Method::GET => Ok(Route::Get(peer)),
            (Transport::Polling, false) if *method == Method::POST => Ok(Route::Post(peer)),
            (Transport::Polling, false) => Err(Refusal::BadRequest.into()),
            _ => Err(ErrorContext::TransportMismatch.into()),
        };
    }
    if *method != Method::GET {
        return Err(Refusal::BadHandshakeMethod.into());
    }
    if upgrade != (transport == Transport::WebSocket) {
        return Err(ErrorContext::TransportHandshakeError.into());
    }
    Ok(Route::Open(transport, Dialect::of(&query)))
}

pub(super) fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(UPGRADE).into_iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("websocket")))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

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
