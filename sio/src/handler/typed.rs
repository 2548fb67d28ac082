//! Events with types of their own, which server and client share: the compiler holds both ends to them.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::reply::{ByError, ByValue};
use super::{Data, EmitError, For, IntoReply, Listener, Party, erase};

/// An event that server and client agree on: its name, what it carries, and how it is answered. [`events!`](crate::events) writes it.
///
/// A socket's `event` gives what can be done with it. Names and types stand in one place then, and neither end can be mistaken about
/// them:
///
/// ```
/// sio::events! {
///     /// Somebody says something.
///     pub ChatMessage = "chat message": String;
///     /// What is the sum of these two?
///     pub Add = "add": (i64, i64) => i64;
/// }
///
/// # fn server(io: sio::Io) {
/// io.on_connect(async |socket: sio::server::Socket| {
///     socket.event(Add).on(async |_, (a, b)| a + b);
///     socket.event(ChatMessage).on(async |socket, text| socket.broadcast().event(ChatMessage).emit(text));
/// });
/// # }
/// # async fn client() -> Result<(), Box<dyn std::error::Error>> {
/// let socket = sio::Client::builder("http://127.0.0.1:3000")
///     .event(ChatMessage).on(async |_, text| tracing::info!(text))
///     .connect()
///     .await?;
/// socket.event(ChatMessage).emit("hello")?;
/// let sum = socket.event(Add).emit_with_ack((2, 3)).await?;
/// # Ok(())
/// # }
/// ```
///
/// This does not compile: the answer is a number, and so are the arguments.
///
/// ```compile_fail
/// # sio::events! { Add = "add": (i64, i64) => i64; }
/// # async fn client(socket: sio::client::Socket) {
/// let sum: String = socket.event(Add).emit_with_ack((2, "three")).await.unwrap();
/// # }
/// ```
///
/// On the wire nothing is different. Who sends other data than what was agreed on is still told of by `on_error`.
pub trait TypedEvent {
    /// The event's name.
    const NAME: &'static str;
    /// What it carries: a tuple is several arguments, `()` none, any other type one.
    type Args: Serialize + DeserializeOwned + Send + 'static;
    /// What answers it, likewise; `()` if nothing has to be said.
    type Ack: Serialize + DeserializeOwned + Send + 'static;
}

/// Declares [typed events](trait@crate::TypedEvent): `Name = "its name": arguments => answer;`, where `=> answer` may be left out.
#[macro_export]
macro_rules! events {
    ($(
        $(#[$about:meta])*
        $visibility:vis $event:ident = $name:literal: $args:ty $(=> $ack:ty)?;
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy)]
        $visibility struct $event;

        impl $crate::TypedEvent for $event {
            const NAME: &'static str = $name;
            type Args = $args;
            // Without an answer these are the parentheses of `()`.
            type Ack = ($($ack)?);
        }
    )*};
}

/// What may be sent where a `T` is agreed on: itself, or what serialises the same without being owned.
#[diagnostic::on_unimplemented(message = "this event carries `{T}`, not `{Self}`")]
pub trait Fits<T>: Serialize {}

impl<T: Serialize> Fits<T> for T {}
impl<T: Serialize> Fits<T> for &T {}
impl Fits<String> for &str {}
impl<T: Serialize> Fits<Vec<T>> for &[T] {}

/// What a handler may return where `T` is the answer: itself, or a `Result` of it. See [`IntoReply`].
#[diagnostic::on_unimplemented(message = "this event is answered with `{T}`, not `{Self}`")]
pub trait Answers<T, M>: IntoReply<M> {}

impl<T: Serialize> Answers<T, ByValue> for T {}
impl<T: Serialize, E: Serialize> Answers<T, ByValue> for Result<T, E> {}
impl<T: Serialize, E: std::error::Error> Answers<T, ByError> for Result<T, E> {}

/// Whatever sends events: sockets, their operators, broadcasts.
pub trait Emits {
    /// What gives the answers.
    type Answer<T: Send + 'static>;

    /// As `emit` of the same type.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    fn emit_named(&self, event: &str, data: impl Serialize) -> Result<(), EmitError>;

    /// As `emit_with_ack` of the same type.
    fn ask_named<T>(&self, event: &str, data: impl Serialize) -> Self::Answer<T>
    where
        T: DeserializeOwned + Send + 'static;
}

/// Whatever takes handlers of events: sockets, and clients that are not connected yet.
pub trait Listens {
    /// The kind of socket whose events they are.
    type Socket: Party;
    /// What tells a handler from others, or whatever goes on being built.
    type Listened;

    /// As `on` of the same type.
    fn on_named(self, event: &'static str, listener: Listener<Self::Socket>) -> Self::Listened;

    /// The same for the next event only.
    fn once_named(self, event: &'static str, listener: Listener<Self::Socket>) -> Self::Listened;
}

/// One [`TypedEvent`] of a socket, a broadcast, or a client to be; made by `event`.
#[derive(Clone, Copy)]
#[must_use = "this only says which event is meant"]
pub struct Typed<T, E> {
    to: T,
    event: PhantomData<fn() -> E>,
}

impl<T, E: TypedEvent> Typed<T, E> {
    pub(crate) const fn new(to: T) -> Self {
        Self { to, event: PhantomData }
    }
}

impl<T: Emits, E: TypedEvent> Typed<T, E> {
    /// Sends the event, as `emit` does.
    ///
    /// # Errors
    /// [`EmitError`]; nothing was sent then.
    pub fn emit(&self, args: impl Fits<E::Args>) -> Result<(), EmitError> {
        self.to.emit_named(E::NAME, args)
    }

    /// Sends the event and gives the answer, as `emit_with_ack` does.
    pub fn emit_with_ack(&self, args: impl Fits<E::Args>) -> T::Answer<E::Ack> {
        self.to.ask_named(E::NAME, args)
    }
}

impl<T: Listens, E: TypedEvent> Typed<T, E> {
    /// Calls the handler, an async closure of the socket and what the event carries, for each such event, as `on` does. What it
    /// returns is the answer.
    pub fn on<F, Fut, M>(self, handler: F) -> T::Listened
    where
        F: FnOnce(T::Socket, E::Args) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: Answers<E::Ack, M>> + Send + 'static,
        T::Socket: super::Extract<T::Socket>,
    {
        self.to.on_named(E::NAME, listener::<T, E, F, Fut, M>(handler))
    }

    /// As [`on`](Self::on), for the next such event only.
    pub fn once<F, Fut, M>(self, handler: F) -> T::Listened
    where
        F: FnOnce(T::Socket, E::Args) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output: Answers<E::Ack, M>> + Send + 'static,
        T::Socket: super::Extract<T::Socket>,
    {
        self.to.once_named(E::NAME, listener::<T, E, F, Fut, M>(handler))
    }
}

fn listener<T: Listens, E: TypedEvent, F, Fut, M>(handler: F) -> Listener<T::Socket>
where
    F: FnOnce(T::Socket, E::Args) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output: Answers<E::Ack, M>> + Send + 'static,
    T::Socket: super::Extract<T::Socket>,
{
    let handler = move |socket: T::Socket, Data(args): Data<E::Args>| handler(socket, args);
    erase(For::Name(E::NAME.into()), handler)
}

impl<T, E: TypedEvent> fmt::Debug for Typed<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typed").field(&E::NAME).finish()
    }
}
