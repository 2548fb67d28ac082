//! Through proxies and TLS, over every transport.

use std::net::SocketAddr;

use sio::client::{ConnectError, Data, Transport};
use sio::engine::client::ConnectError as SessionError;
use sio::server::{self, Io};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use ws::client::{Proxy, ProxyError};

use crate::support::{client, serve, soon};

/// An HTTP proxy that knows one user, and leads to `target` whatever it is asked for.
async fn http_proxy(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut client = BufReader::new(stream);
                let (mut head, mut line) = (String::new(), String::new());
                while line != "\r\n" {
                    line.clear();
                    client.read_line(&mut line).await.unwrap();
                    head.push_str(&line);
                }
                assert!(head.starts_with("CONNECT nowhere.invalid:80 HTTP/1.1\r\n"), "{head}");
                // ada:secret
                if !head.contains("Proxy-Authorization: Basic YWRhOnNlY3JldA==\r\n") {
                    let refusal = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n";
                    return client.write_all(refusal).await.unwrap();
                }
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 Here it is\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    addr
}

/// The same in SOCKS 5.
async fn socks_proxy(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let [_version, count] = read(&mut client).await;
                let mut methods = vec![0; count.into()];
                client.read_exact(&mut methods).await.unwrap();
                if !methods.contains(&2) {
                    return client.write_all(&[5, 0xff]).await.unwrap();
                }
                client.write_all(&[5, 2]).await.unwrap();
                let login: [u8; 12] = read(&mut client).await;
                let known = login == *b"\x01\x03ada\x06secret";
                client.write_all(&[1, u8::from(!known)]).await.unwrap();
                if !known {
                    return;
                }
                let request: [u8; 22] = read(&mut client).await;
                assert_eq!(&request, b"\x05\x01\x00\x03\x0fnowhere.invalid\x00\x50");
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 1]).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    addr
}

async fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn every_transport_goes_through_proxies() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    });
    let addr = serve(&io).await;
    let proxies = [
        format!("http://ada:secret@{}", http_proxy(addr).await),
        format!("socks5h://ada:secret@{}", socks_proxy(addr).await),
    ];
    for proxy in &proxies {
        for way in [Transport::Polling, Transport::WebSocket] {
            let builder = sio::Client::builder("http://nowhere.invalid")
                .proxy(Proxy::new(proxy).unwrap())
                .transports([way]);
            let socket = soon(builder.connect()).await.unwrap();
            assert_eq!(soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.unwrap(), 5);
        }
        let stranger = proxy.replace("secret", "guess!");
        let proxy = Proxy::new(&stranger).unwrap();
        let error = sio::Client::builder("http://nowhere.invalid").proxy(proxy).connect();
        let error = soon(error).await.unwrap_err();
        assert!(
            matches!(
                error,
                ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Proxy(
                    ProxyError::Status(407) | ProxyError::Authentication
                )))
            ),
            "{error:?}"
        );
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::new(&format!("http://{nobody}")).unwrap();
    let error = soon(client(addr).proxy(proxy).connect()).await.unwrap_err();
    assert!(error.to_string().contains("proxy can't be reached"), "{error}");
}

/// An HTTP proxy that answers requests, but makes no tunnels. Tells what it was asked for.
async fn proxy_without_tunnels() -> (SocketAddr, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (asked, asks) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut client = BufReader::new(stream);
            let (mut first, mut line) = (String::new(), String::new());
            client.read_line(&mut first).await.unwrap();
            while line != "\r\n" {
                line.clear();
                client.read_line(&mut line).await.unwrap();
            }
            asked.send(first).unwrap();
            let refusal = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
            client.write_all(refusal).await.unwrap();
        }
    });
    (addr, asks)
}

#[tokio::test]
async fn a_proxy_that_refuses_connect_is_told_even_for_plain_http() {
    let (addr, mut asks) = proxy_without_tunnels().await;
    for way in [Transport::Polling, Transport::WebSocket] {
        let builder = sio::Client::builder("http://nowhere.invalid")
            .proxy(Proxy::new(&format!("http://{addr}")).unwrap())
            .transports([way]);
        let error = soon(builder.connect()).await.unwrap_err();
        assert_eq!(asks.recv().await.unwrap(), "CONNECT nowhere.invalid:80 HTTP/1.1\r\n");
        assert!(
            matches!(
                error,
                ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Proxy(
                    ProxyError::Status(405)
                )))
            ),
            "{error:?}"
        );
        let told = error.to_string();
        assert!(told.contains("proxy") && told.contains("405"), "{told}");
    }
}

/// Runs this test again in a process with another environment.
async fn again(test: &str, variables: &[(&str, String)]) -> bool {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).envs(variables.iter().map(|(name, value)| (name, value)));
    let output = soon(command.output()).await.unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("running 1 test"));
    output.status.success()
}

#[tokio::test]
async fn every_transport_goes_through_the_proxy_of_the_environment_if_that_is_wanted() {
    const URL: &str = "SIO_TEST_URL";
    if let Ok(url) = std::env::var(URL) {
        for way in [Transport::Polling, Transport::WebSocket] {
            let builder = sio::Client::builder(&url).proxy_from_env().transports([way]);
            assert!(soon(builder.connect()).await.unwrap().connected());
            let direct = sio::Client::builder("http://nowhere.invalid").transports([way]);
            let direct = soon(direct.connect()).await;
            assert!(direct.is_err(), "the environment is not looked at unless that is wanted");
        }
        return;
    }
    let test =
        "proxies::every_transport_goes_through_the_proxy_of_the_environment_if_that_is_wanted";
    let addr = serve(&Io::new()).await;
    let nowhere = (URL, "http://nowhere.invalid".to_owned());
    let proxy = format!("http://ada:secret@{}", http_proxy(addr).await);
    assert!(again(test, &[nowhere.clone(), ("http_proxy", proxy.clone())]).await);
    let proxy = format!("socks5h://ada:secret@{}", socks_proxy(addr).await);
    assert!(again(test, &[nowhere.clone(), ("ALL_PROXY", proxy.clone())]).await);
    let stranger = ("all_proxy", proxy.replace("secret", "guess!"));
    assert!(!again(test, &[nowhere.clone(), stranger.clone()]).await);
    let excepted = ("no_proxy", "127.0.0.0/8".to_owned());
    let here = (URL, format!("http://{addr}"));
    assert!(again(test, &[here.clone(), stranger.clone(), excepted]).await);
    assert!(!again(test, &[here, stranger]).await);
    assert!(!again(test, &[nowhere, ("http_proxy", "gopher://a.test".to_owned())]).await);
}

/// Speaks TLS, and plainly with `target`.
async fn tls_terminator(target: SocketAddr) -> (SocketAddr, ws::rustls::ClientConfig) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    let acceptor =
        ws::net::TlsAcceptor::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust it goes away.
                let Ok(mut client) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let mut roots = ws::rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = std::sync::Arc::new(ws::rustls::crypto::ring::default_provider());
    let config = ws::rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (addr, config)
}

#[tokio::test]
async fn every_transport_goes_over_tls_to_who_is_trusted() {
    let io = Io::new();
    io.on_connect(async |socket: server::Socket| {
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
    });
    let (addr, trusting) = tls_terminator(serve(&io).await).await;
    for way in [
        vec![Transport::Polling],
        vec![Transport::WebSocket],
        vec![Transport::Polling, Transport::WebSocket],
    ] {
        let builder = sio::Client::builder(format!("https://{addr}")).transports(way.clone());
        let socket = soon(builder.clone().tls(trusting.clone()).connect()).await.unwrap();
        if way.len() > 1 {
            crate::support::until("it has moved", || {
                socket.transport() == Some(Transport::WebSocket)
            })
            .await;
        }
        assert_eq!(soon(socket.emit_with_ack::<i64>("add", (2, 3))).await.unwrap(), 5);
        let error = soon(builder.connect()).await.unwrap_err();
        assert!(
            matches!(
                error,
                ConnectError::Session(SessionError::WebSocket(ws::ConnectError::Tls(_)))
            ),
            "{error:?}"
        );
    }
}
