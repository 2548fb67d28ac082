//! What an application asks for before a namespace is joined: the same for a [`Builder`](crate::client::Builder) and a
//! [`Join`](crate::client::Join), whose methods these are; hence a macro.

/// The setters that a [`Builder`](crate::client::Builder) and a [`Join`] have in common.
macro_rules! asking {
    ($type:ident) => {
        /// What is wanted of the namespace.
        impl $type {
            /// Asks for the auth payload, an object, that goes to the namespace; it is called for each time that it is sent, so that
            /// a token may be a fresh one.
            pub fn auth<F, Fut>(self, auth: F) -> Self
            where
                F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
                Fut: Future<Output: Serialize> + Send + 'static,
            {
                self.try_auth(async move || Ok::<_, BoxError>(auth().await))
            }

            /// As [`auth`](Self::auth), where asking may fail: then the namespace is not joined this time, and tried for again as
            /// after a lost connection.
            pub fn try_auth<F, Fut, T, E>(mut self, auth: F) -> Self
            where
                F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
                Fut: Future<Output = Result<T, E>> + Send + 'static,
                T: Serialize,
                E: Into<BoxError>,
            {
                self.asks.auth = Some(Auth::serialize(auth));
                self
            }

            /// As [`Socket::on`], before there is a connection: no event is missed.
            pub fn on<A, R, H>(mut self, event: impl Into<Cow<'static, str>>, handler: H) -> Self
            where
                H: Handler<Socket, A>,
                H::Output: IntoReply<R>,
            {
                let (event, listener) = handler::named(event, handler);
                self.asks.listeners.on(event, listener);
                self
            }

            /// As [`Socket::event`], before there is a connection: what its `on` or `once` gives goes on being built.
            pub fn event<E: TypedEvent>(self, _event: E) -> Typed<Self, E> {
                Typed::new(self)
            }

            /// As [`Socket::on_any`], before there is a connection.
            pub fn on_any<A, R, H>(mut self, handler: H) -> Self
            where
                H: Handler<Socket, A>,
                H::Output: IntoReply<R>,
            {
                self.asks.listeners.on_any(handler::erase(For::Any, handler));
                self
            }

            /// As [`Socket::on_connect`], but called the first time, too.
            pub fn on_connect<A, R, H>(mut self, handler: H) -> Self
            where
                H: Handler<Socket, A>,
                H::Output: IntoReply<R>,
            {
                let listener = handler::erase(For::Name("connect".into()), handler);
                self.asks.on_connect.push(listener);
                self
            }

            /// As [`Socket::on_disconnect`].
            pub fn on_disconnect<A, R, H>(mut self, handler: H) -> Self
            where
                H: Handler<Socket, A>,
                H::Output: IntoReply<R>,
            {
                let listener = handler::erase(For::Name("disconnect".into()), handler);
                self.asks.on_disconnect.push(listener);
                self
            }

            /// Keeps all events that no handler takes for [`Socket::next`], from the beginning. Who asks for that must call `next`:
            /// the connection is not read while too many wait.
            pub const fn keep_events(mut self) -> Self {
                self.asks.keep_events = true;
                self
            }
        }

        impl Listens for $type {
            type Socket = Socket;
            type Listened = Self;

            fn on_named(mut self, event: &'static str, listener: Listener) -> Self {
                self.asks.listeners.on(event, listener);
                self
            }

            fn once_named(mut self, event: &'static str, listener: Listener) -> Self {
                self.asks.listeners.once(event, listener);
                self
            }
        }
    };
}
pub(in crate::client) use asking;
