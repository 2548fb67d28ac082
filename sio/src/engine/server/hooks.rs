//! What an application decides about the requests of its clients, and is told of them.

use std::pin::Pin;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;

use super::RequestInfo;
use crate::engine::{Refusal, Sid};

/// The application's say in requests: who may open a session, under which id, and what the answers carry.
///
/// Each is asked after the checks of the protocol. They are called by the tasks of connections, so that none must block.
#[derive(Clone, Default)]
pub struct Hooks {
    allow_request: Option<AllowRequest>,
    generate_id: Option<GenerateId>,
    initial_headers: Option<Headers>,
    headers: Option<Headers>,
    connection_error: Option<OnConnectionError>,
}

type Deciding<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type AllowRequest = Arc<dyn Fn(Arc<RequestInfo>) -> Deciding<Result<(), String>> + Send + Sync>;
type GenerateId = Arc<dyn Fn(Arc<RequestInfo>) -> Deciding<Result<Sid, String>> + Send + Sync>;
type Headers = Arc<dyn Fn(&mut HeaderMap, &Parts) + Send + Sync>;
type OnConnectionError = Arc<dyn Fn(&ConnectionError) + Send + Sync>;

/// A request that was refused (rule 5).
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionError {
    /// Code and message as the client has seen them.
    pub refusal: Refusal,
    /// More about it, where the code alone does not tell.
    pub context: Option<ErrorContext>,
    /// The request.
    pub request: RequestInfo,
}

/// What exactly was wrong with a request (rule 5).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorContext {
    /// `Origin` holds characters that it can't.
    InvalidOrigin,
    /// The session is on another transport.
    TransportMismatch,
    /// The handshake does not fit the transport.
    TransportHandshakeError,
    /// The application has made no id, with its words, or one that is taken.
    IdGenerationError(String),
}

impl ErrorContext {
    /// The name that the reference server gives it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidOrigin => "INVALID_ORIGIN",
            Self::TransportMismatch => "TRANSPORT_MISMATCH",
            Self::TransportHandshakeError => "TRANSPORT_HANDSHAKE_ERROR",
            Self::IdGenerationError(_) => "ID_GENERATION_ERROR",
        }
    }
}

impl Hooks {
    /// Asks whether a session may be opened (rule 2). The words of an error go to the client, with code 4 (rule 3).
    pub fn allow_request<F, Fut>(&mut self, decide: F)
    where
        F: Fn(Arc<RequestInfo>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.allow_request = Some(Arc::new(move |request| Box::pin(decide(request))));
    }

    /// Asks for the id of a new session (rule 10). It is a secret that must not be guessed: at least 96 of its 120 bits should come
    /// from a cryptographic random number generator. An error, or an id that is taken, refuses the request with code 3.
    pub fn generate_id<F, Fut>(&mut self, generate: F)
    where
        F: Fn(Arc<RequestInfo>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Sid, String>> + Send + 'static,
    {
        self.generate_id = Some(Arc::new(move |request| Box::pin(generate(request))));
    }

    /// Changes the headers of the answer that opens a session: the first polling response, or the 101 of a WebSocket.
    pub fn initial_headers(
        &mut self,
        change: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static,
    ) {
        self.initial_headers = Some(Arc::new(change));
    }

    /// Changes the headers of every answer that is no refusal, also of that which opens a session.
    pub fn headers(&mut self, change: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) {
        self.headers = Some(Arc::new(change));
    }

    /// Is told of each request that was refused (rule 5).
    pub fn on_connection_error(
        &mut self,
        report: impl Fn(&ConnectionError) + Send + Sync + 'static,
    ) {
        self.connection_error = Some(Arc::new(report));
    }

    pub(super) async fn is_allowed(&self, request: &Arc<RequestInfo>) -> Result<(), String> {
        match &self.allow_request {
            Some(decide) => decide(request.clone()).await,
            None => Ok(()),
        }
    }

    pub(super) async fn new_sid(&self, request: &Arc<RequestInfo>) -> Result<Sid, String> {
        match &self.generate_id {
            Some(generate) => generate(request.clone()).await,
            None => Ok(Sid::from_random(rand::random())),
        }
    }

    /// Does anybody want to see the head of a request when it is answered?
    pub(super) const fn wants_head(&self, is_initial: bool) -> bool {
        self.headers.is_some() || (is_initial && self.initial_headers.is_some())
    }

    pub(super) fn change_headers(&self, headers: &mut HeaderMap, head: &Parts, is_initial: bool) {
        let initial = self.initial_headers.as_ref().filter(|_| is_initial);
        for change in initial.into_iter().chain(&self.headers) {
            change(headers, head);
        }
    }

    pub(super) const fn hears_errors(&self) -> bool {
        self.connection_error.is_some()
    }

    pub(super) fn report(&self, error: &ConnectionError) {
        if let Some(report) = &self.connection_error {
            report(error);
        }
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("allow_request", &self.allow_request.is_some())
            .field("generate_id", &self.generate_id.is_some())
            .field("initial_headers", &self.initial_headers.is_some())
            .field("headers", &self.headers.is_some())
            .field("connection_error", &self.connection_error.is_some())
            .finish()
    }
}
