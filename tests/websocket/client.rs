//! The client against servers good, bad and silent.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpListener;
use ws::handshake::{self, HeadReader, TargetError, VerifyError};
use ws::net::{Stream, TlsAcceptor};
use ws::rustls::pki_types::CertificateDer;
use ws::rustls::{ClientConfig, RootCertStore, crypto::ring};
use ws::{Client, CloseCode, ConnectError, Message, Role, WebSocket};

/// Reads the client's request as a server does.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Request<()> {
    let (mut buffer, mut reader) = (BytesMut::new(), HeadReader::default());
    loop {
        if let Some((request, _)) = reader.request(&buffer).unwrap() {
            return request;
        }
        assert_ne!(stream.read_buf(&mut buffer).await.unwrap(), 0, "the client closed");
    }
}

/// Takes a handshake, with the first subprotocol that is offered, and what follows the 101 in the same write.
async fn accept(mut stream: Stream, behind: &[u8]) -> (Request<()>, WebSocket) {
    let request = read_request(&mut stream).await;
    let upgrade = handshake::check(&request).unwrap();
    let response = upgrade.accept(upgrade.subprotocols().iter().next(), HeaderMap::new()).unwrap();
    let mut answer = handshake::encode_response(&response);
    answer.extend_from_slice(behind);
    stream.write_all(&answer).await.unwrap();
    let socket = WebSocket::from_stream(stream, Bytes::new(), Role::Server, Arc::default());
    (request, socket)
}

async fn echo(mut socket: WebSocket) {
    while let Some(message) = socket.recv().await.unwrap() {
        socket.send(message).await.unwrap();
    }
}

/// A server of one connection; gives its port.
async fn serve<F: Future<Output: Send> + Send + 'static>(
    each: impl FnOnce(Stream) -> F + Send + 'static,
) -> u16 {
    serve_at("127.0.0.1:0", each).await.unwrap()
}

async fn serve_at<F>(addr: &str, each: impl FnOnce(Stream) -> F + Send + 'static) -> io::Result<u16>
where
    F: Future<Output: Send> + Send + 'static,
{
    let listener = TcpListener::bind(addr).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        each(stream.into()).await
    });
    Ok(port)
}

/// Connects to somebody who reads the request and answers with these bytes, then is silent but stays.
async fn answered_with(
    bytes: impl Into<Vec<u8>>,
) -> (Result<ws::client::Connected, ConnectError>, DuplexStream) {
    let (ours, mut theirs) = tokio::io::duplex(1 << 17);
    let bytes = bytes.into();
    let server = async move {
        read_request(&mut theirs).await;
        theirs.write_all(&bytes).await.unwrap();
        theirs
    };
    let client = Client::builder("ws://a.test/");
    tokio::join!(client.handshake_over(Stream::new(ours)), server)
}

fn refused(result: Result<ws::client::Connected, ConnectError>) -> ws::client::Refused {
    match result {
        Err(ConnectError::Refused(refused)) => *refused,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn the_server_sees_path_headers_and_subprotocols_and_its_choice_is_told() {
    let (seen, request) = tokio::sync::oneshot::channel();
    let port = serve(async |stream| {
        let (request, socket) = accept(stream, b"").await;
        seen.send(request).unwrap();
        echo(socket).await;
    })
    .await;
    let connected = Client::builder(format!("ws://127.0.0.1:{port}/chat?room=1"))
        .header("authorization", "Bearer x")
        .header("cookie", "a=b")
        .header("cookie", "c=d")
        .subprotocol("v2")
        .subprotocol("v1")
        .handshake()
        .await
        .unwrap();
    assert_eq!(
        (connected.subprotocol(), connected.response().status().as_u16()),
        (Some("v2"), 101)
    );
    let request = request.await.unwrap();
    assert_eq!(request.uri(), "/chat?room=1");
    assert_eq!(request.headers()["host"], format!("127.0.0.1:{port}"));
    assert_eq!(request.headers()["authorization"], "Bearer x");
    assert_eq!(request.headers().get_all("cookie").iter().count(), 2);

    let mut socket = connected.into_websocket();
    socket.send("hello").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("hello")));
    assert_eq!(socket.close(CloseCode::NORMAL, "").await.failure, None);
}

#[tokio::test]
async fn ipv6_addresses_can_be_dialled() {
    let Ok(port) =
        serve_at("[::1]:0", async |stream| echo(accept(stream, b"").await.1).await).await
    else {
        return; // a machine without IPv6
    };
    let mut socket = ws::connect(&format!("ws://[::1]:{port}")).await.unwrap();
    socket.send("six").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("six")));
}

#[tokio::test]
async fn frames_that_come_along_with_the_101_are_not_lost() {
    let port =
        serve(async |stream| echo(accept(stream, b"\x81\x05first\x82\x01").await.1).await).await;
    let mut socket = ws::connect(&format!("ws://127.0.0.1:{port}")).await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("first")));
}

#[tokio::test]
async fn a_handler_is_called_for_what_the_server_sends() {
    struct Forward(tokio::sync::mpsc::UnboundedSender<String>);
    impl ws::Handler for Forward {
        fn on_message(&mut self, _: &mut ws::Context<'_>, payload: ws::Payload<'_>) {
            self.0.send(payload.as_text().unwrap_or_default().to_owned()).unwrap();
        }
    }
    let port = serve(async |stream| echo(accept(stream, b"").await.1).await).await;
    let (forward, mut received) = tokio::sync::mpsc::unbounded_channel();
    let client = Client::builder(format!("ws://127.0.0.1:{port}"));
    let sender = client.connect_with(Forward(forward)).await.unwrap();
    sender.try_send("ping").unwrap();
    assert_eq!(received.recv().await.unwrap(), "ping");
}

/// A certificate for a name, and a client's configuration that trusts it.
fn certificate(name: &str) -> (TlsAcceptor, ClientConfig) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let pem = (made.cert.pem(), made.signing_key.serialize_pem());
    (TlsAcceptor::from_pem(pem.0.as_bytes(), pem.1.as_bytes()).unwrap(), trusting(made.cert.der()))
}

fn trusting(certificate: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[tokio::test]
async fn messages_of_all_sizes_go_both_ways_over_tls() {
    let (tls, config) = certificate("localhost");
    let port = serve(async move |stream| {
        echo(accept(tls.accept(stream).await.unwrap(), b"").await.1).await
    })
    .await;
    let client = Client::builder(format!("wss://localhost:{port}/")).tls(config);
    let mut socket = client.connect().await.unwrap();
    for len in [0, 1, 125, 126, 16 * 1024, 65_536, 1 << 20] {
        let message = Message::from(vec![7; len]);
        socket.send(message.clone()).await.unwrap();
        assert!(socket.recv().await.unwrap() == Some(message), "{len}");
    }
    assert_eq!(socket.close(CloseCode::NORMAL, "done").await.failure, None);
}

/// TLS takes more than its stream does, and keeps the rest until it is flushed.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_message_does_not_stay_behind_in_tls() {
    let (tls, config) = certificate("a.test");
    let (ours, theirs) = tokio::io::duplex(1000);
    tokio::spawn(async move {
        let (_, mut socket) = accept(tls.accept(Stream::new(theirs)).await.unwrap(), b"").await;
        socket.send(vec![7; 10_000]).await.unwrap();
        socket.recv().await
    });
    let client = Client::builder("wss://a.test/").tls(config);
    let mut socket = client.handshake_over(Stream::new(ours)).await.unwrap().into_websocket();
    let message = tokio::time::timeout(Duration::from_secs(1), socket.recv()).await;
    assert_eq!(message.expect("all of it").unwrap(), Some(Message::from(vec![7; 10_000])));
}

#[tokio::test]
async fn a_certificate_without_trust_or_with_another_name_is_refused() {
    let (tls, _) = certificate("localhost");
    let port = serve(async move |stream| tls.accept(stream).await.map(drop)).await;
    let error = ws::connect(&format!("wss://localhost:{port}")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error}");

    let (tls, config) = certificate("example.com");
    let port = serve(async move |stream| tls.accept(stream).await.map(drop)).await;
    let client = Client::builder(format!("wss://localhost:{port}")).tls(config);
    let error = client.connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error}");
}

#[tokio::test]
async fn who_speaks_tls_to_a_plain_server_is_told_so() {
    let port = serve(async |mut stream: Stream| {
        let error = HeadReader::default().request(&{
            let mut buffer = BytesMut::new();
            stream.read_buf(&mut buffer).await.unwrap();
            buffer
        });
        stream.write_all(&handshake::Rejection::from(error.unwrap_err()).to_bytes()).await.unwrap();
    })
    .await;
    let error = ws::connect(&format!("wss://127.0.0.1:{port}")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error}");
}

#[test]
fn a_server_certificate_that_is_none_is_an_error() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let load = |certificate: &str, key: &str| {
        TlsAcceptor::from_pem(certificate.as_bytes(), key.as_bytes())
    };
    assert!(load(&certificate, &key).is_ok());
    assert!(load("", &key).is_err());
    assert!(load(&certificate, "").is_err());
    assert!(load(&key, &certificate).is_err());
    assert!(load(&certificate, &other.signing_key.serialize_pem()).is_err());
    assert!(TlsAcceptor::from_pem_files("no such file", "no such file").is_err());
}

#[tokio::test]
async fn a_refusal_carries_status_headers_and_body() {
    let port = serve(async |mut stream: Stream| {
        read_request(&mut stream).await;
        let rejection = handshake::Rejection::new(http::StatusCode::UNAUTHORIZED, "who are you?");
        stream.write_all(&rejection.to_bytes()).await.unwrap();
        std::future::pending::<()>().await; // it doesn't even close
    })
    .await;
    let refused = refused(Client::builder(format!("ws://127.0.0.1:{port}")).handshake().await);
    assert_eq!((refused.status.as_u16(), &*refused.text()), (401, "who are you?"));
    assert_eq!(refused.headers["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_refusal_is_bounded_in_size_and_time() {
    let chunked =
        "HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(&*refused(answered_with(chunked).await.0).body, b"hello");

    let begun = tokio::time::Instant::now();
    let (result, _silent) = answered_with("HTTP/1.0 503 Service Unavailable\r\n\r\nhalf a").await;
    assert_eq!(&*refused(result).body, b"half a");
    assert_eq!(begun.elapsed(), Duration::from_secs(2));

    let endless =
        [b"HTTP/1.1 500 Internal Server Error\r\n\r\n".as_slice(), &[b'x'; 100_000]].concat();
    assert_eq!(refused(answered_with(endless).await.0).body.len(), 64 * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_times_out() {
    let begun = tokio::time::Instant::now();
    for (half, seconds) in [("", 10), ("HTTP/1.1 101 Switching Protocols\r\nUpgr", 20)] {
        let (result, _silent) = answered_with(half).await;
        assert!(matches!(result, Err(ConnectError::Timeout)), "{result:?}");
        assert_eq!(begun.elapsed(), Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn the_deadline_of_the_builder_holds_for_tls_too() {
    let port = serve(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let client = Client::builder(format!("wss://127.0.0.1:{port}"));
    let error = client.handshake_timeout(Duration::from_millis(20)).connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout), "{error}");
}

#[tokio::test]
async fn an_answer_to_somebody_else_is_refused() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let (result, _) = answered_with(answer).await;
    assert!(matches!(result, Err(ConnectError::Invalid(VerifyError::Accept))), "{result:?}");
    // Interim answers before it are passed over.
    let (result, _) = answered_with(format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{answer}"
    ))
    .await;
    assert!(matches!(result, Err(ConnectError::Invalid(VerifyError::Accept))), "{result:?}");
}

#[tokio::test]
async fn who_answers_no_http_or_nothing_is_told_apart() {
    let (result, _) = answered_with("220 mail.example.com ESMTP\r\n\r\n").await;
    assert!(matches!(result, Err(ConnectError::Head(_))), "{result:?}");
    let (result, _) = answered_with(vec![b'x'; 70_000]).await;
    assert!(matches!(result, Err(ConnectError::Head(_))), "{result:?}");

    let port = serve(async |mut stream: Stream| drop(read_request(&mut stream).await)).await;
    let error = ws::connect(&format!("ws://127.0.0.1:{port}")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io(_)), "{error}");

    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = ws::connect(&format!("ws://127.0.0.1:{port}")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Connect(_)), "{error}");
}

#[tokio::test]
async fn mistakes_of_the_caller_are_told_before_anything_is_sent() {
    let error = |client: Client| async move {
        client.handshake_over(Stream::new(tokio::io::empty())).await.unwrap_err()
    };
    let of = |url: &str| Client::builder(url);
    assert!(matches!(error(of("ftp://a")).await, ConnectError::Url(TargetError::Scheme)));
    assert!(matches!(error(of("ws://a/#b")).await, ConnectError::Url(TargetError::Fragment)));
    assert!(matches!(error(of("ws://a").subprotocol("a b")).await, ConnectError::Subprotocol(_)));
    for client in [
        of("ws://a").header("x-evil", "a\r\nx: y"),
        of("ws://a").header("no name", "a"),
        of("ws://a").header("sec-websocket-key", "a"),
    ] {
        let error = error(client).await;
        assert!(matches!(error, ConnectError::Header(_)), "{error}");
    }
}

#[test]
fn secrets_in_headers_are_not_printed() {
    let client = Client::builder("ws://a.test").header("authorization", "Bearer secret");
    let printed = format!("{client:?}");
    assert!(printed.contains("authorization") && !printed.contains("secret"), "{printed}");
}
