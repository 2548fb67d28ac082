//! What is asked for anew before each try: the URL, headers, the auth payload.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::client::ConnectError;
use crate::handler::guard;

/// An error of the application's own.
pub(in crate::client) type BoxError = Box<dyn Error + Send + Sync>;

type Asked<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// An async closure that gives a `T`.
pub(in crate::client) struct Provider<T>(Arc<dyn Fn() -> Asked<T> + Send + Sync>);

impl<T: 'static> Provider<T> {
    pub(in crate::client) fn new<F, Fut>(ask: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask.clone()())))
    }

    /// Asks; a panic is an error, too.
    pub(in crate::client) async fn ask(&self) -> Result<T, BoxError> {
        guard(async { (self.0)().await })
            .await
            .unwrap_or_else(|panic| Err(panic.into_string().into()))
    }
}

impl<T> Clone for Provider<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Provider<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

/// Where the auth payload comes from.
pub(in crate::client) type Auth = Provider<Box<RawValue>>;

impl Auth {
    pub(in crate::client) fn serialize<F, Fut, T, E>(ask: F) -> Self
    where
        F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Serialize,
        E: Into<BoxError>,
    {
        Self::new(move || async move {
            let payload = ask().await.map_err(Into::into)?;
            Ok(to_raw_value(&payload)?)
        })
    }

    /// The payload: rule 24 wants it to be an object, and a server closes the connection for anything else.
    pub(in crate::client) async fn payload(&self) -> Result<Box<RawValue>, ConnectError> {
        let payload = self.ask().await;
        let payload = payload.map_err(|error| ConnectError::Auth(error.to_string().into()))?;
        match payload.get().starts_with('{') {
            true => Ok(payload),
            false => Err(ConnectError::Auth("it is no object".into())),
        }
    }
}

/// Where the headers come from that are not always the same.
pub(in crate::client) type Headers = Provider<HeaderMap>;

/// Where the URL comes from, if not from the builder.
pub(in crate::client) type Url = Provider<String>;
