//! Namespaces that are made when a client asks for them: by a pattern, or by what an async function says.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entrance::Entrance;
use crate::adapter::SocketId;
use crate::server::{EmitError, Handler, Handshake, IntoReply, Io, Middleware, Namespace, Socket};

/// All namespaces whose names a pattern or a function has let in. What is registered here is for the sockets of each.
///
/// A child is made when the first client asks for it, and gone with its last socket. Cheap to clone.
#[derive(Clone)]
pub struct Parent {
    io: Io,
    inner: Arc<Inner>,
}

pub(in crate::server) struct Inner {
    admits: Admits,
    pub(in crate::server) entrance: Arc<Entrance>,
}

/// A client asks for a namespace that does not exist.
#[derive(Debug, Clone)]
pub struct NamespaceRequest {
    name: Box<str>,
    handshake: Handshake,
}

enum Admits {
    Pattern(Pattern),
    Function(Box<dyn Fn(NamespaceRequest) -> Verdict + Send + Sync>),
}

type Verdict = Pin<Box<dyn Future<Output = bool> + Send>>;

impl Parent {
    pub(in crate::server) fn new(io: Io, inner: Arc<Inner>) -> Self {
        Self { io, inner }
    }

    /// See [`Namespace::on_connect`].
    pub fn on_connect<A, R, H>(&self, handler: H)
    where
        H: Handler<Socket, A>,
        H::Output: IntoReply<R>,
    {
        self.inner.entrance.add_handler(handler);
    }

    /// See [`Namespace::middleware`].
    pub fn middleware<A, M: Middleware<A>>(&self, middleware: M) {
        self.inner.entrance.add_middleware(middleware);
    }

    /// Its children, in no particular order.
    #[must_use]
    pub fn children(&self) -> Vec<Namespace> {
        self.io.children(&self.inner.entrance)
    }

    /// Sends an event to all sockets of all children.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub fn emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        self.children().iter().try_for_each(|child| child.emit(event, &data))
    }

    /// Sends an event to all sockets of all children when there is room; see
    /// [`Broadcast::emit_when_ready`](crate::server::Broadcast::emit_when_ready).
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub async fn emit_when_ready(
        &self,
        event: &str,
        data: impl Serialize,
    ) -> Result<(), EmitError> {
        let children: Vec<_> = self.children().iter().map(Namespace::broadcast).collect();
        let waits = children.iter().map(|child| Box::pin(child.emit_when_ready(event, &data)));
        all(waits.collect()).await.map(drop)
    }

    /// The same, but gives up after `time`. Gives those that had no room until then and have not got it.
    ///
    /// # Errors
    /// [`EmitError::Encode`] only.
    pub async fn emit_within(
        &self,
        time: Duration,
        event: &str,
        data: impl Serialize,
    ) -> Result<Vec<SocketId>, EmitError> {
        let children: Vec<_> = self.children().iter().map(Namespace::broadcast).collect();
        let waits = children.iter().map(|child| Box::pin(child.emit_within(time, event, &data)));
        Ok(all(waits.collect()).await?.into_iter().flatten().collect())
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parent").field("children", &self.children()).finish_non_exhaustive()
    }
}

impl NamespaceRequest {
    pub(in crate::server) fn new(name: &str, handshake: Handshake) -> Self {
        Self { name: name.into(), handshake }
    }

    /// The name, with the leading slash.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the client said when it connected.
    #[must_use]
    pub const fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// Reads the auth payload; `null` if the client sent none.
    ///
    /// # Errors
    /// Those of `T`.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.handshake.auth()
    }
}

impl Inner {
    pub(in crate::server) fn of_pattern(pattern: &str) -> Self {
        Self { admits: Admits::Pattern(Pattern::new(pattern)), entrance: Arc::default() }
    }

    pub(in crate::server) fn of_function<F, Fut>(admits: F) -> Self
    where
        F: Fn(NamespaceRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let admits = Box::new(move |request| Box::pin(admits(request)) as Verdict);
        Self { admits: Admits::Function(admits), entrance: Arc::default() }
    }

    pub(in crate::server) async fn admits(&self, request: &NamespaceRequest) -> bool {
        match &self.admits {
            Admits::Pattern(pattern) => pattern.matches(&request.name),
            Admits::Function(admits) => {
                let verdict = async { admits(request.clone()).await };
                crate::handler::guard(verdict).await.unwrap_or_else(|message| {
                    tracing::error!(%message, "a function that admits namespaces panicked");
                    false
                })
            }
        }
    }
}

/// Waits for all of them at the same time: those of one child need not wait for those of another.
async fn all<T, F>(mut waits: Vec<Pin<Box<F>>>) -> Result<Vec<T>, EmitError>
where
    F: Future<Output = Result<T, EmitError>>,
{
    let mut done = Vec::new();
    poll_fn(|context| {
        let mut failed = None;
        waits.retain_mut(|wait| match wait.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(Ok(one)) => {
                done.push(one);
                false
            }
            Poll::Ready(Err(error)) => {
                failed = Some(error);
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if waits.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await?;
    Ok(done)
}

/// A name in which `*` stands for one or more characters other than `/`.
struct Pattern(Box<[Box<str>]>);

impl Pattern {
    fn new(pattern: &str) -> Self {
        let slash = if pattern.starts_with('/') { "" } else { "/" };
        Self(format!("{slash}{pattern}").split('*').map(Into::into).collect())
    }

    /// Linear: each part is looked for behind the one before, as early as it goes, and the last one at the end.
    fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = &*self.0 else {
            return self.0.first().is_some_and(|whole| **whole == *name);
        };
        let Some(mut rest) = name.strip_prefix(&**first) else { return false };
        let gap = |rest: &str, end: usize| end > 0 && !rest[..end].contains('/');
        for part in middle {
            // At least one character is for the star before.
            let from = rest.chars().next().map_or(0, char::len_utf8);
            let Some(at) = rest[from..].find(&**part).map(|at| at + from) else { return false };
            if !gap(rest, at) {
                return false;
            }
            rest = &rest[at + part.len()..];
        }
        rest.strip_suffix(&**last).is_some_and(|star| gap(rest, star.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_is_one_or_more_characters_but_no_slash() {
        for (pattern, name, matches) in [
            ("/chat", "/chat", true),
            ("chat", "/chat", true),
            ("/chat", "/chats", false),
            ("/tenant-*", "/tenant-1", true),
            ("/tenant-*", "/tenant-", false),
            ("/tenant-*", "/tenant-1/x", false),
            ("/*/admin", "/a/admin", true),
            ("/*/admin", "/a/b/admin", false),
            ("/*/admin", "//admin", false),
            ("/*-*", "/a-b", true),
            ("/*-*", "/a-b-c", true),
            ("/*-*", "/-b", false),
            ("/*-*", "/ab", false),
            ("/*-*-x", "/a-b-x", true),
            ("/*-*-x", "/a-x", false),
            ("/é*é", "/éàé", true),
            ("/*", "/", false),
            ("/*", "/anything", true),
            ("*", "/anything", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), matches, "{pattern} {name}");
        }
    }
}
