//! Joining a namespace (rules 24-26): CONNECT goes out, and the server lets the client in or refuses.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::state::Inner;
use super::{ConnectError, DisconnectReason, Handler, IntoReply, Listener, Socket};
use crate::emitter::Listeners;
use crate::handler;
use crate::handler::frame;
use crate::packet::encode;

type Payload = Pin<Box<dyn Future<Output = Result<Box<RawValue>, serde_json::Error>> + Send>>;

/// Where the auth payload comes from.
pub(super) struct Auth(Box<dyn Fn() -> Payload + Send + Sync>);

impl Auth {
    pub(super) fn new<F, Fut>(auth: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: Serialize> + Send + 'static,
    {
        Self(Box::new(move || {
            let payload = auth.clone()();
            Box::pin(async move { to_raw_value(&payload.await) })
        }))
    }

    async fn ask(&self) -> Result<Box<RawValue>, ConnectError> {
        let payload =
            (self.0)().await.map_err(|error| ConnectError::Auth(error.to_string().into()))?;
        // Rule 24: absent or an object; the server closes the connection for anything else.
        if payload.get().starts_with('{') {
            Ok(payload)
        } else {
            Err(ConnectError::Auth("it is no object".into()))
        }
    }
}

/// A namespace that is to be joined on a connection that is there already; made by [`Socket::namespace`].
#[must_use = "it does nothing until it connects"]
pub struct Join {
    connection: Arc<Connection>,
    namespace: String,
    auth: Option<Auth>,
    listeners: Listeners<Listener>,
}

impl Join {
    pub(super) const fn new(
        connection: Arc<Connection>,
        namespace: String,
        auth: Option<Auth>,
        listeners: Listeners<Listener>,
    ) -> Self {
        Self { connection, namespace, auth, listeners }
    }

    /// As [`Builder::auth`](super::Builder::auth).
    pub fn auth<F, Fut>(mut self, auth: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: Serialize> + Send + 'static,
    {
        self.auth = Some(Auth::new(auth));
        self
    }

    /// As [`Socket::on`], before the namespace is joined.
    pub fn on<A, R, H>(mut self, event: impl Into<Cow<'static, str>>, handler: H) -> Self
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        let (event, listener) = handler::named(event, handler);
        self.listeners.on(event, listener);
        self
    }

    /// Joins the namespace: returns once the server has let the client in.
    ///
    /// # Errors
    /// [`ConnectError`]; [`ConnectError::Refused`] if the server did not.
    pub async fn connect(self) -> Result<Socket, ConnectError> {
        let timeout = self.connection.config().timeout;
        tokio::time::timeout(timeout, self.connect_in_time())
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }

    pub(super) async fn connect_in_time(self) -> Result<Socket, ConnectError> {
        let Self { connection, mut namespace, auth, listeners } = self;
        if !namespace.starts_with('/') {
            namespace.insert(0, '/');
        }
        if namespace.contains(',') {
            return Err(ConnectError::Url("a namespace can't contain a comma"));
        }
        // From here on nobody else uses the connection unless this succeeds.
        let (told, joined) = oneshot::channel();
        let inner = Arc::new(Inner::new(connection.clone(), namespace.into(), listeners, told));
        connection.insert(&inner)?;
        let abandoned = LeaveOnDrop(Some(inner.clone()));
        let payload = match &auth {
            Some(auth) => Some(auth.ask().await?),
            None => None,
        };
        let parser = connection.config().parser.as_deref();
        let request = frame(parser, |out| {
            encode::connect(out, inner.namespace(), payload.as_deref()).map(|()| Vec::new())
        })
        .map_err(|error| ConnectError::Auth(error.to_string().into()))?;
        if let Err(error) = connection.send_all(&request) {
            return Err(match error {
                crate::engine::SendError::Closed => {
                    ConnectError::Disconnected(DisconnectReason::TransportClose)
                }
                error => ConnectError::Auth(error.to_string().into()),
            });
        }
        joined
            .await
            .unwrap_or(Err(ConnectError::Disconnected(DisconnectReason::TransportClose)))?;
        abandoned.keep();
        Ok(Socket::new(inner))
    }
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// Leaves the namespace again if nobody waits for it any more.
struct LeaveOnDrop(Option<Arc<Inner>>);

impl LeaveOnDrop {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for LeaveOnDrop {
    fn drop(&mut self) {
        if let Some(inner) = &self.0 {
            inner.disconnect();
        }
    }
}
