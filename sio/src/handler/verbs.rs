//! What an application does with a socket of either kind. The methods are those of each `Socket` itself, so that nobody has to
//! import a trait for them; hence a macro.

/// Gives the `Socket` of a module, an [`Endpoint`](super::Endpoint) around an `Arc`, its listeners, its `emit` and [`Sending`].
macro_rules! verbs {
    () => {
        /// Listeners.
        impl Socket {
            /// Calls the handler for every event of this name. Several handlers are called in the order of registration; what the
            /// first one returns is the answer to a peer that wants one.
            pub fn on<A, R, H>(
                &self,
                event: impl Into<std::borrow::Cow<'static, str>>,
                handler: H,
            ) -> $crate::emitter::ListenerId
            where
                H: Handler<Self, A>,
                H::Output: IntoReply<R>,
            {
                let (event, listener) = $crate::handler::named(event, handler);
                self.listen(|listeners| listeners.on(event, listener))
            }

            /// Calls the handler for the next event of this name only.
            pub fn once<A, R, H>(
                &self,
                event: impl Into<std::borrow::Cow<'static, str>>,
                handler: H,
            ) -> $crate::emitter::ListenerId
            where
                H: Handler<Self, A>,
                H::Output: IntoReply<R>,
            {
                let (event, listener) = $crate::handler::named(event, handler);
                self.listen(|listeners| listeners.once(event, listener))
            }

            /// Calls the handler for every event, after those of its name. It answers only by an
            /// [`AckSender`](super::AckSender), not by what it returns.
            pub fn on_any<A, R, H>(&self, handler: H) -> $crate::emitter::ListenerId
            where
                H: Handler<Self, A>,
                H::Output: IntoReply<R>,
            {
                let listener = $crate::handler::erase($crate::handler::For::Any, handler);
                self.listen(|listeners| listeners.on_any(listener))
            }

            /// Calls the handler for every event, before all others; otherwise as [`on_any`](Self::on_any).
            pub fn prepend_any<A, R, H>(&self, handler: H) -> $crate::emitter::ListenerId
            where
                H: Handler<Self, A>,
                H::Output: IntoReply<R>,
            {
                let listener = $crate::handler::erase($crate::handler::For::Any, handler);
                self.listen(|listeners| listeners.prepend_any(listener))
            }

            /// Shows every event that is emitted from now on to `listener`, before it is sent: its name and its arguments.
            pub fn on_any_outgoing(
                &self,
                listener: impl Fn(&str, $crate::packet::Arguments<'_>) + Send + Sync + 'static,
            ) -> $crate::emitter::ListenerId {
                self.listen_outgoing(
                    move |event, arguments| {
                        listener(event, arguments);
                        Ok(())
                    },
                    false,
                )
            }

            /// As [`on_any_outgoing`](Self::on_any_outgoing), before all others.
            pub fn prepend_any_outgoing(
                &self,
                listener: impl Fn(&str, $crate::packet::Arguments<'_>) + Send + Sync + 'static,
            ) -> $crate::emitter::ListenerId {
                self.listen_outgoing(
                    move |event, arguments| {
                        listener(event, arguments);
                        Ok(())
                    },
                    true,
                )
            }

            /// Lets every event that is emitted from now on pass through `middleware`, which may refuse it: `emit` fails with
            /// [`EmitError::Refused`] then, a broadcast leaves this socket out. It runs where the event is emitted, so it should be
            /// short.
            pub fn outgoing_middleware<E: std::fmt::Display>(
                &self,
                middleware: impl Fn(&str, $crate::packet::Arguments<'_>) -> Result<(), E>
                + Send
                + Sync
                + 'static,
            ) -> $crate::emitter::ListenerId {
                self.listen_outgoing(
                    move |event, arguments| {
                        middleware(event, arguments).map_err(|refusal| refusal.to_string().into())
                    },
                    false,
                )
            }

            /// Removes who is shown what is emitted. Returns whether it was there.
            pub fn remove_outgoing_listener(&self, id: $crate::emitter::ListenerId) -> bool {
                let removed = self.with_inbox(|inbox| inbox.outgoing().remove(id));
                removed.is_some()
            }

            fn listen_outgoing(
                &self,
                hook: impl Fn(&str, $crate::packet::Arguments<'_>) -> Result<(), Box<str>>
                + Send
                + Sync
                + 'static,
                first: bool,
            ) -> $crate::emitter::ListenerId {
                let hook: $crate::handler::OutgoingHook = std::sync::Arc::new(hook);
                let id = self.with_inbox(|inbox| match first {
                    true => inbox.outgoing().prepend_any(hook),
                    false => inbox.outgoing().on_any(hook),
                });
                self.handle_idle();
                id
            }

            /// Lets every event that comes from now on pass through `middleware` before its handlers: any async closure over
            /// extractors that returns `Result<(), E>`, or `Result<Pass, E>` with another event in place of the one that came
            /// ([`Pass`](crate::handler::Pass)). They run in the order of registration. A refusal goes to `on_error`, and is the answer if
            /// one was asked for: `{"error": "…"}`.
            pub fn event_middleware<A, M>(&self, middleware: M)
            where
                M: $crate::handler::EventMiddleware<Self, A>,
            {
                let guard = $crate::handler::erase_guard(middleware);
                self.with_inbox(|inbox| inbox.guard(guard));
                self.handle_idle();
            }

            /// Removes all handlers of this event. Returns whether there were any.
            pub fn off(&self, event: &str) -> bool {
                // Dropped without the lock: the closures may own anything.
                let removed = self.with_inbox(|inbox| inbox.listeners.off(event));
                !removed.is_empty()
            }

            /// Removes one handler. Returns whether it was there.
            pub fn remove_listener(&self, id: $crate::emitter::ListenerId) -> bool {
                let removed = self.with_inbox(|inbox| inbox.listeners.remove(id));
                removed.is_some()
            }
        }

        /// Sending.
        impl Socket {
            /// Sends an event: `data` is one argument, or several if it is a tuple (or [`Args`](crate::packet::Args)), or none if it
            /// is `()`. It is queued when this returns, in order with all that was sent before.
            ///
            /// # Errors
            /// [`EmitError`]; nothing was sent then.
            pub fn emit(&self, event: &str, data: impl serde::Serialize) -> Result<(), EmitError> {
                self.sending().emit(event, data)
            }

            /// Sends an event and gives the answer, read into `T` like an event's arguments. The event is sent by the call, not by
            /// the await.
            pub fn emit_with_ack<T>(&self, event: &str, data: impl serde::Serialize) -> Answer<T>
            where
                T: serde::de::DeserializeOwned + Send + 'static,
            {
                self.sending().emit_with_ack(event, data)
            }

            /// Sets how long to wait for an answer. Default [`Config::ack_timeout`](super::Config::ack_timeout).
            pub const fn timeout(&self, timeout: std::time::Duration) -> Sending<'_> {
                self.sending().timeout(timeout)
            }

            /// What is emitted is sent only if it leaves at once; else it is dropped. For what is worthless when late.
            pub const fn volatile(&self) -> Sending<'_> {
                self.sending().volatile()
            }

            /// Sets whether a transport may compress what is emitted, if compression was negotiated. Default true.
            pub const fn compress(&self, compress: bool) -> Sending<'_> {
                self.sending().compress(compress)
            }

            /// The socket as far as this [typed event](trait@$crate::TypedEvent) goes: to listen to it, and to send it.
            pub fn event<E: $crate::TypedEvent>(
                &self,
                _event: E,
            ) -> $crate::handler::Typed<&Self, E> {
                $crate::handler::Typed::new(self)
            }

            const fn sending(&self) -> Sending<'_> {
                Sending { socket: self, timeout: None, how: $crate::handler::How::USUAL }
            }
        }

        /// A socket, and how to send to it. The operators may be chained in any order.
        #[derive(Debug, Clone, Copy)]
        #[must_use = "this only says how; `emit` sends"]
        pub struct Sending<'a> {
            pub(super) socket: &'a Socket,
            pub(super) timeout: Option<std::time::Duration>,
            pub(super) how: $crate::handler::How,
        }

        impl Sending<'_> {
            /// See [`Socket::timeout`].
            pub const fn timeout(mut self, timeout: std::time::Duration) -> Self {
                self.timeout = Some(timeout);
                self
            }

            /// See [`Socket::volatile`].
            pub const fn volatile(mut self) -> Self {
                self.how.volatile = true;
                self
            }

            /// See [`Socket::compress`].
            pub const fn compress(mut self, compress: bool) -> Self {
                self.how.compress = compress;
                self
            }

            /// As [`Socket::event`], in this way.
            pub fn event<E: $crate::TypedEvent>(
                self,
                _event: E,
            ) -> $crate::handler::Typed<Self, E> {
                $crate::handler::Typed::new(self)
            }

            /// As [`Socket::emit`], in this way.
            ///
            /// # Errors
            /// [`EmitError`]; nothing was sent then. A volatile event that was dropped is none.
            pub fn emit(&self, event: &str, data: impl serde::Serialize) -> Result<(), EmitError> {
                self.socket.send_event(None, event, &data, self.how)
            }

            /// As [`Socket::emit_with_ack`], in this way.
            pub fn emit_with_ack<T>(&self, event: &str, data: impl serde::Serialize) -> Answer<T>
            where
                T: serde::de::DeserializeOwned + Send + 'static,
            {
                let timeout = self.timeout.unwrap_or_else(|| self.socket.bounds().ack_timeout);
                let asked = $crate::handler::Pending::ask(self.socket, event, &data, self.how);
                Answer::new(asked, self.socket.sleep(timeout))
            }
        }

        impl $crate::handler::Emits for &Socket {
            type Answer<T: Send + 'static> = Answer<T>;

            fn emit_named(
                &self,
                event: &str,
                data: impl serde::Serialize,
            ) -> Result<(), EmitError> {
                self.emit(event, data)
            }

            fn ask_named<T>(&self, event: &str, data: impl serde::Serialize) -> Answer<T>
            where
                T: serde::de::DeserializeOwned + Send + 'static,
            {
                self.emit_with_ack(event, data)
            }
        }

        impl $crate::handler::Emits for Sending<'_> {
            type Answer<T: Send + 'static> = Answer<T>;

            fn emit_named(
                &self,
                event: &str,
                data: impl serde::Serialize,
            ) -> Result<(), EmitError> {
                self.emit(event, data)
            }

            fn ask_named<T>(&self, event: &str, data: impl serde::Serialize) -> Answer<T>
            where
                T: serde::de::DeserializeOwned + Send + 'static,
            {
                self.emit_with_ack(event, data)
            }
        }

        impl $crate::handler::Listens for &Socket {
            type Socket = Socket;
            type Listened = $crate::emitter::ListenerId;

            fn on_named(
                self,
                event: &'static str,
                listener: $crate::handler::Listener<Socket>,
            ) -> Self::Listened {
                self.listen(|listeners| listeners.on(event, listener))
            }

            fn once_named(
                self,
                event: &'static str,
                listener: $crate::handler::Listener<Socket>,
            ) -> Self::Listened {
                self.listen(|listeners| listeners.once(event, listener))
            }
        }

        impl PartialEq for Socket {
            fn eq(&self, other: &Self) -> bool {
                std::sync::Arc::ptr_eq(&self.0, &other.0)
            }
        }

        impl Eq for Socket {}
    };
}

pub(crate) use verbs;
