//! The opening handshake of a server, from the outside; and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ws::handshake::Rejection;

use crate::raw;

/// A server that echoes, with its address and the handle that ends it.
pub async fn echo(config: ws::ServerConfig) -> (SocketAddr, ws::ServerHandle) {
    let server = ws::Server::bind_with("127.0.0.1:0", config).await.unwrap();
    let (addr, handle) = (server.local_addr().unwrap(), server.handle());
    tokio::spawn(server.serve(async |mut socket: ws::WebSocket| {
        while let Some(message) = socket.recv().await? {
            let _ = socket.send(message).await;
        }
        Ok::<_, ws::Error>(())
    }));
    (addr, handle)
}

async fn answer_to(addr: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    // The server may have refused before it has read all.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn malformed_handshakes_get_the_right_status_written_and_the_next_client_is_served() {
    let (addr, _handle) = echo(ws::ServerConfig::default()).await;
    let good = raw::request(addr);
    let flood: String = (0..200).map(|i| format!("X-{i}: 1\r\n")).collect();
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    let table: Vec<(String, &str, &str)> = vec![
        (with("GET", "POST"), "405", "allow: GET"),
        (with("GET", "BREW"), "405", ""),
        (with("HTTP/1.1", "HTTP/1.0"), "505", ""),
        (with("GET / ", "GET /< "), "400", ""),
        (with("GET / HTTP/1.1", "hello"), "400", ""),
        (with("Host", "X-Host"), "400", ""),
        (with("Host", "Host: a\r\nHost"), "400", ""),
        (with("Upgrade: websocket\r\n", ""), "426", "upgrade: websocket"),
        (with("Upgrade: websocket", "Upgrade: h2c"), "426", "upgrade: websocket"),
        (with("Connection: Upgrade\r\n", ""), "426", ""),
        (with("Version: 13", "Version: 8"), "426", "sec-websocket-version: 13"),
        (with("Sec-WebSocket-Version: 13\r\n", ""), "426", "sec-websocket-version: 13"),
        (with(raw::KEY, "c2hvcnQ="), "400", ""),
        (with(raw::KEY, ""), "400", ""),
        (with("Sec-WebSocket-Key", "X-Key"), "400", ""),
        (with("\r\n\r\n", &format!("\r\nSec-WebSocket-Key: {}\r\n\r\n", raw::KEY)), "400", ""),
        (with("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"), "400", ""),
        (with("\r\n\r\n", &format!("\r\n{flood}\r\n")), "431", ""),
        (with("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024))), "431", ""),
        (with("\r\n\r\n", "\r\nOrigin: http://elsewhere.example\r\n\r\n"), "403", ""),
    ];
    for (request, status, header) in table {
        let answer = answer_to(addr, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n--\n{answer}");
        let lower = answer.to_lowercase();
        assert!(lower.contains(&header.to_lowercase()), "{request}\n--\n{answer}");
        // The server serves the next client.
        let mut next = raw::connect(addr).await;
        next.write_all(&raw::frame(0x82, b"next")).await.unwrap();
        assert_eq!(raw::read_frame(&mut next).await, (0x82, b"next".to_vec()));
    }
}

#[tokio::test]
async fn half_a_request_and_silence_gets_408() {
    let mut config = ws::ServerConfig::default();
    config.handshake_timeout = Duration::from_millis(100);
    let (addr, _handle) = echo(config).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(&raw::request(addr).as_bytes()[..40]).await.unwrap();
    let answer = raw::read_to_end(&mut stream).await;
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_trickle_below_the_minimum_rate_gets_408_long_before_the_timeout() {
    let mut config = ws::ServerConfig::default();
    config.handshake_timeout = Duration::from_secs(3600);
    let (addr, _handle) = echo(config).await;
    let (mut read, mut write) = TcpStream::connect(addr).await.unwrap().into_split();
    let request = raw::request(addr);
    let trickle = tokio::spawn(async move {
        for byte in request.as_bytes().chunks(1) {
            // The rate is what is tested: ten bytes a second.
            tokio::time::sleep(Duration::from_millis(100)).await;
            if write.write_all(byte).await.is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    read.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    trickle.abort();
}

#[tokio::test]
async fn frames_pipelined_behind_the_handshake_are_not_lost() {
    let (addr, _handle) = echo(ws::ServerConfig::default()).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut bytes = raw::request(addr).into_bytes();
    bytes.extend(raw::frame(0x81, b"early"));
    bytes.extend(&raw::frame(0x82, b"cut in two")[..9]);
    stream.write_all(&bytes).await.unwrap();
    raw::read_head(&mut stream).await;
    assert_eq!(raw::read_frame(&mut stream).await, (0x81, b"early".to_vec()));
    stream.write_all(&raw::frame(0x82, b"cut in two")[9..]).await.unwrap();
    assert_eq!(raw::read_frame(&mut stream).await, (0x82, b"cut in two".to_vec()));
}

#[tokio::test]
async fn the_first_subprotocol_of_the_server_that_was_offered_is_chosen() {
    let mut config = ws::ServerConfig::default();
    config.subprotocols = vec!["v2".into(), "v1".into()];
    let (addr, _handle) = echo(config).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let offer = "\r\nSec-WebSocket-Protocol: v0, v1\r\nSec-WebSocket-Protocol: v2\r\n\r\n";
    let request = raw::request(addr).replacen("\r\n\r\n", offer, 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = raw::read_head(&mut stream).await.to_lowercase();
    assert!(head.contains("sec-websocket-protocol: v2\r\n"), "{head}");
}

#[tokio::test]
async fn shutdown_closes_with_1001_and_waits_for_the_answers() {
    let (addr, handle) = echo(ws::ServerConfig::default()).await;
    let mut polite = raw::connect(addr).await;
    let ending = tokio::spawn(async move { handle.shutdown(Duration::from_secs(10)).await });
    let (first, payload) = raw::read_frame(&mut polite).await;
    assert_eq!((first, &payload[..2]), (0x88, &1001u16.to_be_bytes()[..]));
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
    assert!(!ending.is_finished(), "the answer is waited for");
    polite.write_all(&raw::close(1001)).await.unwrap();
    assert_eq!(raw::read_to_end(&mut polite).await, b"", "the server ends the stream first");
    drop(polite);
    assert_eq!(ending.await.unwrap(), 0);
}

#[tokio::test]
async fn shutdown_does_not_wait_longer_than_it_was_told() {
    let mut config = ws::ServerConfig::default();
    let mut websocket = ws::Config::default();
    websocket.close_timeout = Duration::from_secs(3600);
    config.websocket = Arc::new(websocket);
    let (addr, handle) = echo(config).await;
    let mut mute = raw::connect(addr).await;
    assert_eq!(handle.shutdown(Duration::from_millis(100)).await, 1);
    let rest = raw::read_to_end(&mut mute).await;
    assert_eq!(&rest[..1], [0x88], "told, then dropped");
}

#[derive(Clone)]
struct User(String);

/// A server that asks who it is, in the name of the application.
async fn picky() -> SocketAddr {
    let server = ws::Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap();
    let server = server.on_request(async |client: ws::server::Incoming| {
        tokio::task::yield_now().await;
        let name = client.request().uri().query().unwrap_or_default().to_owned();
        match &*name {
            "" => Err(Rejection::new(StatusCode::UNAUTHORIZED, "who are you?")
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Query"))),
            "confused" => Ok(client.accept().subprotocol("never offered")),
            _ => Ok(client
                .accept()
                .attach(User(name))
                .subprotocol("v1")
                .header(header::SET_COOKIE, HeaderValue::from_static("a=b"))),
        }
    });
    tokio::spawn(server.serve(async |mut socket: ws::WebSocket| {
        let name = &socket.get::<User>().unwrap().0;
        let hello = format!("hello, {name} by {}", socket.subprotocol().unwrap());
        socket.send(hello).await
    }));
    addr
}

#[tokio::test]
async fn the_application_may_refuse_choose_add_and_attach() {
    let addr = picky().await;
    let request = raw::request(addr);
    let refused = answer_to(addr, request.as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 401 ") && refused.ends_with("who are you?"), "{refused}");
    assert!(refused.to_lowercase().contains("www-authenticate: query\r\n"), "{refused}");
    let confused = answer_to(addr, request.replacen("/ ", "/?confused ", 1).as_bytes()).await;
    assert!(confused.starts_with("HTTP/1.1 500 "), "{confused}");

    let connecting =
        ws::Client::builder(format!("ws://{addr}/?ann")).subprotocol("v0").subprotocol("v1");
    let connected = connecting.handshake().await.unwrap();
    assert_eq!(connected.response().headers()["set-cookie"], "a=b");
    let mut socket = connected.into_websocket();
    assert_eq!(socket.subprotocol(), Some("v1"));
    assert_eq!(socket.recv().await.unwrap().unwrap().as_text(), Some("hello, ann by v1"));
    assert_eq!(socket.recv().await.unwrap(), None);
}

#[tokio::test]
async fn a_server_with_tls_serves_wss_and_outlives_who_speaks_no_tls() {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let mut config = ws::ServerConfig::default();
    let acceptor = ws::net::TlsAcceptor::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    config.secure = Some(Arc::new(acceptor));
    let (addr, _handle) = echo(config).await;
    let plain = answer_to(addr, raw::request(addr).as_bytes()).await;
    assert!(!plain.starts_with("HTTP"), "{plain}");

    let mut roots = ws::rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let provider = Arc::new(ws::rustls::crypto::ring::default_provider());
    let tls = ws::rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let url = format!("wss://localhost:{}/", addr.port());
    let mut socket = ws::Client::builder(url).tls(tls).connect().await.unwrap();
    let big = vec![7; 300_000];
    socket.send(big.clone()).await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(ws::Message::from(big)));
    assert!(socket.close(ws::CloseCode::NORMAL, "").await.is_clean());
}
