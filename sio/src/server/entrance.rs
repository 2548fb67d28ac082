//! Who is asked and told when a client enters a namespace.

use std::sync::{Arc, PoisonError, RwLock};

use super::middleware::{self, AnyMiddleware};
use super::{Handler, IntoReply, Listener, Middleware, Socket};
use crate::handler::{self, For};

/// The middleware and the `on_connect` handlers of a namespace, or of all children of a parent.
#[derive(Default)]
pub(super) struct Entrance {
    on_connect: RwLock<Arc<[Listener]>>,
    middleware: RwLock<Arc<[AnyMiddleware]>>,
}

impl Entrance {
    pub(super) fn add_handler<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        push(&self.on_connect, handler::erase(For::Name("connect".into()), handler));
    }

    pub(super) fn add_middleware<A, M: Middleware<A>>(&self, middleware: M) {
        push(&self.middleware, middleware::erase(middleware));
    }

    pub(super) fn on_connect(&self) -> Arc<[Listener]> {
        list(&self.on_connect)
    }

    pub(super) fn middleware(&self) -> Arc<[AnyMiddleware]> {
        list(&self.middleware)
    }
}

pub(super) fn list<T>(lock: &RwLock<Arc<[T]>>) -> Arc<[T]> {
    lock.read().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(super) fn push<T: Clone>(lock: &RwLock<Arc<[T]>>, item: T) {
    let mut list = lock.write().unwrap_or_else(PoisonError::into_inner);
    *list = list.iter().cloned().chain([item]).collect();
}
