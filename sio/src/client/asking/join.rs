//! Another namespace, on a connection that is there.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::oneshot;

use super::provider::{Auth, BoxError};
use super::setters::asking;
use crate::client::manager::Manager;
use crate::client::socket::inner::Inner;
use crate::client::socket::pull::Pull;
use crate::client::{ConnectError, DisconnectReason, Handler, IntoReply, Listener, Socket};
use crate::emitter::Listeners;
use crate::handler::{self, For, Listens, Typed, TypedEvent};

/// A namespace that is to be joined; made by [`Socket::namespace`].
#[derive(Clone)]
#[must_use = "it does nothing until it connects"]
pub struct Join {
    manager: Arc<Manager>,
    namespace: String,
    pub(in crate::client) asks: Asks,
}

/// What an application asks for in a namespace, whoever joins it.
#[derive(Clone, Default)]
pub(in crate::client) struct Asks {
    pub(in crate::client) auth: Option<Auth>,
    pub(in crate::client) listeners: Listeners<Listener>,
    pub(in crate::client) on_connect: Vec<Listener>,
    pub(in crate::client) on_disconnect: Vec<Listener>,
    pub(in crate::client) keep_events: bool,
}

impl Join {
    pub(in crate::client) fn new(manager: Arc<Manager>, namespace: String) -> Self {
        Self { manager, namespace, asks: Asks::default() }
    }

    /// Opens a connection of its own, with the same settings, instead of sharing the one there is.
    pub fn force_new(mut self) -> Self {
        self.manager = Manager::new(self.manager.settings().clone(), self.manager.engine().clone());
        self
    }

    /// Joins the namespace: returns once the server has let the client in. If the connection is lost just now, it waits for the next.
    ///
    /// # Errors
    /// [`ConnectError`]; [`ConnectError::Refused`] if the server did not.
    pub async fn connect(self) -> Result<Socket, ConnectError> {
        let Self { manager, namespace, asks } = self;
        join(&manager, namespace, asks).await
    }
}

asking!(Join);

/// Joins, and waits for the answer.
pub(in crate::client) async fn join(
    manager: &Arc<Manager>,
    namespace: String,
    asks: Asks,
) -> Result<Socket, ConnectError> {
    let (told, joined) = oneshot::channel();
    let time = manager.config().timeout;
    let socket = enter(manager, namespace, asks, Some(told))?;
    let first = manager.start();
    let answered = async {
        let gone = Err(ConnectError::Disconnected(DisconnectReason::TransportClose));
        joined.await.unwrap_or(gone)
    };
    match first {
        // Each try has its own deadline, and who wants many waits for them.
        Some(opened) => {
            if let Ok(Err(error)) = opened.await {
                return Err(error);
            }
            answered.await?;
        }
        None => tokio::time::timeout(time, answered).await.unwrap_or(Err(ConnectError::Timeout))?,
    }
    Ok(socket)
}

/// A socket that is joined as soon as there is a connection.
pub(in crate::client) fn enter(
    manager: &Arc<Manager>,
    mut namespace: String,
    asks: Asks,
    told: Option<oneshot::Sender<Result<(), ConnectError>>>,
) -> Result<Socket, ConnectError> {
    if !namespace.starts_with('/') {
        namespace.insert(0, '/');
    }
    // Rule 22: a comma ends the namespace on the wire.
    if namespace.contains(',') {
        return Err(ConnectError::Url("a namespace can't contain a comma"));
    }
    let Asks { auth, listeners, on_connect, on_disconnect, keep_events } = asks;
    let inner = Inner::new(manager.clone(), namespace.into(), auth, listeners, on_connect, told);
    {
        let mut core = inner.core();
        core.inbox.on_disconnect = on_disconnect;
        core.pull = keep_events.then(|| Box::new(Pull::default()));
    }
    let inner = Arc::new(inner);
    if let Some((session, handle)) = manager.insert(&inner)? {
        inner.begin_joining(session, &handle, std::time::Duration::ZERO);
    }
    Ok(Socket::new(inner))
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
