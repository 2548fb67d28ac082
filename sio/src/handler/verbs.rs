//! What an application does with a socket of either kind. The methods are those of each `Socket` itself, so that nobody has to
//! import a trait for them; hence a macro.

/// Gives the `Socket` of a module, an [`Endpoint`](super::Endpoint) around an `Arc`, its listeners, its `emit` and [`Timed`].
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
            /// Sends an event: `data` is one argument, or several if it is a tuple, or none if it is `()`. It is queued when this
            /// returns, in order with all that was sent before.
            ///
            /// # Errors
            /// [`EmitError`]; nothing was sent then.
            pub fn emit(&self, event: &str, data: impl serde::Serialize) -> Result<(), EmitError> {
                self.send_event(None, event, &data)
            }

            /// Sends an event and gives the answer, read into `T` like an event's arguments. The event is sent by the call, not by
            /// the await.
            pub fn emit_with_ack<T>(&self, event: &str, data: impl serde::Serialize) -> Answer<T>
            where
                T: serde::de::DeserializeOwned + Send + 'static,
            {
                self.timeout(self.bounds().ack_timeout).emit_with_ack(event, data)
            }

            /// Sets how long to wait for an answer. Default [`Config::ack_timeout`](super::Config::ack_timeout).
            #[must_use]
            pub const fn timeout(&self, timeout: std::time::Duration) -> Timed<'_> {
                Timed { socket: self, timeout }
            }
        }

        /// A socket, and how long to wait for its answer.
        #[derive(Debug, Clone, Copy)]
        pub struct Timed<'a> {
            socket: &'a Socket,
            timeout: std::time::Duration,
        }

        impl Timed<'_> {
            /// As [`Socket::emit_with_ack`], with this timeout.
            pub fn emit_with_ack<T>(&self, event: &str, data: impl serde::Serialize) -> Answer<T>
            where
                T: serde::de::DeserializeOwned + Send + 'static,
            {
                let asked = $crate::handler::Pending::ask(self.socket, event, &data);
                Answer::new(asked, self.socket.sleep(self.timeout))
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
