//! Events from server to server, which no client sees.

use std::borrow::Cow;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::adapter::Encoded;
use crate::emitter::Listeners;
use crate::handler::caught;
use crate::packet::{Arguments, EncodeError, Packet, encode};
use crate::server::{EmitError, Namespace};

type Listener = Arc<dyn Fn(Arguments<'_>) + Send + Sync>;

/// Who listens to events of other servers in one namespace.
#[derive(Default)]
pub(in crate::server) struct ServerSide(Mutex<Listeners<Listener>>);

impl ServerSide {
    /// Another server has sent this.
    pub(in crate::server) fn handle(&self, packet: &Encoded) {
        let Ok(packet) = Packet::from_encoded(&packet.text, packet.attachments.clone()) else {
            return tracing::warn!("another server has sent an invalid packet");
        };
        let event = packet.event.as_deref().unwrap_or_default();
        let fired = self.0.lock().unwrap_or_else(PoisonError::into_inner).fire(event);
        for listener in fired.iter() {
            let called = caught(AssertUnwindSafe(|| listener(packet.arguments())));
            if let Err(message) = called {
                tracing::error!(%message, event, "a listener to other servers panicked");
            }
        }
    }
}

impl Namespace {
    /// Sends an event to the other servers of the cluster, where those get it that listen by
    /// [`on_server_side`](Self::on_server_side). A server alone, as it is with the rooms in its own memory, reaches nobody by it.
    ///
    /// # Errors
    /// [`EmitError::Encode`]: `connect`, `connection` and `new_namespace` are reserved beside the names that always are.
    pub fn server_side_emit(&self, event: &str, data: impl Serialize) -> Result<(), EmitError> {
        if matches!(event, "connection" | "new_namespace") {
            return Err(EmitError::Encode(EncodeError::ReservedName(event.into())));
        }
        let mut text = String::new();
        let attachments = encode::event(&mut text, self.name(), None, event, &data)?;
        self.inner.adapter.server_side_emit(&Encoded { text, attachments });
        Ok(())
    }

    /// Calls `listener` with the arguments of every such event that another server sends in this namespace.
    pub fn on_server_side(
        &self,
        event: impl Into<Cow<'static, str>>,
        listener: impl Fn(Arguments<'_>) + Send + Sync + 'static,
    ) {
        let mut listeners = self.inner.server_side.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.on(event, Arc::new(listener));
    }
}

impl fmt::Debug for ServerSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSide")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use crate::adapter::Encoded;
    use crate::handler::EmitError;
    use crate::packet::Args;
    use crate::server::Io;

    #[test]
    fn what_another_server_sends_is_heard_and_reserved_names_are_refused() {
        let io = Io::new();
        let namespace = io.of("/x");
        let (sender, heard) = channel();
        namespace.on_server_side("sum", move |arguments| {
            let Args(numbers) = arguments.read::<Args<i64>>().unwrap();
            sender.send(numbers).unwrap();
        });
        let packet = |text: &str| Encoded { text: text.into(), attachments: Vec::new() };
        namespace.inner.server_side.handle(&packet(r#"2/x,["sum",1,2]"#));
        namespace.inner.server_side.handle(&packet("nonsense"));
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [[1, 2]]);
        namespace.server_side_emit("sum", (1, 2)).unwrap();
        assert!(heard.try_recv().is_err(), "it is alone");
        for event in ["connect", "connection", "new_namespace", "disconnect"] {
            let refused = namespace.server_side_emit(event, ());
            assert!(matches!(refused, Err(EmitError::Encode(_))), "{event}");
        }
    }
}
