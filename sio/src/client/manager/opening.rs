//! Opening sessions: one try, or one after the other until it goes well.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout};
use ws::net::Wheel;

use super::receiver::Receiver;
use super::state::Next;
use super::{Manager, ManagerEvent};
use crate::client::ConnectError;
use crate::client::asking::address::{Address, add_parameter};
use crate::engine::client::Server;

/// Connects again, from a task of its own, first at this time. Ends once there is a session, or no try is left.
pub(super) async fn keep_trying(manager: Arc<Manager>, mut at: Instant) {
    loop {
        let delay = at.saturating_duration_since(Wheel::now());
        manager.tell(ManagerEvent::ReconnectDelay(delay));
        sleep_until(at.into()).await;
        let attempt = manager.state().machine.handle_try();
        manager.tell(ManagerEvent::ReconnectAttempt(attempt));
        let error = match manager.open().await {
            Ok(_) => return manager.tell(ManagerEvent::Reconnect(attempt)),
            Err(error) => error,
        };
        manager.tell(ManagerEvent::ReconnectError(&error));
        match manager.handle_failure(&error) {
            Next::TryAt(next) => at = next,
            Next::GiveUp => return manager.give_up(),
        }
    }
}

impl Manager {
    /// Opens the first session in a task, unless one is there or on its way. Gives how it went.
    pub(in crate::client) fn start(
        self: &Arc<Self>,
    ) -> Option<oneshot::Receiver<Result<(), ConnectError>>> {
        let mut state = self.state();
        if !state.machine.handle_wanted() {
            return None;
        }
        let (told, went) = oneshot::channel();
        let manager = self.clone();
        let task = self.runtime.spawn(async move {
            let opened = manager.open_first().await;
            let failed = opened.is_err();
            // Nobody may wait for it.
            let _ = told.send(opened);
            if failed {
                manager.give_up();
            }
        });
        state.task = Some(task.abort_handle());
        Some(went)
    }

    async fn open_first(self: &Arc<Self>) -> Result<(), ConnectError> {
        loop {
            let error = match self.open().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            self.tell(ManagerEvent::ReconnectError(&error));
            match self.handle_failure(&error) {
                Next::TryAt(at) => sleep_until(at.into()).await,
                Next::GiveUp => return Err(error),
            }
            let attempt = self.state().machine.handle_try();
            self.tell(ManagerEvent::ReconnectAttempt(attempt));
        }
    }

    fn handle_failure(&self, error: &ConnectError) -> Next {
        let reconnection = &self.config().reconnection;
        let permanent = error.is_permanent();
        let (now, random) = (Wheel::now(), rand::random());
        self.state().machine.handle_failed(permanent, reconnection, now, random)
    }

    /// No try is left.
    fn give_up(&self) {
        self.tell(ManagerEvent::ReconnectFailed);
        for socket in self.sockets() {
            socket.give_up();
        }
    }

    /// One try: a session, and CONNECT for each namespace.
    async fn open(self: &Arc<Self>) -> Result<(), ConnectError> {
        let time = self.config().timeout;
        let (session, handle) =
            timeout(time, self.open_in_time()).await.unwrap_or(Err(ConnectError::Timeout))?;
        for socket in self.sockets() {
            socket.begin_joining(session, &handle, std::time::Duration::ZERO);
        }
        Ok(())
    }

    async fn open_in_time(
        self: &Arc<Self>,
    ) -> Result<(u64, crate::engine::client::Handle), ConnectError> {
        let server = self.server().await?;
        let mut opened = 0;
        let handle = self
            .engine
            .connect(server, |handle| {
                let mut state = self.state();
                state.session += 1;
                opened = state.session;
                state.machine.handle_opened(Wheel::now());
                state.handle = Some(handle.clone());
                // A task that has ended keeps its memory for as long as there is a handle of it.
                state.task = None;
                drop(state);
                let mut reading = self.reading();
                // Attachments that the last session owed never come.
                reading.handle_message(false, Wheel::now());
                if reading.is_paused() {
                    handle.pause_reading();
                }
                drop(reading);
                self.tell(ManagerEvent::Open);
                Receiver::new(self.clone(), opened, handle)
            })
            .await?;
        Ok((opened, handle))
    }

    /// Where to connect this time.
    async fn server(&self) -> Result<Server, ConnectError> {
        let provider = |error: Box<dyn std::error::Error + Send + Sync>| {
            ConnectError::Provider(error.to_string().into())
        };
        let mut server = self.settings.server.clone();
        if let Some(url) = &self.settings.url {
            let url = url.ask().await.map_err(provider)?;
            let address = Address::parse(&url).map_err(ConnectError::Url)?;
            server.base = address.base;
            server.query = address.query;
        }
        if let Some(headers) = &self.settings.headers {
            for (name, value) in &headers.ask().await.map_err(provider)? {
                server.headers.append(name, value.clone());
            }
        }
        for (name, value) in &self.settings.query {
            add_parameter(&mut server.query, name, value);
        }
        Ok(server)
    }
}
