//! Joining a namespace (rules 24-26): CONNECT goes out, and the server lets the client in or refuses. Done anew in each session.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;
use ws::net::Wheel;

use super::inner::{Connected, Inner, Phase};
use crate::client::{Call, ConnectError, Socket};
use crate::engine::client::Handle;
use crate::handler::{Endpoint, frame};
use crate::packet::encode;

/// The payload of the server's CONNECT (rules 26 and 29).
#[derive(Deserialize)]
struct Granted {
    sid: Box<str>,
    pid: Option<Box<str>>,
}

impl Inner {
    /// Asks to be let in, after a delay, with a deadline.
    pub(in crate::client) fn begin_joining(
        self: &Arc<Self>,
        session: u64,
        handle: &Handle,
        delay: Duration,
    ) {
        let mut core = self.core();
        if !matches!(core.phase, Phase::Waiting(_)) {
            return;
        }
        let task = join(Arc::downgrade(self), session, handle.clone(), delay);
        let task = self.manager.runtime().spawn(task);
        core.join_with(task.abort_handle());
    }

    fn send_connect(&self, handle: &Handle, auth: Option<&RawValue>) -> Result<(), ConnectError> {
        let payload = self.core().recovery.payload(auth);
        let bad = |error: &dyn std::fmt::Display| ConnectError::Auth(error.to_string().into());
        let payload = payload.map(RawValue::from_string).transpose().map_err(|e| bad(&e))?;
        let parser = self.manager.config().parser.as_deref();
        let request = frame(parser, |out| {
            encode::connect(out, self.namespace(), payload.as_deref()).map(|()| Vec::new())
        })
        .map_err(|error| bad(&error))?;
        match handle.send_all(&request) {
            // The session's end is told to all its sockets.
            Ok(()) | Err(crate::engine::SendError::Closed) => Ok(()),
            Err(error) => Err(bad(&error)),
        }
    }

    /// The server has let the client in.
    pub(in crate::client) fn handle_connect(
        self: &Arc<Self>,
        session: u64,
        handle: &Handle,
        payload: &str,
    ) {
        let Ok(granted) = serde_json::from_str::<Granted>(payload) else {
            return self.handle_join_failure(ConnectError::OldServer);
        };
        let mut core = self.core();
        if !matches!(core.phase, Phase::Waiting(_)) {
            return;
        }
        let recovered = core.recovery.handle_connect(granted.pid);
        let connected =
            Connected { sid: granted.sid.into(), recovered, session, handle: handle.clone() };
        core.phase = Phase::Connected(Arc::new(connected));
        core.early_until = Some(Wheel::deadline(self.manager.config().early_events).into());
        let told = core.settle();
        let listeners = core.on_connect.clone();
        let socket = Socket::new(self.clone());
        // Rule 29: what was missed goes before all else that comes; what waits goes before all else that is sent.
        let begins = Self::release_missed(&mut core, socket.bounds());
        let unwanted = socket.flush(&mut core);
        drop(core);
        drop(unwanted);
        if let Some(told) = told {
            // Whoever waited may have given up.
            let _ = told.send(Ok(()));
        }
        if begins {
            socket.spawn(socket.clone().work(None));
        }
        for listener in &listeners {
            if let Some(work) = listener(&mut Call::connect(&socket)) {
                socket.spawn(work);
            }
        }
    }
}

/// A task that ends when the namespace has answered, and before if the socket has ended.
async fn join(socket: Weak<Inner>, session: u64, handle: Handle, delay: Duration) {
    sleep(delay).await;
    let Some(asked) = socket.upgrade().map(|inner| (inner.auth.clone(), inner.manager.clone()))
    else {
        return;
    };
    let (auth, manager) = asked;
    let timeout = manager.config().timeout;
    drop(manager);
    let sent = tokio::time::timeout(timeout, async {
        let payload = match auth {
            Some(auth) => Some(auth.payload().await?),
            None => None,
        };
        socket.upgrade().map_or(Ok(()), |inner| inner.send_connect(&handle, payload.as_deref()))
    });
    let failure = match sent.await {
        Ok(Ok(())) => {
            sleep(timeout).await;
            ConnectError::Timeout
        }
        Ok(Err(error)) => error,
        Err(_) => ConnectError::Timeout,
    };
    // Not if another session has begun meanwhile: that has aborted this.
    if let Some(inner) = socket.upgrade()
        && inner.manager.session().is_some_and(|(current, _)| current == session)
    {
        inner.handle_join_failure(failure);
    }
}
