use std::sync::Arc;
use std::time::Duration;

use sio::server::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ws::net::TlsAcceptor;

use crate::client::{ask, get, join, join_by, poll_and_upgrade, url};
use crate::{listen, server, soon};

#[tokio::test]
async fn plain() {
    let addr = listen(&server(Config::default())).await;
    poll_and_upgrade(addr).await;
    let mut socket = join(&url(addr)).await;
    assert_eq!(ask(&mut socket, r#"["where"]"#).await, r#"430["127.0.0.1",false]"#);
}

struct Certificate {
    acceptor: TlsAcceptor,
    client: Arc<ws::rustls::ClientConfig>,
}

fn certificate() -> Certificate {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let acceptor = TlsAcceptor::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    let mut roots = ws::rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let provider = Arc::new(ws::rustls::crypto::ring::default_provider());
    let client = ws::rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Certificate { acceptor, client: Arc::new(client) }
}

#[tokio::test]
async fn over_tls_nothing_is_served_in_the_clear() {
    let Certificate { acceptor, client } = certificate();
    let io = server(Config::default());
    let listening = io.bind("127.0.0.1:0").await.unwrap().secure(acceptor);
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    let url = format!("wss://localhost:{}/socket.io/?EIO=4&transport=websocket", addr.port());
    let mut socket = join_by(ws::Client::builder(&url).tls(client.clone())).await;
    assert_eq!(ask(&mut socket, r#"["where"]"#).await, r#"430["127.0.0.1",true]"#);
    let plain = get(addr, "/socket.io/?EIO=4&transport=polling").await;
    assert!(!plain.starts_with("HTTP"), "{plain}");
}

#[tokio::test]
async fn a_tls_handshake_that_is_not_finished_ends() {
    let mut config = Config::default();
    config.engine.header_timeout = Duration::from_millis(50);
    let io = server(config);
    let listening = io.bind("127.0.0.1:0").await.unwrap().secure(certificate().acceptor);
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(&[0x16, 3, 1]).await.unwrap();
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn several_servers_on_one_listener_and_one_server_on_several() {
    let path = |path: &str| {
        let mut config = Config::default();
        config.engine.path = path.to_owned();
        server(config)
    };
    let (chat, admin) = (path("/chat/"), path("/admin/"));
    chat.fallback(async |_| http::Response::new("a page"));
    let listening = chat.bind("127.0.0.1:0").await.unwrap().with(&admin);
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    let other = listen(&chat).await;
    for (addr, path) in [(addr, "chat"), (addr, "admin"), (other, "chat")] {
        let url = format!("ws://{addr}/{path}/?EIO=4&transport=websocket");
        let mut socket = join(&url).await;
        assert_eq!(ask(&mut socket, r#"["echo","x"]"#).await, r#"430["x"]"#);
    }
    assert!(get(addr, "/").await.ends_with("a page"));
    assert!(get(other, "/admin/?EIO=4&transport=polling").await.ends_with("a page"));
    // A session of one is none of the other.
    let open = get(addr, "/chat/?EIO=4&transport=polling").await;
    let sid = &open.split("\"sid\":\"").nth(1).unwrap()[..20];
    let stolen = get(addr, &format!("/admin/?EIO=4&transport=polling&sid={sid}")).await;
    assert!(stolen.contains("Session ID unknown"), "{stolen}");
}

#[tokio::test]
async fn connections_per_address_are_limited_and_who_is_turned_away_hears_why() {
    let mut config = Config::default();
    config.engine.addresses.exempt = Vec::new();
    config.engine.addresses.max_connections = 2;
    let addr = listen(&server(config)).await;
    let first = join(&url(addr)).await;
    let _second = join(&url(addr)).await;
    let refused = get(addr, "/socket.io/?EIO=4&transport=polling").await;
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 429 "), "{refused}");
    drop(first);
    // Its place is free as soon as the server has seen that.
    soon(async {
        while !get(addr, "/socket.io/?EIO=4&transport=polling").await.starts_with("HTTP/1.1 200") {}
    })
    .await;
}

/// What a socket is known by, and what opens its session, are two secrets apart.
#[tokio::test]
async fn the_public_id_of_a_socket_opens_no_session() {
    let io = server(Config::default());
    let addr = listen(&io).await;
    let mut socket = join(&url(addr)).await;
    let id = io.sockets()[0].id().to_string();
    for id in [id.clone(), id.chars().take(20).collect::<String>()] {
        for transport in ["polling", "websocket"] {
            let target = format!("/socket.io/?EIO=4&transport={transport}&sid={id}");
            let refused = get(addr, &target).await;
            assert!(refused.contains("Session ID unknown"), "{refused}");
        }
    }
    assert_eq!(ask(&mut socket, r#"["echo","mine"]"#).await, r#"430["mine"]"#);
}
