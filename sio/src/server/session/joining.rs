//! From a client's CONNECT to its first event: the namespace, recovery, middleware, the reply, `on_connect`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::client::{Client, NoSeat, Stay};
use super::connection::Violation;
use crate::adapter::SocketId;
use crate::handler::{Endpoint, poll_once};
use crate::packet::{Incoming, encode};
use crate::server::namespace::Inner as Namespace;
use crate::server::namespace::parent::NamespaceRequest;
use crate::server::recovery::identity::Identity;
use crate::server::socket::state::Inner;
use crate::server::{Call, ConnectError, DisconnectReason, Handshake, Socket};

/// Bytes of the name of a namespace that is made for a client. It is kept in several places, and the client chooses it.
const MAX_NAME: usize = 1024;

/// The server's CONNECT.
#[derive(Serialize)]
struct Grant<'a> {
    sid: SocketId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<&'a str>,
}

/// What a client that comes back adds to its auth payload (rule 29).
#[derive(Deserialize)]
struct Claim {
    pid: Option<Box<str>>,
    offset: Option<Box<str>>,
}

/// A client's CONNECT.
struct Request {
    name: Box<str>,
    number: u32,
    handshake: Handshake,
    /// The socket that was there before.
    before: Option<Arc<Inner>>,
    stay: Stay,
}

impl Client {
    /// The client asks for a namespace.
    pub(in crate::server) fn connect(
        self: &Arc<Self>,
        packet: &Incoming<'_>,
    ) -> Result<(), Violation> {
        let name = packet.namespace();
        let found = self.io.find(name);
        if found.is_none() && (!self.io.has_parents() || name.len() > MAX_NAME) {
            self.refuse(name, &ConnectError::new("Invalid namespace"));
            return Ok(());
        }
        let Some(stay) = self.begin_stay() else {
            self.refuse(name, &ConnectError::new("Too many namespaces"));
            return Ok(());
        };
        let (number, before) = match self.ask(name) {
            Ok(asked) => asked,
            Err(NoSeat::Taken) => {
                return Err(Violation::State("CONNECT for a namespace that is joined already"));
            }
            Err(NoSeat::TooMany) => {
                self.refuse(name, &ConnectError::new("Too many namespaces"));
                return Ok(());
            }
        };
        let auth = Some(packet.payload()).filter(|payload| !payload.is_empty());
        let handshake = Handshake::new(self.handle.request().clone(), auth);
        let request = Request { name: name.into(), number, handshake, before, stay };
        // As far as it goes without waiting.
        if let Some(rest) = poll_once(Box::pin(self.clone().join(request, found))) {
            self.runtime.spawn(rest);
        }
        Ok(())
    }

    async fn join(self: Arc<Self>, request: Request, found: Option<Arc<Namespace>>) {
        let Request { name, number, handshake, before, stay } = request;
        let namespace = match found {
            Some(namespace) => Some(namespace),
            None => self.io.adopt(NamespaceRequest::new(&name, handshake.clone())).await,
        };
        let Some(namespace) = namespace else {
            if self.stand_up(number) {
                self.refuse(&name, &ConnectError::new("Invalid namespace"));
            }
            return;
        };
        // What is on its way out for the socket that was here before must not reach the new one.
        while before.as_ref().is_some_and(|before| before.gate.is_busy()) {
            tokio::task::yield_now().await;
        }
        let socket = self.make_socket(namespace, handshake, stay).await;
        if self.sit(number, &socket) {
            socket.connect().await;
        } else {
            socket.give_up();
        }
    }

    /// A new socket, or one that comes back.
    async fn make_socket(
        self: &Arc<Self>,
        namespace: Arc<Namespace>,
        handshake: Handshake,
        stay: Stay,
    ) -> Socket {
        let mut id = SocketId::from_random(rand::random());
        let mut identity = None;
        if let Some(publisher) = &namespace.publisher {
            let mut back = None;
            if let Ok(Claim { pid: Some(pid), offset }) = handshake.auth::<Claim>() {
                // The connection before may be half dead and not known to be: it is over now.
                while let Some(live) = publisher.live(&pid) {
                    live.take_over();
                    tokio::task::yield_now().await;
                }
                back = publisher.claim(&pid, offset.as_deref());
            }
            identity = Some(match back {
                Some((old, resumed)) => {
                    id = old;
                    Box::new(resumed)
                }
                None => Box::new(Identity::fresh()),
            });
        }
        Socket::new(Arc::new(Inner::new(id, identity, namespace, self.clone(), handshake, stay)))
    }
}

impl Socket {
    /// Events wait until `on_connect` has returned, so that none arrives before its handler is there.
    async fn connect(self) {
        if self.enter().await {
            self.inner().client.greet();
            for listener in self.inner().namespace.on_connect().iter() {
                let work = listener(&mut Call::connect(&self));
                if let Some(work) = work {
                    work.await;
                }
            }
        }
        let bounds = self.bounds();
        let turns = self.with_inbox(|inbox| inbox.release(bounds));
        for _ in 1..turns {
            self.spawn(self.clone().work(None));
        }
        self.work(None).await;
    }

    /// Asks the middleware, and enters the namespace or refuses it.
    async fn enter(&self) -> bool {
        let inner = self.inner();
        let is_known = self.recovered()
            && self.io().config().recovery.as_ref().is_some_and(|kept| kept.skip_middlewares);
        let middleware = inner.namespace.middleware();
        for middleware in middleware.iter().filter(|_| !is_known) {
            let called = middleware(&mut Call::connect(self));
            let verdict = match called {
                Ok(verdict) => verdict.await,
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = verdict {
                self.end(DisconnectReason::ServerNamespaceDisconnect, None);
                inner.client.refuse(self.namespace_name(), &refusal);
                return false;
            }
        }
        let pid = inner.identity.as_ref().map(|identity| &*identity.private);
        let grant = Grant { sid: inner.id, pid };
        let reply =
            inner.client.frame(|out| encode::connect(out, self.namespace_name(), Some(&grant)));
        reply.is_some_and(|reply| inner.enter(&reply))
    }
}
