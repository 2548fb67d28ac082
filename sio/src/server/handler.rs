//! Handlers: async closures over extractors, and what makes them all one type.

use std::any::Any;
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;

use super::{Call, Extract, HandlerError, IntoReply, Rejection};

/// What may be registered for an event, a connection or a disconnection: any async function or closure with up to eight
/// parameters that are [`Extract`], in any order.
///
/// It is cloned for each call, so that what it captures (an `Arc`, usually) may be moved into its future. `A` is the tuple
/// of the parameters and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no Socket.IO handler",
    note = "a handler is an async closure that is `Clone + Send + Sync + 'static`, takes extractors (`Socket`, `Data<T>`, `AckSender` …) and whose future is `Send`"
)]
pub trait Handler<A>: Send + Sync + 'static {
    /// What its future gives.
    type Output;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Takes the parameters out of the call and makes the future.
    ///
    /// # Errors
    /// [`Rejection`] if a parameter can't be had.
    fn call(&self, call: &mut Call<'_>) -> Result<Self::Future, Rejection>;
}

macro_rules! handler {
    ($($parameter:ident)*) => {
        impl<F, Fut, $($parameter),*> Handler<($($parameter,)*)> for F
        where
            F: FnOnce($($parameter),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($parameter: Extract,)*
        {
            type Output = Fut::Output;
            type Future = Fut;

            #[allow(non_snake_case, unused_variables)]
            fn call(&self, call: &mut Call<'_>) -> Result<Fut, Rejection> {
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
pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handler of any type. `None` if it could not be called, which it has reported.
pub(super) type Listener = Arc<dyn Fn(&mut Call<'_>) -> Option<Work> + Send + Sync>;

/// Which events a listener is for.
pub(super) enum For {
    /// Those of this name; what the first such listener returns is the answer.
    Name(Cow<'static, str>),
    /// All; answers only by an `AckSender`, so that a logger does not answer what nobody handles.
    Any,
}

pub(super) fn erase<A, R, H>(what: For, handler: H) -> Listener
where
    H: Handler<A>,
    H::Output: IntoReply<R>,
{
    Arc::new(move |call: &mut Call<'_>| {
        let called = caught(AssertUnwindSafe(|| handler.call(call)));
        let responder = match &what {
            For::Name(name) => call.responder(name.clone(), true),
            For::Any => call.responder(Cow::Owned(call.event().to_owned()), false),
        };
        match called {
            Ok(Ok(future)) => Some(Box::pin(async move {
                match guard(future).await {
                    Ok(output) => output.into_reply(responder),
                    Err(message) => responder.fail(HandlerError::Panicked(message)),
                }
            })),
            Ok(Err(rejection)) => {
                responder.fail(HandlerError::Rejected(rejection));
                None
            }
            Err(message) => {
                responder.fail(HandlerError::Panicked(message));
                None
            }
        }
    })
}

/// Runs user code; gives the message of its panic.
pub(super) fn caught<T>(code: impl FnOnce() -> T + UnwindSafe) -> Result<T, Box<str>> {
    catch_unwind(code).map_err(|panic| message(&*panic).into())
}

/// Runs a future of the user's; gives the message of its panic. A future that has panicked is not polled again.
pub(super) async fn guard<F: Future>(future: F) -> Result<F::Output, Box<str>> {
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
