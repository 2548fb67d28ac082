//! Node's server over https.

use std::path::PathBuf;
use std::sync::Arc;

use sio::client::{Builder, Client, ConnectError, Transport};
use sio::engine::client::ConnectError as SessionError;
use ws::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::node::Node;
use crate::support::{soon, until};
use crate::{WAYS, eager, echoed, events_answers_and_binary_data, who};

/// A certificate for 127.0.0.1 that nobody else has signed. Its files go with it.
struct Certificate {
    key: PathBuf,
    cert: PathBuf,
    trusting: ClientConfig,
}

impl Certificate {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = |kind| folder.join(format!("{name}-{}.{kind}.pem", std::process::id()));
        let (key, cert) = (file("key"), file("cert"));
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let trusting = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { key, cert, trusting }
    }

    fn flags(&self) -> [&str; 4] {
        ["--key", self.key.to_str().unwrap(), "--cert", self.cert.to_str().unwrap()]
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.key);
        let _ = std::fs::remove_file(&self.cert);
    }
}

fn over_tls(host: &str, port: u16, way: &[Transport]) -> Builder {
    Client::builder(format!("https://{host}:{port}"))
        .config(eager(|_| ()))
        .transports(way.iter().copied())
}

#[tokio::test]
async fn tls_carries_everything_and_comes_back_after_a_kill() {
    let certificate = Certificate::new("carries");
    for way in WAYS {
        let node = Node::start(&certificate.flags()).await;
        let builder =
            over_tls("127.0.0.1", node.addr.port(), way).tls(certificate.trusting.clone());
        let (builder, seen) = echoed(builder);
        let socket = soon(builder.connect()).await.unwrap();
        let id = socket.id();
        let last = if way.len() > 1 { Transport::WebSocket } else { way[0] };
        until("it is on its last transport", || socket.transport() == Some(last)).await;
        events_answers_and_binary_data(&socket, &seen).await;
        let port = node.kill().await;
        until("it is lost", || !socket.connected()).await;
        let _node = Node::again(port, &certificate.flags()).await;
        until("it is back", || socket.connected() && socket.id() != id).await;
        until("it is on its last transport", || socket.transport() == Some(last)).await;
        events_answers_and_binary_data(&socket, &seen).await;
        assert_eq!(who(&socket).await.transport, last.name(), "{way:?}");
    }
}

/// What the refusal says.
async fn refused(builder: Builder) -> String {
    let error = soon(builder.connect()).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Tls(_)))),
        "{error:?}"
    );
    error.to_string()
}

#[tokio::test]
async fn tls_refuses_who_is_not_trusted_or_has_another_name() {
    let certificate = Certificate::new("refuses");
    let node = Node::start(&certificate.flags()).await;
    let port = node.addr.port();
    for way in WAYS {
        let told = refused(over_tls("127.0.0.1", port, way)).await;
        assert!(told.contains("UnknownIssuer"), "{way:?}: {told}");
        let other = over_tls("localhost", port, way).tls(certificate.trusting.clone());
        let told = refused(other).await;
        assert!(told.contains("not valid for name \"localhost\""), "{way:?}: {told}");
    }
}
