use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get as route;
use hyper_util::rt::TokioIo;
use sio::engine::server::Remote;
use sio::server::{Config, Io};
use tokio::net::TcpListener;

use crate::client::{ask, get, join, poll_and_upgrade, url};
use crate::server;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

#[tokio::test]
async fn in_a_server_of_hyper() {
    let service = server(Config::default()).into_service();
    let (listener, addr) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let service = service.clone().from_remote(Remote { addr: Some(peer), secure: false });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::spawn(async move { connection.await.unwrap() });
        }
    });
    poll_and_upgrade(addr).await;
    let mut socket = join(&url(addr)).await;
    assert_eq!(ask(&mut socket, r#"["where"]"#).await, r#"430["127.0.0.1",false]"#);
    assert!(get(addr, "/elsewhere").await.starts_with("HTTP/1.1 404"));
}

/// Over a stream that the server does not know: it stays under hyper.
#[tokio::test]
async fn in_a_server_of_hyper_on_a_stream_of_its_own() {
    let service = server(Config::default()).into_service();
    let (listener, addr) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tokio::io::BufStream::new(stream)), service.clone())
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    poll_and_upgrade(addr).await;
    let mut socket = join(&url(addr)).await;
    assert_eq!(ask(&mut socket, r#"["where"]"#).await, r#"430[null,false]"#);
}

async fn serve(app: Router) -> SocketAddr {
    let (listener, addr) = listener().await;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

#[tokio::test]
async fn in_an_application_of_axum_as_a_route() {
    let io = server(Config::default());
    let app = Router::new()
        .route("/", route(async || "home"))
        .route_service("/socket.io/", io.clone().into_service());
    let addr = serve(app).await;
    poll_and_upgrade(addr).await;
    let mut socket = join(&url(addr)).await;
    assert_eq!(ask(&mut socket, r#"["where"]"#).await, r#"430["127.0.0.1",false]"#);
    assert!(get(addr, "/").await.ends_with("home"));
    // What its handlers have to say reaches the clients.
    io.emit("news", "from elsewhere").unwrap();
    assert_eq!(crate::client::receive(&mut socket).await, r#"42["news","from elsewhere"]"#);
}

#[tokio::test]
async fn in_an_application_of_axum_as_a_layer() {
    let io = server(Config::default());
    let app = Router::new().route("/", route(async || "home")).layer(io.into_layer());
    let addr = serve(app).await;
    // A layer of axum is asked only for routes that exist, so that the rest goes through a fallback.
    assert!(get(addr, "/").await.ends_with("home"));
    let io = server(Config::default());
    let app = Router::new().route("/", route(async || "home")).fallback_service(io.into_service());
    poll_and_upgrade(serve(app).await).await;
}

#[tokio::test]
async fn as_a_layer_of_tower_the_others_get_their_requests() {
    use tower_layer::Layer;
    use tower_service::Service;

    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    #[derive(Clone)]
    struct Others(Arc<Mutex<Vec<String>>>);
    impl Service<http::Request<String>> for Others {
        type Response = http::Response<http_body_util::Full<bytes::Bytes>>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: http::Request<String>) -> Self::Future {
            self.0.lock().unwrap().push(request.uri().path().to_owned());
            std::future::ready(match request.uri().path() {
                "/fails" => Err("as it wants"),
                _ => Ok(http::Response::new("others".into())),
            })
        }
    }
    let io: Io = server(Config::default());
    let mut service = io.into_layer().layer(Others(seen.clone()));
    let request = |path: &str| http::Request::get(path).body(String::new()).unwrap();
    let answer = service.call(request("/page")).await.unwrap();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    assert_eq!(body, "others");
    assert!(matches!(service.call(request("/fails")).await, Err("as it wants")));
    let open = service.call(request("/socket.io/?EIO=4&transport=polling")).await.unwrap();
    assert_eq!(open.status(), 200);
    assert_eq!(*seen.lock().unwrap(), ["/page", "/fails"]);
}
