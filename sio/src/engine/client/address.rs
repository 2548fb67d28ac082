//! Where one attempt to connect goes, and what it carries: URL, headers, cookies.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::header::{COOKIE, GetAll};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Client, Config};
use crate::engine::Cookies;

/// A server, as the application names it for one attempt to connect.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Server {
    /// Scheme (`http`, `https`, `ws` or `wss`), host and port.
    pub base: String,
    /// The engine's path, with a slash at its beginning.
    pub path: String,
    /// What the application adds to the query, ready for a URL.
    pub query: String,
    /// Headers of each request.
    pub headers: HeaderMap,
}

impl Server {
    /// A server at this URL, with this path of its engine.
    #[must_use]
    pub fn new(base: impl Into<String>, path: impl Into<String>) -> Self {
        Self { base: base.into(), path: path.into(), ..Self::default() }
    }
}

/// A server, with what the client knows of it.
pub(super) struct Address {
    server: Server,
    client: Arc<Client>,
}

impl Address {
    pub(super) const fn new(server: Server, client: Arc<Client>) -> Self {
        Self { server, client }
    }

    pub(super) fn config(&self) -> &Config {
        &self.client.config
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Path and query of a request over this transport (rule 1).
    pub(super) fn resource(&self, transport: &str, sid: Option<&str>) -> String {
        let Server { path, query, .. } = &self.server;
        let and = if query.is_empty() { "" } else { "&" };
        let mut resource = format!("{path}?{query}{and}EIO=4&transport={transport}");
        if let Some(sid) = sid {
            resource.push_str("&sid=");
            percent_encode(&mut resource, sid);
        }
        resource
    }

    /// Host and port.
    pub(super) fn authority(&self) -> &str {
        self.server.base.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Makes streams to the server.
    pub(super) fn dialer(&self) -> ws::Client {
        self.client.websocket.clone().url(&self.server.base)
    }

    /// Makes the WebSocket of a session, or of a new one.
    pub(super) fn websocket(&self, sid: Option<&str>) -> ws::Client {
        let url = format!("{}{}", self.server.base, self.resource("websocket", sid));
        let client = self.client.websocket.clone().url(url);
        self.headers().fold(client, |client, (name, value)| client.header(name, value))
    }

    /// The application's headers, with the cookies among them.
    pub(super) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let own = self.server.headers.iter().filter(|(name, _)| *name != COOKIE);
        own.map(|(name, value)| (name.clone(), value.clone()))
            .chain(self.cookie().map(|value| (COOKIE, value)))
    }

    /// One header for the application's own cookies and those that were set (RFC 6265 §5.4: "MUST NOT attach more than one").
    fn cookie(&self) -> Option<HeaderValue> {
        let own = self.server.headers.get_all(COOKIE).iter();
        let mut all: Vec<String> =
            own.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
        let secure = self.server.base.starts_with("https") || self.server.base.starts_with("wss");
        let jar = self.client.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(jar.header(&self.server.path, secure, SystemTime::now()));
        let all = all.join("; ");
        (!all.is_empty()).then(|| HeaderValue::try_from(all).ok())?
    }

    pub(super) fn keep_cookies(&self, set: GetAll<'_, HeaderValue>, now: SystemTime) {
        let mut jar = self.client.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for header in set.iter().filter_map(|value| value.to_str().ok()) {
            jar.store(header, now);
        }
    }
}

/// Appends text to a query, percent-encoded (RFC 3986 §2.1).
pub(crate) fn percent_encode(query: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                query.push(byte.into());
            }
            // Writing to a string can't fail.
            _ => _ = write!(query, "%{byte:02X}"),
        }
    }
}

/// Shared by all sessions of a client.
pub(super) type Jar = Mutex<Cookies>;
