//! Who is asked and told when a client enters a namespace.

use std::sync::{Arc, PoisonError, RwLock};

use super::middleware::{self, AnyMiddleware};
use crate::handler::{self, For};
use crate::server::{Handler, IntoReply, Listener, Middleware, Socket};

/// The middleware and the `on_connect` handlers of a namespace, or of all children of a parent.
#[derive(Default)]
pub(in crate::server) struct Entrance {
    on_connect: RwLock<Arc<[Listener]>>,
    middleware: RwLock<Arc<[AnyMiddleware]>>,
}

impl Entrance {
    pub(in crate::server) fn add_handler<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        push(&self.on_connect, handler::erase(For::Name("connect".into()), handler));
    }

    pub(in crate::server) fn add_middleware<A, M: Middleware<A>>(&self, middleware: M) {
        push(&self.middleware, middleware::erase(middleware));
    }

    pub(in crate::server) fn on_connect(&self) -> Arc<[Listener]> {
        list(&self.on_connect)
    }

    pub(in crate::server) fn middleware(&self) -> Arc<[AnyMiddleware]> {
        list(&self.middleware)
    }
}

pub(in crate::server) fn list<T>(lock: &RwLock<Arc<[T]>>) -> Arc<[T]> {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(in crate::server) fn push<T: Clone>(lock: &RwLock<Arc<[T]>>, item: T) {
    let mut list = lock.write().unwrap_or_else(PoisonError::into_inner);
    *list = list.iter().cloned().chain([item]).collect();
}
