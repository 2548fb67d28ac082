//! Plain HTTP requests to an engine (rules 6 and 12), each on a connection that is kept for the next.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::{ConnectError, HttpError};
use crate::engine::payload;

/// A connection whose server does not say how long it keeps it is used again for this long.
const KEEP: Duration = Duration::from_secs(4);
/// A server closes an idle connection at the moment it announced; a request must not meet that.
const MARGIN: Duration = Duration::from_secs(1);

/// Bytes of a refusal's body that are told.
const REFUSAL: usize = 1024;
/// Time for them.
const REFUSAL_TIME: Duration = Duration::from_secs(2);

/// Makes requests.
pub(super) struct Http(pub(super) Arc<Address>);

/// A connection, and how long it may be used again.
pub(super) struct Lane {
    sender: SendRequest<Full<Bytes>>,
    _driver: AbortOnDrop,
    fresh_until: Instant,
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Http {
    /// A GET, without a deadline of its own: it waits for as long as the server has nothing to say.
    pub(super) async fn get(
        &self,
        lane: &mut Option<Lane>,
        sid: Option<&str>,
    ) -> Result<Bytes, ConnectError> {
        self.request(lane, Method::GET, sid, Bytes::new()).await
    }

    /// A POST with a payload.
    pub(super) async fn post(
        &self,
        lane: &mut Option<Lane>,
        sid: &str,
        body: Bytes,
    ) -> Result<Bytes, ConnectError> {
        let time = self.0.config().request_timeout;
        let posted = timeout(time, self.request(lane, Method::POST, Some(sid), body)).await;
        posted.unwrap_or(Err(ConnectError::Http(HttpError::Timeout)))
    }

    async fn request(
        &self,
        lane: &mut Option<Lane>,
        method: Method,
        sid: Option<&str>,
        body: Bytes,
    ) -> Result<Bytes, ConnectError> {
        let request = self.head(method, sid, body)?;
        // Taken out for the time of the request: what breaks off is not used again.
        let kept = lane.take().filter(Lane::is_usable);
        let mut used = match kept {
            Some(lane) => lane,
            // Boxed, so that a request which waits for hours does not keep the room that dialling needs.
            None => Box::pin(self.connect()).await?,
        };
        let response = used.sender.send_request(request).await.map_err(HttpError::Io)?;
        let (parts, body) = response.into_parts();
        self.keep_cookies(&parts.headers);
        if parts.status != StatusCode::OK {
            return Err(refused(parts.status, body).await);
        }
        let body = Limited::new(body, self.0.config().max_response());
        let body = body.collect().await.map_err(HttpError::Body)?.to_bytes();
        used.fresh_until = Instant::now() + kept_for(&parts.headers);
        *lane = Some(used);
        Ok(body)
    }

    async fn connect(&self) -> Result<Lane, ConnectError> {
        let stream = self.0.dialer().dial().await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(HttpError::Io)?;
        // It notices when the server closes an idle connection; its errors come out at the request. In an async block it would take
        // twice the room.
        let driver = AbortOnDrop(tokio::spawn(connection).abort_handle());
        Ok(Lane { sender, _driver: driver, fresh_until: Instant::now() + KEEP })
    }

    fn head(
        &self,
        method: Method,
        sid: Option<&str>,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, HttpError> {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(self.0.resource("polling", sid))
            .header(HOST, self.0.authority())
            .header(ACCEPT, "*/*");
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, payload::CONTENT_TYPE);
        }
        let mut request = request.body(Full::new(body)).map_err(HttpError::Request)?;
        for (name, value) in self.0.headers() {
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        self.0.keep_cookies(headers.get_all(SET_COOKIE), SystemTime::now());
    }
}

impl Lane {
    /// Until when it may be used again. It keeps buffers, so that it should not be kept for longer.
    pub(super) const fn fresh_until(&self) -> Instant {
        self.fresh_until
    }

    fn is_usable(&self) -> bool {
        !self.sender.is_closed() && Instant::now() < self.fresh_until
    }
}

/// What a server says that does not do what was asked, as far as it comes soon and is short.
async fn refused(status: StatusCode, mut body: Incoming) -> ConnectError {
    let mut said = Vec::new();
    let all = async {
        while let Some(Ok(frame)) = body.frame().await
            && said.len() < REFUSAL
        {
            said.extend_from_slice(frame.data_ref().map(|data| &**data).unwrap_or_default());
        }
    };
    // What has come is told in any case.
    let _ = timeout(REFUSAL_TIME, all).await;
    let text = String::from_utf8_lossy(&said[..said.len().min(REFUSAL)]);
    ConnectError::Refused(status, text.into())
}

/// How long the server keeps the connection: `Connection: close`, or `Keep-Alive: timeout=5` (RFC 2068 §19.7.1.1), which Node sends.
fn kept_for(headers: &HeaderMap) -> Duration {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let text = |name| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    if text(CONNECTION).eq_ignore_ascii_case(b"close") {
        return Duration::ZERO;
    }
    let Ok(keep_alive) = std::str::from_utf8(text(KEEP_ALIVE)) else { return KEEP };
    let announced = keep_alive.split(',').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("timeout").then(|| value.trim().parse().ok())?
    });
    announced.map_or(KEEP, |seconds| Duration::from_secs(seconds).saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_used_again_for_as_long_as_the_server_says() {
        let kept = |name: &'static str, value: &'static str| {
            kept_for(&HeaderMap::from_iter([(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]))
        };
        assert_eq!(kept("keep-alive", "timeout=5, max=100"), Duration::from_secs(4));
        assert_eq!(kept("keep-alive", "timeout=0"), Duration::ZERO);
        assert_eq!(kept("keep-alive", "junk"), KEEP);
        assert_eq!(kept("connection", "Close"), Duration::ZERO);
        assert_eq!(kept("connection", "keep-alive"), KEEP);
    }
}
