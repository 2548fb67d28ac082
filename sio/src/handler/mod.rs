//! Handlers: async closures over extractors, and what makes them all one type.
//!
//! The same for the sockets of a server and of a client: whatever depends on the kind of socket is behind [`Party`],
//! [`Replies`] and `Endpoint`, which both implement. `inbox` is what waits for a socket, `endpoint` calls its handlers, `answer` waits
//! for acks, `reading` is the connection below, `verbs` the methods that both have, `typed` events that both agree on. Pure: time comes in, and tasks are
//! spawned by whoever implements `Endpoint`.

mod answer;
mod endpoint;
mod error;
mod extract;
mod framing;
mod hooks;
mod how;
mod inbox;
mod reading;
mod reply;
mod typed;
mod verbs;

use std::any::Any;
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;

pub use self::answer::Answer;
pub(crate) use self::answer::{Pending, register};
pub(crate) use self::endpoint::{Endpoint, poll_once, send_event};
pub use self::error::{EmitError, HandlerError};
pub use self::extract::{AckSender, Call, Data, Event, Extract, Rejection};
pub(crate) use self::framing::{Frames, frame, frame_encoded};
pub use self::hooks::{EventMiddleware, Pass};
pub(crate) use self::hooks::{Guard, OutgoingHook, erase_guard, show_outgoing, show_packet};
pub(crate) use self::how::How;
pub(crate) use self::inbox::{Bounds, Ending, Inbox};
pub(crate) use self::reading::{Overdue, Reading};
pub use self::reply::{IntoReply, Responder};
pub use self::typed::{Answers, Emits, Fits, Listens, Typed, TypedEvent};
pub(crate) use self::verbs::verbs;
use crate::packet::EncodeError;

/// A kind of socket whose events are handled.
pub trait Party: Clone + Send + Sync + 'static {
    /// Why such a socket was disconnected.
    type Reason: Copy + Send;

    /// Where answers to this socket's peer go.
    fn replies(&self) -> Arc<dyn Replies>;
}

/// Takes the answers and errors of handlers.
pub trait Replies: Send + Sync {
    /// Sends the packet that `encode` appends to the buffer, with the attachments that it returns. It is given the namespace.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    fn send_encoded(self: Arc<Self>, encode: Encode<'_>) -> Result<(), EmitError>;

    /// The handler of this event has failed.
    fn report(self: Arc<Self>, event: &str, error: &HandlerError);
}

/// Appends a packet of this namespace to a buffer and returns its attachments.
pub type Encode<'a> = &'a mut dyn FnMut(&mut String, &str) -> Result<Vec<Bytes>, EncodeError>;

/// What may be registered for an event, a connection or a disconnection: any async function or closure with up to eight
/// parameters that are [`Extract`], in any order.
///
/// It is cloned for each call, so that what it captures (an `Arc`, usually) may be moved into its future. `A` is the tuple
/// of the parameters and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no Socket.IO handler",
    note = "a handler is an async closure that is `Clone + Send + Sync + 'static`, takes extractors (`Socket`, `Data<T>`, `AckSender` …) and whose future is `Send`"
)]
pub trait Handler<S: Party, A>: Send + Sync + 'static {
    /// What its future gives.
    type Output;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Takes the parameters out of the call and makes the future.
    ///
    /// # Errors
    /// [`Rejection`] if a parameter can't be had.
    fn call(&self, call: &mut Call<'_, S>) -> Result<Self::Future, Rejection>;
}

macro_rules! handler {
    ($($parameter:ident)*) => {
        impl<S, F, Fut, $($parameter),*> Handler<S, ($($parameter,)*)> for F
        where
            S: Party,
            F: FnOnce($($parameter),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($parameter: Extract<S>,)*
        {
            type Output = Fut::Output;
            type Future = Fut;

            #[allow(non_snake_case, unused_variables)]
            fn call(&self, call: &mut Call<'_, S>) -> Result<Fut, Rejection> {
                $(let $parameter = $parameter::extract(call)?;)*
                Ok(self.clone()($($parameter),*))
            }
        }
    };
}

handler! {}
handler! { P1 }
handler! { P1 P2 }
handler! { P1 P2 P3 }
handler! { P1 P2 P3 P4 }
handler! { P1 P2 P3 P4 P5 }
handler! { P1 P2 P3 P4 P5 P6 }
handler! { P1 P2 P3 P4 P5 P6 P7 }
handler! { P1 P2 P3 P4 P5 P6 P7 P8 }

/// A handler's whole work: the call, its answer and its errors. It never panics.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handler of any type. `None` if it could not be called, which it has reported.
pub(crate) type Listener<S> = Arc<dyn Fn(&mut Call<'_, S>) -> Option<Work> + Send + Sync>;

/// Which events a listener is for.
pub(crate) enum For {
    /// Those of this name; what the first such listener returns is the answer.
    Name(Cow<'static, str>),
    /// All; answers only by an `AckSender`, so that a logger does not answer what nobody handles.
    Any,
}

/// A listener for an event, with its name.
pub(crate) fn named<S, A, R, H>(
    event: impl Into<Cow<'static, str>>,
    handler: H,
) -> (Cow<'static, str>, Listener<S>)
where
    S: Party,
    H: Handler<S, A>,
    H::Output: IntoReply<R>,
{
    let event = event.into();
    (event.clone(), erase(For::Name(event), handler))
}

pub(crate) fn erase<S, A, R, H>(what: For, handler: H) -> Listener<S>
where
    S: Party,
    H: Handler<S, A>,
    H::Output: IntoReply<R>,
{
    Arc::new(move |call: &mut Call<'_, S>| {
        let called = caught(AssertUnwindSafe(|| handler.call(call)));
        let mut responder = match &what {
            For::Name(name) => call.responder(name.clone(), true),
            For::Any => call.responder(Cow::Owned(call.event().to_owned()), false),
        };
        match called {
            Ok(Ok(future)) => Some(Box::pin(async move {
                // The answer's `Serialize` is the user's, too.
                let answered = async { future.await.into_reply(&mut responder) };
                if let Err(message) = guard(answered).await {
                    responder.fail(&HandlerError::Panicked(message));
                }
            })),
            Ok(Err(rejection)) => {
                responder.fail(&HandlerError::Rejected(rejection));
                None
            }
            Err(message) => {
                responder.fail(&HandlerError::Panicked(message));
                None
            }
        }
    })
}

/// Who wants to know of errors in handlers: the socket, the event's name, the error.
pub(crate) type OnError<S> = Arc<dyn Fn(&S, &str, &HandlerError) + Send + Sync>;

/// A handler of this event has failed: that is logged, and told to who wants to know.
pub(crate) fn report<S: Endpoint>(
    on_error: Option<OnError<S>>,
    socket: &S,
    event: &str,
    error: &HandlerError,
) {
    tracing::warn!(event, %error, ?socket, "a handler failed");
    let Some(on_error) = on_error else { return };
    if let Err(message) = caught(AssertUnwindSafe(|| on_error(socket, event, error))) {
        tracing::error!(%message, "the error handler panicked");
    }
}

/// Runs user code; gives the message of its panic.
pub(crate) fn caught<T>(code: impl FnOnce() -> T + UnwindSafe) -> Result<T, Box<str>> {
    catch_unwind(code).map_err(|panic| message(&*panic).into())
}

/// Runs a future of the user's; gives the message of its panic. A future that has panicked is not polled again.
pub(crate) async fn guard<F: Future>(future: F) -> Result<F::Output, Box<str>> {
    let mut future = pin!(future);
    poll_fn(|context| match caught(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(message) => Err(message).into(),
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
