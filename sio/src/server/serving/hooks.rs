//! The application's say in HTTP requests: who may open a session, and what the answers carry.

use std::fmt::Display;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;

use crate::engine::Sid;
use crate::engine::server::{ConnectionError, RequestInfo};
use crate::server::Io;

impl Io {
    /// Asks whether a client may open a session, before anything of Socket.IO is spoken. An error refuses it with code 4 and these
    /// words, which the client sees; see `on_connection_error` for who was refused.
    ///
    /// ```
    /// # let io = sio::Io::new();
    /// io.allow_request(async |request| match request.headers().get("x-api-key") {
    ///     Some(_) => Ok(()),
    ///     None => Err("who are you?"),
    /// });
    /// ```
    pub fn allow_request<F, Fut, E>(&self, decide: F)
    where
        F: Fn(Arc<RequestInfo>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let decide = move |request| {
            let decided = decide(request);
            async move { decided.await.map_err(|error| error.to_string()) }
        };
        self.engine().set_hooks(|hooks| hooks.allow_request(decide));
    }

    /// Makes the ids of sessions, which are secrets: see
    /// [`Hooks::generate_id`](crate::engine::server::Hooks::generate_id). Default: 15 random bytes. The ids of sockets, which users see,
    /// are others.
    pub fn generate_id<F, Fut, E>(&self, generate: F)
    where
        F: Fn(Arc<RequestInfo>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Sid, E>> + Send + 'static,
        E: Display,
    {
        let generate = move |request| {
            let generated = generate(request);
            async move { generated.await.map_err(|error| error.to_string()) }
        };
        self.engine().set_hooks(|hooks| hooks.generate_id(generate));
    }

    /// Changes the headers of the answer that opens a session.
    pub fn initial_headers(&self, change: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) {
        self.engine().set_hooks(|hooks| hooks.initial_headers(change));
    }

    /// Changes the headers of every answer that is no refusal.
    pub fn headers(&self, change: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) {
        self.engine().set_hooks(|hooks| hooks.headers(change));
    }

    /// Is told of each HTTP request that was refused, and why.
    pub fn on_connection_error(&self, report: impl Fn(&ConnectionError) + Send + Sync + 'static) {
        self.engine().set_hooks(|hooks| hooks.on_connection_error(report));
    }
}
