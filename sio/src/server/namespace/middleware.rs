//! Who may enter a namespace: middleware runs before `on_connect` and may refuse.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::handler::{Handler, caught, guard};
use crate::server::{Call, Rejection, Socket};

/// The refusal of a namespace, sent to the client as CONNECT_ERROR (rule 26): `connect_error` fires there with this.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectError {
    /// What the client reads as the error's message.
    pub message: String,
    /// More about it; left out of the packet if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ConnectError {
    /// A refusal without data.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// The same refusal with data.
    #[must_use]
    pub fn with_data(self, data: impl Into<Value>) -> Self {
        Self { data: Some(data.into()), ..self }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConnectError {}

impl From<&str> for ConnectError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for ConnectError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// A [`Handler`] that lets a socket pass or refuses it: any async closure over extractors that returns
/// `Result<(), E>` with `E: Into<ConnectError>`.
pub trait Middleware<A>: Handler<Socket, A, Output = Result<(), Self::Refusal>> {
    /// What it refuses with.
    type Refusal: Into<ConnectError>;
}

impl<A, H, E> Middleware<A> for H
where
    H: Handler<Socket, A, Output = Result<(), E>>,
    E: Into<ConnectError>,
{
    type Refusal = E;
}

pub(in crate::server) type Verdict = Pin<Box<dyn Future<Output = Result<(), ConnectError>> + Send>>;

/// A middleware of any type.
pub(in crate::server) type AnyMiddleware =
    Arc<dyn Fn(&mut Call<'_>) -> Result<Verdict, ConnectError> + Send + Sync>;

pub(in crate::server) fn erase<A, M: Middleware<A>>(middleware: M) -> AnyMiddleware {
    Arc::new(move |call: &mut Call<'_>| {
        let called = caught(AssertUnwindSafe(|| middleware.call(call)));
        let future = called.map_err(panicked)?.map_err(rejected)?;
        let verdict = async { future.await.map_err(Into::into) };
        Ok(Box::pin(async move { guard(verdict).await.map_err(panicked)? }))
    })
}

/// The client learns nothing about the inside of the server.
fn panicked(message: Box<str>) -> ConnectError {
    tracing::error!(%message, "a middleware panicked");
    ConnectError::new("Internal error")
}

fn rejected(rejection: Rejection) -> ConnectError {
    tracing::debug!(%rejection, "a middleware could not be called");
    ConnectError::new(rejection.to_string())
}
